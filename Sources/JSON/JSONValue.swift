public import Primitives

/// A JSON text as a tree, for where its size does not matter: scripts, statistics, tests.
public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// A number, as it was spelled.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// Members in their order.
    case object([Member])

    /// One member of an object.
    public struct Member: Equatable, Sendable {
        /// Its name.
        public let name: String
        /// Its value.
        public let value: JSONValue

        /// A member of these parts.
        public init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// Parses a text.
    public init(parsing bytes: Span<UInt8>) throws(JSONScanner.Malformed) {
        try self.init(parsing: bytes) { _, _ in false }
    }

    /// Parses a text without some of its members.
    ///
    /// The closure decides by the inside of a name and the kind of its value; the members are
    /// walked over and left out.
    public init(
        parsing bytes: Span<UInt8>, skipping skips: (Span<UInt8>, JSONScanner.Kind) -> Bool
    ) throws(JSONScanner.Malformed) {
        var scanner = JSONScanner(bytes)
        self = try Self.parse(&scanner, skips)
        try scanner.end()
    }

    /// Parses a text.
    public init(parsing text: String) throws(JSONScanner.Malformed) {
        var buffer = ByteBuffer()
        buffer.append(text: text)
        self = try JSONValue(parsing: buffer.bytes)
    }

    private static func parse(
        _ scanner: inout JSONScanner, _ skips: (Span<UInt8>, JSONScanner.Kind) -> Bool
    ) throws(JSONScanner.Malformed) -> JSONValue {
        switch try scanner.kind() {
        case .object:
            var members: [Member] = []
            try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
                let name = scanner.bytes(at: key.lowerBound + 1..<key.upperBound - 1)
                if skips(name, try scanner.kind()) {
                    _ = try scanner.value()
                } else {
                    let text = JSONText.unescape(name)
                    // At once for as many as most objects have, not by doubling.
                    if members.isEmpty { members.reserveCapacity(8) }
                    members.append(Member(text, try parse(&scanner, skips)))
                }
            }
            return .object(members)
        case .array:
            var elements: [JSONValue] = []
            try scanner.array { (scanner) throws(JSONScanner.Malformed) in
                elements.append(try parse(&scanner, skips))
            }
            return .array(elements)
        case .string:
            let range = try scanner.value()
            return .string(
                JSONText.unescape(scanner.bytes(at: range.lowerBound + 1..<range.upperBound - 1)))
        case .number:
            let range = try scanner.value()
            return .number(scanner.bytes(at: range).text)
        case .bool:
            let range = try scanner.value()
            return .bool(scanner.bytes(at: range).matches("true"))
        case .null:
            _ = try scanner.value()
            return .null
        }
    }

    /// The value of a member; nil for anything that has none of this name.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// The text, of a string alone.
    public var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The elements, of an array alone.
    public var elements: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// The number, of a whole one alone.
    public var integer: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text)
    }

    /// The number, rounded to what a double holds.
    public var double: Double? {
        guard case .number(let text) = self else { return nil }
        return Double(text)
    }

    /// Whether this is `true`.
    public var isTrue: Bool { self == .bool(true) }
}

extension JSONValue: CustomStringConvertible {
    /// The value as JSON text, without spaces.
    public var description: String {
        var buffer = ByteBuffer()
        write(to: &buffer)
        return buffer.bytes.text
    }

    /// Appends the value as JSON text.
    public func write(to buffer: inout ByteBuffer) {
        switch self {
        case .null: buffer.append("null")
        case .bool(let flag): buffer.append(flag ? "true" : "false")
        case .number(let text): buffer.append(text: text)
        case .string(let text): JSONText.append(text, to: &buffer)
        case .array(let elements):
            buffer.append("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { buffer.append(",") }
                element.write(to: &buffer)
            }
            buffer.append("]")
        case .object(let members):
            buffer.append("{")
            for (index, member) in members.enumerated() {
                if index > 0 { buffer.append(",") }
                JSONText.append(member.name, to: &buffer)
                buffer.append(":")
                member.value.write(to: &buffer)
            }
            buffer.append("}")
        }
    }
}
