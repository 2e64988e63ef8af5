import JSON

extension UsageFields {
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
        let iterations = Iterations(object, model: model)
        guard !iterations.own.isEmpty else { return }
        var sums = UsageFields()
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
        var other = UsageFields()
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
