import JSON

extension UsageFields {
    // What a vendor sends may be anything. No call takes a trillion tokens, no vendor names them by
    // a hundred letters or in a hundred ways, and sums of what is left cannot overflow.
    private static let tokensMax = 1 << 40
    private static let nameBytesMax = 100
    private static let namesMax = 64

    private mutating func set(_ name: String, _ number: Int) {
        guard 0...Self.tokensMax ~= number, name.utf8.count <= Self.nameBytesMax,
            fields.count < Self.namesMax || self[name] != nil
        else { return }
        self[name] = number
    }

    /// Takes the numbers of a usage object over those that are there.
    mutating func merge(_ object: JSONValue) {
        // The vendor bills all iterations of a call that its own tools interrupted; the fields
        // beside them are those of the last one alone.
        if let iterations = object["iterations"]?.elements, !iterations.isEmpty {
            var sums = UsageFields()
            for iteration in iterations { sums.add(iteration) }
            merge(object, prefix: "")
            for field in sums.fields { set(field.name, field.number) }
            return
        }
        merge(object, prefix: "")
    }

    private mutating func merge(_ object: JSONValue, prefix: String) {
        guard case .object(let members) = object else { return }
        for member in members {
            guard prefix.utf8.count + member.name.utf8.count <= Self.nameBytesMax else { continue }
            let name = prefix + member.name
            switch member.value {
            case .number(let text):
                if let number = Int(text) ?? Double(text).flatMap(Int.init(exactly:)) {
                    set(name, number)
                }
            case .object:
                merge(member.value, prefix: "\(name).")
            case .array(let elements):
                // Gemini's details: a list of a modality and its count.
                for element in elements {
                    guard let modality = element["modality"]?.text,
                        let count = element["tokenCount"]?.integer
                    else { continue }
                    set("\(name).\(modality)", count)
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
}
