public import JSON

/// What a JSON value must look like, to the last member.
///
/// Written from the vendors' own types. A name that ends in a question mark may be absent; a member
/// that no name stands for is a fault.
public indirect enum JSONShape: Sendable {
    case any, null, flag, number, whole, object
    case text
    /// A text that is not empty.
    case filled
    /// A text that is more than white space.
    case said
    /// A text that spells a JSON object.
    case spelledObject
    /// Bytes in base64, in the common alphabet and filled to the end.
    case base64
    /// An address, whose bytes are such base64 where they stand in it.
    case address
    /// An address of something that stands elsewhere, and that more than one vendor reads.
    case elsewhere
    /// A schema of an object, without a choice at its root.
    case objectSchema
    case words([String])
    case list(JSONShape, least: Int)
    case members([String: JSONShape])
    /// An object whose shape a text in it chooses.
    case tagged(String, [String: [String: JSONShape]])
    case either([JSONShape])

    /// What is wrong with a value, with the path of the first fault; nil where nothing is.
    public func fault(_ value: JSONValue, at path: String = "") -> String? {
        func no(_ what: String) -> String { "\(path) is no \(what): \("\(value)".prefix(120))" }
        switch self {
        case .any: return nil
        case .null: return value == .null ? nil : no("null")
        case .flag: if case .bool = value { return nil } else { return no("truth value") }
        case .number: if case .number = value { return nil } else { return no("number") }
        case .whole:
            guard case .number(let text) = value, Int(text) != nil else {
                return no("whole number")
            }
            return nil
        case .object: if case .object = value { return nil } else { return no("object") }
        case .text: return value.text == nil ? no("text") : nil
        case .filled: return value.text?.isEmpty == false ? nil : no("text that is not empty")
        case .said:
            let isBlank = value.text?.unicodeScalars.allSatisfy(\.properties.isWhitespace)
            return isBlank == false ? nil : no("text of more than white space")
        case .spelledObject:
            guard let text = value.text, let inner = try? JSONValue(parsing: text),
                case .object = inner
            else { return no("text of an object") }
            return nil
        case .base64:
            return value.text.map(Self.isBase64) == true ? nil : no("base64")
        case .address:
            guard let text = value.text, !text.isEmpty else { return no("address") }
            guard text.hasPrefix("data:") else { return Self.elsewhere.fault(value, at: path) }
            let parts = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
            let isFit =
                parts.count == 2 && parts[0].hasSuffix(";base64") && Self.isBase64(parts[1])
            return isFit ? nil : no("address with bytes")
        case .elsewhere:
            let own = ["data:", "gs:", "https://generativelanguage.", "https://youtu"]
            guard let text = value.text, !text.isEmpty, !own.contains(where: text.hasPrefix) else {
                return no("address that the vendor reads")
            }
            return nil
        case .objectSchema:
            let isChoice = ["anyOf", "oneOf", "allOf", "$ref"].contains { value[$0] != nil }
            return value["type"]?.text == "object" && !isChoice ? nil : no("schema of an object")
        case .words(let words):
            return value.text.map(words.contains) == true ? nil : no("one of \(words)")
        case .list(let shape, let least):
            guard let elements = value.elements, elements.count >= least else {
                return no("list of \(least) or more")
            }
            for (index, element) in elements.enumerated() {
                if let fault = shape.fault(element, at: "\(path)[\(index)]") { return fault }
            }
            return nil
        case .members(let shapes): return Self.fault(value, shapes, path)
        case .tagged(let tag, let shapes):
            guard let word = value[tag]?.text, var members = shapes[word] else {
                return no("object of a known \(tag)")
            }
            members[tag] = .text
            return Self.fault(value, members, path)
        case .either(let shapes):
            let faults = shapes.map { $0.fault(value, at: path) }
            if faults.contains(nil) { return nil }
            return faults.compactMap { $0 }.max { $0.count < $1.count }
        }
    }

    private static func isBase64(_ text: some StringProtocol) -> Bool {
        let letters = text.utf8.prefix { $0 != UInt8(ascii: "=") }
        let fillings = text.utf8.dropFirst(letters.count)
        return !letters.isEmpty && text.utf8.count % 4 == 0 && fillings.count <= 2
            && fillings.allSatisfy { $0 == UInt8(ascii: "=") }
            && letters.allSatisfy { byte in
                0x61...0x7A ~= byte | 0x20 || 0x30...0x39 ~= byte || byte == 0x2B || byte == 0x2F
            }
    }

    private static func fault(
        _ value: JSONValue, _ shapes: [String: JSONShape], _ path: String
    ) -> String? {
        guard case .object(let members) = value else { return "\(path) is no object: \(value)" }
        var seen: Set<String> = []
        for member in members {
            let here = path.isEmpty ? member.name : "\(path).\(member.name)"
            guard let shape = shapes[member.name] ?? shapes[member.name + "?"] else {
                return "\(here) is not known"
            }
            guard seen.insert(member.name).inserted else { return "\(here) stands twice" }
            if let fault = shape.fault(member.value, at: here) { return fault }
        }
        for name in shapes.keys where !name.hasSuffix("?") && !seen.contains(name) {
            return "\(path).\(name) is missing"
        }
        return nil
    }
}
