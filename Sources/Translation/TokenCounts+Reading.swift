extension TokenCounts {
    init(chat usage: RawJSON) {
        input = usage["prompt_tokens"]?.integer
        output = usage["completion_tokens"]?.integer
        cacheRead = usage["prompt_tokens_details"]?["cached_tokens"]?.integer
        cacheWrite = usage["prompt_tokens_details"]?["cache_write_tokens"]?.integer
        reasoning = usage["completion_tokens_details"]?["reasoning_tokens"]?.integer
        // Some vendors leave the reasoning out of the completion, and count it in the total.
        if let input, let output, let reasoning, reasoning > 0,
            usage["total_tokens"]?.integer == input + output + reasoning
        {
            self.output = output + reasoning
        }
    }

    init(responses usage: RawJSON) {
        input = usage["input_tokens"]?.integer
        output = usage["output_tokens"]?.integer
        cacheRead = usage["input_tokens_details"]?["cached_tokens"]?.integer
        cacheWrite = usage["input_tokens_details"]?["cache_write_tokens"]?.integer
        reasoning = usage["output_tokens_details"]?["reasoning_tokens"]?.integer
    }

    init(gemini usage: RawJSON) {
        let prompt = usage.camel("promptTokenCount")?.integer
        input = prompt.map { $0 + (usage.camel("toolUsePromptTokenCount")?.integer ?? 0) }
        cacheRead = usage.camel("cachedContentTokenCount")?.integer
        reasoning = usage.camel("thoughtsTokenCount")?.integer
        let candidates = usage.camel("candidatesTokenCount")?.integer
        guard candidates != nil || reasoning != nil else { return }
        output = (candidates ?? 0) + (reasoning ?? 0)
        // Where the total says so, the candidates hold the thoughts already.
        if let input, let candidates, let reasoning, reasoning > 0,
            usage.camel("totalTokenCount")?.integer == input + candidates
        {
            output = candidates
        }
    }

    /// Takes what a Messages answer says, the last of each number; its input is without caches.
    mutating func take(messages usage: RawJSON, uncached: inout Int?) {
        uncached = usage["input_tokens"]?.integer ?? uncached
        cacheRead = usage["cache_read_input_tokens"]?.integer ?? cacheRead
        cacheWrite = usage["cache_creation_input_tokens"]?.integer ?? cacheWrite
        output = usage["output_tokens"]?.integer ?? output
        reasoning = usage["output_tokens_details"]?["thinking_tokens"]?.integer ?? reasoning
        input = uncached.map { $0 + (cacheRead ?? 0) + (cacheWrite ?? 0) }
    }
}
