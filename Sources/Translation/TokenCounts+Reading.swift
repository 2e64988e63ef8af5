extension TokenCounts {
    init(chat usage: RawJSON) {
        input = usage["prompt_tokens"]?.tokenCount
        output = usage["completion_tokens"]?.tokenCount
        cacheRead = usage["prompt_tokens_details"]?["cached_tokens"]?.tokenCount
        cacheWrite = usage["prompt_tokens_details"]?["cache_write_tokens"]?.tokenCount
        reasoning = usage["completion_tokens_details"]?["reasoning_tokens"]?.tokenCount
        // Some vendors leave the reasoning out of the completion, and count it in the total.
        if let input, let output, let reasoning, reasoning > 0,
            usage["total_tokens"]?.tokenCount == input + output + reasoning
        {
            self.output = output + reasoning
        }
    }

    init(responses usage: RawJSON) {
        input = usage["input_tokens"]?.tokenCount
        output = usage["output_tokens"]?.tokenCount
        cacheRead = usage["input_tokens_details"]?["cached_tokens"]?.tokenCount
        cacheWrite = usage["input_tokens_details"]?["cache_write_tokens"]?.tokenCount
        reasoning = usage["output_tokens_details"]?["reasoning_tokens"]?.tokenCount
    }

    init(gemini usage: RawJSON) {
        let prompt = usage.camel("promptTokenCount")?.tokenCount
        input = prompt.map { $0 + (usage.camel("toolUsePromptTokenCount")?.tokenCount ?? 0) }
        cacheRead = usage.camel("cachedContentTokenCount")?.tokenCount
        reasoning = usage.camel("thoughtsTokenCount")?.tokenCount
        let candidates = usage.camel("candidatesTokenCount")?.tokenCount
        guard candidates != nil || reasoning != nil else { return }
        output = (candidates ?? 0) + (reasoning ?? 0)
        // Where the total says so, the candidates hold the thoughts already.
        if let input, let candidates, let reasoning, reasoning > 0,
            usage.camel("totalTokenCount")?.tokenCount == input + candidates
        {
            output = candidates
        }
    }

    /// Takes what a Messages answer says, the last of each number; its input is without caches.
    mutating func take(messages usage: RawJSON, uncached: inout Int?) {
        uncached = usage["input_tokens"]?.tokenCount ?? uncached
        cacheRead = usage["cache_read_input_tokens"]?.tokenCount ?? cacheRead
        cacheWrite = usage["cache_creation_input_tokens"]?.tokenCount ?? cacheWrite
        output = usage["output_tokens"]?.tokenCount ?? output
        reasoning = usage["output_tokens_details"]?["thinking_tokens"]?.tokenCount ?? reasoning
        input = uncached.map { $0 + (cacheRead ?? 0) + (cacheWrite ?? 0) }
    }
}

extension RawJSON {
    /// A number of tokens; nil for what is none: a negative number, and one that no call could use,
    /// with which a sum would be more than a number holds.
    fileprivate var tokenCount: Int? {
        integer.flatMap { 0...TokenCounts.countMax ~= $0 ? $0 : nil }
    }
}

extension TokenCounts {
    fileprivate static let countMax = 1 << 48
}
