public import JSON
import Primitives

/// A JSON value as the bytes that spell it, walked over only where its parts are asked for.
///
/// A translation copies most of a body unchanged. A tree of it would cost more than the body, and
/// would spell numbers and texts anew.
public struct RawJSON: Sendable {
    /// The value's bytes, without space around them.
    let bytes: ArraySlice<UInt8>
    /// The members, where they were walked over before.
    private var known: [Member]?
    /// Where long values of the text end.
    private var extents = LongValues()

    /// One member of an object.
    struct Member: Sendable {
        let name: String
        let value: RawJSON
    }

    /// The value of a text.
    public init(parsing text: [UInt8]) throws(JSONScanner.Malformed) {
        var scanner = JSONScanner(text.span)
        let range = try extents.walk(&scanner)
        try scanner.end()
        bytes = text[range]
    }

    /// The body of a translation, which is JSON.
    public init(written body: [UInt8]) {
        bytes = body[...]
    }

    /// A value that was walked over before, so that it is known to be JSON.
    init(walked bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// A part of a value that was walked over before.
    private init(_ bytes: ArraySlice<UInt8>, _ extents: LongValues) {
        self.bytes = bytes
        self.extents = extents
    }

    /// A value of the program's own.
    init(literal text: String) {
        bytes = Array(text.utf8)[...]
    }

    /// The model that a request's body names; nil without one.
    public var model: String? { self["model"]?.plain }

    /// The value's kind, which its first byte says.
    var kind: JSONScanner.Kind {
        switch bytes.first {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    var isNull: Bool { kind == .null }
    var isObject: Bool { kind == .object }

    /// The members of an object in their order; none for any other value.
    var members: [Member] {
        if let known { return known }
        guard isObject else { return [] }
        var found: [Member] = []
        let base = bytes.startIndex
        let (slice, extents) = (bytes, extents)
        walk { (scanner) throws(JSONScanner.Malformed) in
            try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
                _ = try scanner.kind()
                let inner = scanner.bytes(at: key.lowerBound + 1..<key.upperBound - 1)
                let name = JSONText.unescape(inner)
                let range = try extents.value(&scanner, base)
                let value = slice[base + range.lowerBound..<base + range.upperBound]
                found.append(Member(name: name, value: RawJSON(value, extents)))
            }
        }
        return found
    }

    /// The value with its members at hand: for one of which several are asked for.
    var opened: RawJSON {
        var opened = self
        opened.known = members
        return opened
    }

    /// The value with its members at hand, each name in camel case, as Gemini's servers read them.
    var openedInCamel: RawJSON {
        var opened = self
        opened.known = camelMembers
        return opened
    }

    /// The elements of an array; none for any other value.
    var elements: [RawJSON] {
        guard kind == .array else { return [] }
        var found: [RawJSON] = []
        let base = bytes.startIndex
        let (slice, extents) = (bytes, extents)
        walk { (scanner) throws(JSONScanner.Malformed) in
            try scanner.array { (scanner) throws(JSONScanner.Malformed) in
                let range = try extents.value(&scanner, base)
                let value = slice[base + range.lowerBound..<base + range.upperBound]
                found.append(RawJSON(value, extents))
            }
        }
        return found
    }

    /// The value of a member, the last one of its name; nil without one, and for null.
    subscript(name: String) -> RawJSON? {
        guard known == nil else {
            return members.last { $0.name == name }.flatMap { $0.value.isNull ? nil : $0.value }
        }
        return found(name)
    }

    /// The value of a member, found without a list of all.
    private func found(_ name: String) -> RawJSON? {
        guard isObject else { return nil }
        var found: Range<Int>?
        let (base, extents, name) = (bytes.startIndex, extents, name.utf8.span)
        walk { (scanner) throws(JSONScanner.Malformed) in
            try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
                let isFound = scanner.isKey(key, name)
                let range = try extents.value(&scanner, base)
                if isFound { found = range }
            }
        }
        guard let found else { return nil }
        let value = bytes[base + found.lowerBound..<base + found.upperBound]
        return value.first == UInt8(ascii: "n") ? nil : RawJSON(value, extents)
    }

    /// A string's text; nil for any other value.
    var text: EscapedText? {
        guard kind == .string else { return nil }
        return EscapedText(inner: bytes.dropFirst().dropLast())
    }

    /// A string's text with its escapes resolved; nil for any other value.
    var plain: String? { text?.plain }

    /// A whole number; nil for any other value.
    var integer: Int? {
        guard kind == .number else { return nil }
        return Int(spelling)
    }

    /// A truth value; nil for any other value.
    var flag: Bool? {
        guard kind == .bool else { return nil }
        return bytes.first == UInt8(ascii: "t")
    }

    /// The bytes as text: for short values.
    var spelling: String { bytes.span.text }

    /// The value as a tree: for schemas, which a dialect may want in other words.
    var tree: JSONValue {
        var tree = JSONValue.null
        do throws(JSONScanner.Malformed) {
            tree = try JSONValue(parsing: bytes.span)
        } catch {
            assertionFailure("a text that was walked over before is malformed: \(error)")
        }
        return tree
    }

    private func walk(
        _ body: (inout JSONScanner) throws(JSONScanner.Malformed) -> Void
    ) {
        var scanner = JSONScanner(bytes.span)
        do throws(JSONScanner.Malformed) {
            try body(&scanner)
        } catch {
            assertionFailure("a text that was walked over before is malformed: \(error)")
        }
    }
}
