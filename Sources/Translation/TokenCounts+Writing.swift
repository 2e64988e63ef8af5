import Primitives

extension TokenCounts {
    func writeChat(to json: inout JSONWriter) {
        json.beginObject()
        json.member("prompt_tokens", input ?? 0)
        json.member("completion_tokens", output ?? 0)
        json.member("total_tokens", total)
        if cacheRead != nil || cacheWrite != nil {
            json.key("prompt_tokens_details")
            json.beginObject()
            if let cacheRead { json.member("cached_tokens", cacheRead) }
            if let cacheWrite { json.member("cache_write_tokens", cacheWrite) }
            json.endObject()
        }
        if let reasoning {
            json.key("completion_tokens_details")
            json.beginObject()
            json.member("reasoning_tokens", reasoning)
            json.endObject()
        }
        json.endObject()
    }

    func writeResponses(to json: inout JSONWriter) {
        json.beginObject()
        json.member("input_tokens", input ?? 0)
        json.key("input_tokens_details")
        json.beginObject()
        json.member("cached_tokens", cacheRead ?? 0)
        json.member("cache_write_tokens", cacheWrite ?? 0)
        json.endObject()
        json.member("output_tokens", output ?? 0)
        json.key("output_tokens_details")
        json.beginObject()
        json.member("reasoning_tokens", reasoning ?? 0)
        json.endObject()
        json.member("total_tokens", total)
        json.endObject()
    }

    func writeMessages(to json: inout JSONWriter) {
        json.beginObject()
        if let uncached { json.member("input_tokens", uncached) }
        if let cacheRead { json.member("cache_read_input_tokens", cacheRead) }
        if let cacheWrite { json.member("cache_creation_input_tokens", cacheWrite) }
        json.member("output_tokens", output ?? 0)
        if let reasoning {
            json.key("output_tokens_details")
            json.beginObject()
            json.member("thinking_tokens", reasoning)
            json.endObject()
        }
        json.endObject()
    }

    func writeGemini(to json: inout JSONWriter) {
        json.beginObject()
        json.member("promptTokenCount", input ?? 0)
        if let output { json.member("candidatesTokenCount", max(0, output - (reasoning ?? 0))) }
        if let reasoning { json.member("thoughtsTokenCount", reasoning) }
        if let cacheRead { json.member("cachedContentTokenCount", cacheRead) }
        json.member("totalTokenCount", total)
        json.endObject()
    }
}
