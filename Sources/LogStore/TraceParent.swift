import Primitives

/// A request's parent in a distributed trace: W3C Trace Context's `traceparent`.
public struct TraceParent: Equatable, Sendable, CustomStringConvertible {
    /// 32 hexadecimal digits.
    public let trace: String
    /// 16 hexadecimal digits: the caller's span.
    public let span: String
    private let flags: String

    private static let fieldName: StaticString = "traceparent"

    /// The value of a field; nil where it is none.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        // A later version may have more parts.
        guard parts.count == 4 || parts.count > 4 && parts[0] != "00",
            Self.isHex(parts[0], 2), parts[0] != "ff", Self.isHex(parts[1], 32),
            Self.isHex(parts[2], 16), Self.isHex(parts[3], 2),
            parts[1].contains(where: { $0 != "0" }), parts[2].contains(where: { $0 != "0" })
        else { return nil }
        trace = String(parts[1])
        span = String(parts[2])
        flags = String(parts[3])
    }

    /// What header fields, a line each, say; nil where they say nothing of the kind.
    init?(fields: Span<UInt8>) {
        // By bytes: this is looked for in every request, and found in few.
        let length = Self.fieldName.utf8CodeUnitCount
        var start = 0
        while start < fields.count {
            let end = fields.firstIndex(of: 0x0D, from: start) ?? fields.count
            if fields[start].lowercased == UInt8(ascii: "t"), start + length < end,
                fields[start + length] == UInt8(ascii: ":"),
                fields.extracting(start..<start + length).matchesIgnoringCase(Self.fieldName)
            {
                let value = fields.extracting(start + length + 1..<end)
                self.init(value.text.drop { $0 == " " })
                return
            }
            // The carriage return and the line feed behind it.
            start = end + 2
        }
        return nil
    }

    private static func isHex(_ text: some StringProtocol, _ count: Int) -> Bool {
        text.utf8.count == count
            && text.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }
    }

    /// The value of the field.
    public var description: String { "00-\(trace)-\(span)-\(flags)" }
}
