import JSON
import Primitives

@testable import Dialects

/// The numbers of a vendor's usage objects by their dotted names, the last one that was given for
/// each: usage is repeated and corrected while a stream goes on, and never adds up.
struct ReferenceUsageFields: Equatable, Sendable {
    /// A number and its name.
    struct Field: Equatable, Sendable {
        let name: String
        var number: Int
    }

    // A handful: looked through faster than hashed.
    private(set) var fields: [Field] = []
    /// What the vendor says the call cost, in billionths of a dollar; nil where it does not say.
    var statedNanodollars: Int?

    /// No fields.
    init() {}

    /// Whether no number was given.
    var isEmpty: Bool { fields.isEmpty }

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

    /// The first of some names that a number was given for, and one above zero if there is any.
    func first(_ names: String...) -> Int? {
        let numbers = names.compactMap { self[$0] }
        return numbers.first { $0 > 0 } ?? numbers.first
    }

    /// The largest number that was given for some names: vendors who follow another's shape leave a
    /// zero in it, and say the truth under a name of their own.
    func largest(_ names: String...) -> Int? {
        names.compactMap { self[$0] }.max()
    }

    /// The largest number that was given for a name in some objects.
    func largest(_ name: String, in objects: [String]) -> Int? {
        objects.compactMap { self["\($0).\(name)"] }.max()
    }
}

extension ReferenceUsageFields {
    // What a vendor sends may be anything. No call takes a trillion tokens, no vendor names them by
    // a hundred letters or in a hundred ways, and sums of what is left cannot overflow.
    private static let tokensMax = 1 << 40
    private static let nameBytesMax = 100
    private static let namesMax = 64

    // What has been made was made: a count of an answer's tokens does not fall while a stream goes
    // on. Counts of a prompt may: the opening of some streams is a guess that a cache corrects.
    private static let growing: Set<Substring> = [
        "completion_tokens", "output_tokens", "reasoning_tokens", "thinking_tokens",
        "candidatesTokenCount", "responseTokenCount", "thoughtsTokenCount", "eval_count",
        "total_output_tokens", "total_thought_tokens", "outputTokens",
    ]

    private mutating func set(_ name: String, _ number: Int) {
        guard 0...Self.tokensMax ~= number, name.utf8.count <= Self.nameBytesMax else { return }
        guard let earlier = self[name] else {
            if fields.count < Self.namesMax { self[name] = number }
            return
        }
        // A zero is how many vendors say nothing in a later event.
        guard number > 0 else { return }
        let isGrowing = Self.growing.contains(
            name[
                (name.lastIndex(of: ".").map {
                    name.index(after: $0)
                } ?? name.startIndex)...])
        self[name] = isGrowing ? max(earlier, number) : number
    }

    /// Takes the numbers of a usage object over those that are there; `model` is the one that
    /// answered, as far as it is known.
    mutating func merge(_ object: JSONValue, model: String = "") {
        mergeStatedCost(object)
        merge(object, prefix: "")
        // Billed are all iterations of a call that the vendor's own tools interrupted; the fields
        // beside them are those of the last one alone. Tokens of another model are not this one's.
        let iterations = ReferenceIterations(object, model: model)
        guard !iterations.own.isEmpty else { return }
        var sums = ReferenceUsageFields()
        for iteration in iterations.own { sums.add(iteration) }
        for field in sums.fields { set(field.name, field.number) }
    }

    /// Takes the numbers of a usage object of one call to one model.
    mutating func mergeOne(_ object: JSONValue) {
        merge(object, prefix: "")
    }

    private mutating func merge(_ object: JSONValue, prefix: String) {
        guard case .object(let members) = object else { return }
        for member in members {
            guard prefix.utf8.count + member.name.utf8.count <= Self.nameBytesMax else { continue }
            let name = prefix + member.name
            switch member.value {
            case .number:
                if let number = member.value.wholeNumber { set(name, number) }
            case .object:
                merge(member.value, prefix: "\(name).")
            case .array(let elements):
                // Gemini's details: a list of a modality and its count.
                for element in elements {
                    guard let modality = element["modality"]?.text,
                        let count = (element["tokenCount"] ?? element["tokens"])?.wholeNumber
                    else { continue }
                    set("\(name).\(modality.uppercased())", count)
                }
            default:
                break
            }
        }
    }

    private mutating func add(_ object: JSONValue) {
        var other = ReferenceUsageFields()
        other.merge(object, prefix: "")
        for field in other.fields { set(field.name, (self[field.name] ?? 0) + field.number) }
    }

    // MARK: What a vendor says a call cost

    private static let dollarsMax = 1e6

    private mutating func mergeStatedCost(_ object: JSONValue) {
        guard let nanodollars = Self.statedCost(object) else { return }
        if nanodollars > 0 || statedNanodollars == nil { statedNanodollars = nanodollars }
    }

    private static func statedCost(_ usage: JSONValue) -> Int? {
        // xAI counts ten billionths of a dollar.
        if let ticks = usage["cost_in_usd_ticks"]?.double { return nanodollars(ticks / 1e10) }
        guard let cost = usage["cost"] ?? usage["estimated_cost"] else { return nil }
        let currency = (usage["currency"] ?? cost["currency"])?.text ?? "USD"
        guard currency.uppercased() == "USD" else { return nil }
        // Perplexity's is an object of parts and their total.
        guard var dollars = cost.double ?? cost["total_cost"]?.double else { return nil }
        if usage["is_byok"]?.isTrue == true {
            // OpenRouter's own part alone: the other is on the key's bill.
            dollars += usage["cost_details"]?["upstream_inference_cost"]?.double ?? 0
        }
        return nanodollars(dollars)
    }

    private static func nanodollars(_ dollars: Double) -> Int? {
        guard 0...dollarsMax ~= dollars else { return nil }
        return Int(exactly: (dollars * 1e9).rounded())
    }
}

extension JSONValue {
    /// The number, of a whole one alone, however it is spelled.
    fileprivate var wholeNumber: Int? {
        integer ?? double.flatMap(Int.init(exactly:))
    }
}

// What vendors of each dialect mean by their fields.
extension ReferenceUsageFields {
    /// The tokens by kind, as vendors of a dialect mean their fields.
    func usage(of dialect: Dialect) -> Usage {
        switch dialect {
        case .openai: openAI
        case .anthropic: anthropic
        case .gemini: gemini
        }
    }

    private static let inputDetails = [
        "prompt_tokens_details", "prompt_token_details", "input_tokens_details",
        "input_token_details",
    ]
    private static let outputDetails = [
        "completion_tokens_details", "output_tokens_details", "output_token_details",
    ]

    // OpenAI's own, and those of the many who follow it, and of some who do not.
    private var openAI: Usage {
        var usage = Usage()
        usage.input = first(
            "prompt_tokens", "input_tokens", "billed_units.input_tokens", "tokens.input_tokens",
            "prompt_eval_count")
        usage.output = first(
            "completion_tokens", "output_tokens", "billed_units.output_tokens",
            "tokens.output_tokens", "eval_count", "outputTokens")
        usage.reasoning =
            largest("reasoning_tokens", in: Self.outputDetails) ?? self["reasoning_tokens"]
        readOpenAICaches(&usage)
        completeFromTotal(&usage)
        readOpenAIModalities(&usage)
        return usage
    }

    private func readOpenAICaches(_ usage: inout Usage) {
        usage.cacheRead = [
            largest("cached_tokens", in: Self.inputDetails),
            largest(
                "cached_tokens", "num_cached_tokens", "prompt_cache_hit_tokens",
                "cache_read_input_tokens", "cached_prompt_text_tokens", "cacheReadInputTokens"),
        ].compactMap { $0 }.max()
        let written = [
            largest("cache_write_tokens", in: Self.inputDetails),
            largest("cache_creation_input_tokens", in: Self.inputDetails),
            largest("cache_creation_input_tokens", "cacheWriteInputTokens"),
        ].compactMap { $0 }.max()
        usage.cacheWrite = written
        let long = [
            largest("cache_write_tokens_details.ttl_12h_tokens", in: Self.inputDetails),
            largest("cache_creation.ephemeral_1h_input_tokens", in: Self.inputDetails),
            self["cache_creation.ephemeral_1h_input_tokens"],
        ].compactMap { $0 }.max()
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
        guard let total = first("total_tokens", "totalTokens") else { return }
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
        func fresh(_ name: String) -> Int? {
            guard let all = largest(name, in: Self.inputDetails) else { return nil }
            let cached = largest("cached_tokens_details.\(name)", in: Self.inputDetails) ?? 0
            return max(0, all - cached)
        }
        usage.imageInput = fresh("image_tokens")
        usage.audioInput = fresh("audio_tokens")
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
        let written = [total, parts].compactMap { $0 }.max()
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
        if usage.output == nil, let total, let input = usage.input {
            usage.output = max(0, total - input)
        }
        usage.cacheRead = self["cachedContentTokenCount"]
        usage.imageInput = fresh("IMAGE", "promptTokensDetails", "cacheTokensDetails")
        usage.audioInput = fresh("AUDIO", "promptTokensDetails", "cacheTokensDetails")
        usage.imageOutput = first("candidatesTokensDetails.IMAGE", "responseTokensDetails.IMAGE")
        usage.audioOutput = first("candidatesTokensDetails.AUDIO", "responseTokensDetails.AUDIO")
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
    private func fresh(_ modality: String, _ all: String, _ cached: String) -> Int? {
        self["\(all).\(modality)"].map { max(0, $0 - (self["\(cached).\(modality)"] ?? 0)) }
    }
}

/// The parts of a usage object that reports several calls inside of one.
///
/// Anthropic lists them where its own tools interrupt an answer, where a model asks another one for
/// advice, and where another one takes over.
struct ReferenceIterations {
    /// Those of the model that answered.
    private(set) var own: [JSONValue] = []
    /// Those of other models; a name may be empty.
    private(set) var others: [(model: String, usage: JSONValue)] = []

    init(_ usage: JSONValue, model: String) {
        for iteration in usage["iterations"]?.elements ?? [] {
            guard case .object = iteration else { continue }
            let name = iteration["model"]?.text ?? ""
            let isAdvice = iteration["type"]?.text?.hasPrefix("advisor") ?? false
            let isOther =
                name.isEmpty || model.isEmpty
                ? isAdvice : Self.undated(name) != Self.undated(model)
            if isOther { others.append((name, iteration)) } else { own.append(iteration) }
        }
    }

    /// A name without the date of its version: a vendor names the same model with and without it.
    private static func undated(_ name: String) -> Substring {
        let digits = name.utf8.reversed().prefix { 0x30...0x39 ~= $0 }.count
        guard digits == 8, name.utf8.count > 9 else { return name[...] }
        let rest = name.dropLast(8)
        return rest.hasSuffix("-") || rest.hasSuffix("@") ? rest.dropLast() : name[...]
    }
}
