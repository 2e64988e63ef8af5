// What vendors of each dialect mean by their fields.
extension UsageFields {
    /// The tokens by kind, as vendors of a dialect mean their fields.
    public func usage(of dialect: Dialect) -> Usage {
        switch dialect {
        case .openai: openAI
        case .anthropic: anthropic
        case .gemini: gemini
        }
    }

    /// Whether a usage that was read from these says all: what a vendor left out, or wrote as no
    /// number, is not nothing.
    ///
    /// `writesOutput`: whether an answer has tokens of its own.
    public func isWhole(_ usage: Usage, writesOutput: Bool) -> Bool {
        if statedNanodollars != nil { return true }
        if !usage.isEmpty, first(["total_tokens", "totalTokens", "totalTokenCount"]) != nil {
            return true
        }
        return usage.input != nil && (usage.output != nil || !writesOutput)
    }

    private static let inputDetails: InlineArray<4, StaticString> = [
        "prompt_tokens_details", "prompt_token_details", "input_tokens_details",
        "input_token_details",
    ]
    private static let outputDetails: InlineArray<3, StaticString> = [
        "completion_tokens_details", "output_tokens_details", "output_token_details",
    ]

    // OpenAI's own, and those of the many who follow it, and of some who do not.
    private var openAI: Usage {
        var usage = Usage()
        usage.input = first([
            "prompt_tokens", "input_tokens", "billed_units.input_tokens", "tokens.input_tokens",
            "prompt_eval_count",
        ])
        usage.output = first([
            "completion_tokens", "output_tokens", "billed_units.output_tokens",
            "tokens.output_tokens", "eval_count", "outputTokens",
        ])
        usage.reasoning =
            largest("reasoning_tokens", in: Self.outputDetails) ?? self["reasoning_tokens"]
        readOpenAICaches(&usage)
        completeFromTotal(&usage)
        readOpenAIModalities(&usage)
        return usage
    }

    private func readOpenAICaches(_ usage: inout Usage) {
        usage.cacheRead = Self.larger(
            largest("cached_tokens", in: Self.inputDetails),
            largest([
                "cached_tokens", "num_cached_tokens", "prompt_cache_hit_tokens",
                "cache_read_input_tokens", "cached_prompt_text_tokens", "cacheReadInputTokens",
            ]))
        let written = Self.larger(
            Self.larger(
                largest("cache_write_tokens", in: Self.inputDetails),
                largest("cache_creation_input_tokens", in: Self.inputDetails)),
            largest(["cache_creation_input_tokens", "cacheWriteInputTokens"]))
        usage.cacheWrite = written
        let long = Self.larger(
            Self.larger(
                largest("cache_write_tokens_details.ttl_12h_tokens", in: Self.inputDetails),
                largest("cache_creation.ephemeral_1h_input_tokens", in: Self.inputDetails)),
            self["cache_creation.ephemeral_1h_input_tokens"])
        if let long {
            usage.cacheWriteLong = long
            usage.cacheWrite = max(0, (written ?? long) - long)
        }
        // DeepSeek's prompt is what its cache had and what it had not.
        if usage.input == nil, let missed = self["prompt_cache_miss_tokens"] {
            usage.input = missed + (usage.cacheRead ?? 0)
        }
        // Bedrock's input leaves its caches out.
        if usage.input == nil, let fresh = self["inputTokens"] {
            usage.input = fresh + (usage.cacheRead ?? 0) + (written ?? 0)
        }
    }

    private func completeFromTotal(_ usage: inout Usage) {
        guard let total = first(["total_tokens", "totalTokens"]) else { return }
        switch (usage.input, usage.output) {
        case (let input?, let output?):
            // xAI leaves reasoning out of the completion, and the total shows it.
            if let reasoning = usage.reasoning, reasoning > 0, total == input + output + reasoning {
                usage.output = output + reasoning
            }
        case (let input?, nil): if total > input { usage.output = total - input }
        case (nil, let output?): if total > output { usage.input = total - output }
        case (nil, nil): break
        }
    }

    private func readOpenAIModalities(_ usage: inout Usage) {
        func fresh(_ name: StaticString, _ cached: StaticString) -> Int? {
            guard let all = largest(name, in: Self.inputDetails) else { return nil }
            return max(0, all - (largest(cached, in: Self.inputDetails) ?? 0))
        }
        usage.imageInput = fresh("image_tokens", "cached_tokens_details.image_tokens")
        usage.audioInput = fresh("audio_tokens", "cached_tokens_details.audio_tokens")
        usage.imageOutput = largest("image_tokens", in: Self.outputDetails)
        usage.audioOutput = largest("audio_tokens", in: Self.outputDetails)
    }

    // Anthropic's input leaves out what a cache had or was given.
    private var anthropic: Usage {
        var usage = Usage()
        usage.cacheRead = self["cache_read_input_tokens"]
        let short = self["cache_creation.ephemeral_5m_input_tokens"]
        let long = self["cache_creation.ephemeral_1h_input_tokens"]
        let total = self["cache_creation_input_tokens"]
        let parts = short == nil && long == nil ? nil : (short ?? 0) + (long ?? 0)
        // Where the two disagree the larger one is complete.
        let written = Self.larger(total, parts)
        usage.cacheWriteLong = long
        usage.cacheWrite = written.map { max(0, $0 - (long ?? 0)) }
        if let input = self["input_tokens"] {
            usage.input = input + (usage.cacheRead ?? 0) + (written ?? 0)
        }
        usage.output = self["output_tokens"]
        usage.reasoning = self["output_tokens_details.thinking_tokens"]
        return usage
    }

    // Gemini's candidates leave out thoughts, mostly: the total shows it.
    private var gemini: Usage {
        if let input = self["total_input_tokens"] { return interaction(input) }
        var usage = Usage()
        let tools = self["toolUsePromptTokenCount"] ?? 0
        usage.input = self["promptTokenCount"].map { $0 + tools }
        usage.reasoning = self["thoughtsTokenCount"]
        let candidates = first(["candidatesTokenCount", "responseTokenCount"])
        let total = self["totalTokenCount"]
        if let thoughts = usage.reasoning, thoughts > 0 {
            let isWithin =
                total.map { $0 == (usage.input ?? 0) + (candidates ?? 0) } ?? false
            usage.output = (candidates ?? 0) + (isWithin ? 0 : thoughts)
        } else {
            usage.output = candidates
        }
        // An answer of nothing has no candidates, and a total all the same.
        if usage.output == nil, let total, let input = usage.input {
            usage.output = max(0, total - input)
        }
        usage.cacheRead = self["cachedContentTokenCount"]
        usage.imageInput = fresh("IMAGE", "promptTokensDetails", "cacheTokensDetails")
        usage.audioInput = fresh("AUDIO", "promptTokensDetails", "cacheTokensDetails")
        usage.imageOutput = first([
            "candidatesTokensDetails.IMAGE", "responseTokensDetails.IMAGE",
        ])
        usage.audioOutput = first([
            "candidatesTokensDetails.AUDIO", "responseTokensDetails.AUDIO",
        ])
        return usage
    }

    // An interaction's totals, each of which leaves the others out.
    private func interaction(_ input: Int) -> Usage {
        var usage = Usage()
        usage.input = input + (self["total_tool_use_tokens"] ?? 0)
        usage.reasoning = self["total_thought_tokens"]
        usage.output = self["total_output_tokens"].map { $0 + (usage.reasoning ?? 0) }
        usage.cacheRead = self["total_cached_tokens"]
        usage.imageInput = fresh(
            "IMAGE", "input_tokens_by_modality", "cached_tokens_by_modality")
        usage.audioInput = fresh(
            "AUDIO", "input_tokens_by_modality", "cached_tokens_by_modality")
        usage.imageOutput = self["output_tokens_by_modality.IMAGE"]
        usage.audioOutput = self["output_tokens_by_modality.AUDIO"]
        return usage
    }

    /// Tokens of a modality that no cache had.
    private func fresh(
        _ modality: StaticString, _ all: StaticString, _ cached: StaticString
    ) -> Int? {
        self[all, modality].map { max(0, $0 - (self[cached, modality] ?? 0)) }
    }
}
