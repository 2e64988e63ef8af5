import JSON

extension UsageFields {
    /// Takes the numbers of a usage object over those that are there.
    mutating func merge(_ object: JSONValue) {
        // Billed are all iterations of a call that the vendor's own tools interrupted; the fields
        // beside them are those of the last one alone.
        if let iterations = object["iterations"]?.elements, !iterations.isEmpty {
            var sums = UsageFields()
            for iteration in iterations { sums.add(iteration) }
            merge(object, prefix: "")
            for (name, value) in sums.values { values[name] = value }
            return
        }
        merge(object, prefix: "")
    }

    private mutating func merge(_ object: JSONValue, prefix: String) {
        guard case .object(let members) = object else { return }
        for member in members {
            let name = prefix + member.name
            switch member.value {
            case .number(let text):
                if let number = Int(text) ?? Double(text).flatMap(Int.init(exactly:)) {
                    values[name] = number
                }
            case .object:
                merge(member.value, prefix: "\(name).")
            case .array(let elements):
                // Gemini's details: a list of a modality and its count.
                for element in elements {
                    guard let modality = element["modality"]?.text,
                        let count = element["tokenCount"]?.integer
                    else { continue }
                    values["\(name).\(modality)"] = count
                }
            default:
                break
            }
        }
    }

    private mutating func add(_ object: JSONValue) {
        var other = UsageFields()
        other.merge(object, prefix: "")
        for (name, value) in other.values { values[name, default: 0] += value }
    }
}
