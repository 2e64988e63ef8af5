/// The tokens of an answer by kind, as its vendor reported them, brought to one meaning.
///
/// Input holds what was read from and written to caches; output holds reasoning. A kind the vendor
/// said nothing of is nil, which is not zero.
public struct Usage: Equatable, Sendable {
    /// All tokens of the request.
    public var input: Int?
    /// All tokens of the answer.
    public var output: Int?
    /// Input tokens that a cache had.
    public var cacheRead: Int?
    /// Input tokens that were put into a cache for minutes.
    public var cacheWrite: Int?
    /// Input tokens that were put into a cache for an hour or longer.
    public var cacheWriteLong: Int?
    /// Output tokens of reasoning, which the answer does not show.
    public var reasoning: Int?
    /// Audio input tokens.
    public var audioInput: Int?
    /// Audio output tokens.
    public var audioOutput: Int?

    /// Nothing reported.
    public init() {}

    /// Whether nothing was reported.
    public var isEmpty: Bool { input == nil && output == nil }
}

/// The numbers of a vendor's usage objects by their dotted names, the last one that was given for
/// each: usage is repeated and corrected while a stream goes on, and never adds up.
public struct UsageFields: Equatable, Sendable {
    /// A number and its name.
    struct Field: Equatable, Sendable {
        let name: String
        var number: Int
    }

    // A handful: looked through faster than hashed.
    private(set) var fields: [Field] = []

    /// No fields.
    public init() {}

    /// Whether no number was given.
    public var isEmpty: Bool { fields.isEmpty }

    /// The number of a name, the last that was given.
    subscript(name: String) -> Int? {
        get { fields.first { $0.name == name }?.number }
        set {
            let index = fields.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let number?): fields[index].number = number
            case (nil, let number?): fields.append(Field(name: name, number: number))
            case (let index?, nil): fields.remove(at: index)
            case (nil, nil): break
            }
        }
    }

    /// The first of some names that a number was given for.
    func first(_ one: String, _ other: String, _ third: String? = nil) -> Int? {
        self[one] ?? self[other] ?? third.flatMap { self[$0] }
    }

    /// The tokens by kind, as vendors of a dialect mean their fields.
    public func usage(of dialect: Dialect) -> Usage {
        switch dialect {
        case .openai: openAI
        case .anthropic: anthropic
        case .gemini: gemini
        }
    }

    private var openAI: Usage {
        var usage = Usage()
        usage.input = first("prompt_tokens", "input_tokens")
        usage.output = first("completion_tokens", "output_tokens")
        usage.reasoning = first(
            "completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens",
            "reasoning_tokens"
        )
        // xAI leaves reasoning out of the completion, and the total tells.
        if let input = usage.input, let output = usage.output, let reasoning = usage.reasoning,
            reasoning > 0, self["total_tokens"] == input + output + reasoning
        {
            usage.output = output + reasoning
        }
        usage.cacheRead = first(
            "prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens",
            "prompt_cache_hit_tokens"
        )
        usage.cacheWrite = first(
            "prompt_tokens_details.cache_write_tokens", "input_tokens_details.cache_write_tokens"
        )
        if let long = self["input_tokens_details.cache_write_tokens_details.ttl_12h_tokens"] {
            usage.cacheWriteLong = long
            usage.cacheWrite = max(0, (usage.cacheWrite ?? long) - long)
        }
        usage.audioInput = first(
            "prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens"
        )
        usage.audioOutput = first(
            "completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens"
        )
        return usage
    }

    // Anthropic's input leaves out what a cache had or was given.
    private var anthropic: Usage {
        var usage = Usage()
        usage.cacheRead = self["cache_read_input_tokens"]
        let written = self["cache_creation_input_tokens"]
        usage.cacheWriteLong = self["cache_creation.ephemeral_1h_input_tokens"]
        usage.cacheWrite =
            self["cache_creation.ephemeral_5m_input_tokens"]
            ?? written.map { max(0, $0 - (usage.cacheWriteLong ?? 0)) }
        if let input = self["input_tokens"] {
            usage.input = input + (usage.cacheRead ?? 0) + (written ?? 0)
        }
        usage.output = self["output_tokens"]
        usage.reasoning = self["output_tokens_details.thinking_tokens"]
        return usage
    }

    // Gemini's candidates leave out thoughts, mostly: the total tells.
    private var gemini: Usage {
        var usage = Usage()
        if let input = self["total_input_tokens"] {
            // An interaction's totals, each of which leaves the others out.
            usage.input = input + (self["total_tool_use_tokens"] ?? 0)
            usage.reasoning = self["total_thought_tokens"]
            usage.output = self["total_output_tokens"].map { $0 + (usage.reasoning ?? 0) }
            usage.cacheRead = self["total_cached_tokens"]
            return usage
        }
        let tools = self["toolUsePromptTokenCount"] ?? 0
        usage.input = self["promptTokenCount"].map { $0 + tools }
        usage.reasoning = self["thoughtsTokenCount"]
        let candidates = first("candidatesTokenCount", "responseTokenCount")
        let total = self["totalTokenCount"]
        if let thoughts = usage.reasoning, thoughts > 0 {
            let isWithin =
                total.map { $0 == (usage.input ?? 0) + (candidates ?? 0) } ?? false
            usage.output = (candidates ?? 0) + (isWithin ? 0 : thoughts)
        } else {
            usage.output = candidates
        }
        // An answer of nothing has no candidates, and a total all the same.
        if usage.output == nil, let total, let input = usage.input { usage.output = total - input }
        usage.cacheRead = self["cachedContentTokenCount"]
        usage.audioInput = self["promptTokensDetails.AUDIO"]
        usage.audioOutput = self["candidatesTokensDetails.AUDIO"]
        return usage
    }
}
