import JSON
import Primitives

extension PromptWalk {
    /// Whether a member may name models that a vendor asks instead: gateways before the vendors
    /// have a list of them, an object by reason, or one text.
    static func namesModels(_ name: String) -> Bool {
        name == "models" || name.contains("fallback")
    }

    /// Walks over the models that a vendor may ask instead: each text in it may be one.
    mutating func walkModels(_ scanner: inout JSONScanner) throws(JSONScanner.Malformed) {
        switch try scanner.kind() {
        case .array:
            try scanner.array { (scanner) throws(JSONScanner.Malformed) in
                try walkModels(&scanner)
            }
        case .object:
            try scanner.object { (scanner, _) throws(JSONScanner.Malformed) in
                try walkModels(&scanner)
            }
        case .string:
            let range = try scanner.value()
            let text = scanner.bytes(at: range.lowerBound + 1..<range.upperBound - 1)
            if !text.isEmpty { models.insert(JSONText.unescape(text)) }
        case .number, .bool, .null: _ = try scanner.value()
        }
    }
}
