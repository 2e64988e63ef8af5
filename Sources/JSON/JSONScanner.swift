public import Primitives

/// Walks JSON text and gives the ranges of its parts, without building anything.
///
/// Strict as RFC 8259 has it, with one liberty: the bytes inside a string need not be valid UTF-8,
/// because they are passed on as they are.
public struct JSONScanner: ~Escapable {
    /// Nesting beyond this is refused: it serves no request and would exhaust the stack.
    public static let depthMax = 512

    /// Where the text is not JSON, and why.
    public struct Malformed: Error, Equatable {
        /// Bytes before the fault.
        public let offset: Int
        /// What is wrong.
        public let reason: String
    }

    /// The kinds of value, known from the first byte.
    public enum Kind: Equatable, Sendable {
        case object, array, string, number, bool, null
    }

    @usableFromInline let bytes: Span<UInt8>
    /// Bytes walked over.
    public private(set) var offset = 0
    private var depth = 0
    /// Whether the string that was walked over last has an escape.
    private(set) var isStringEscaped = false

    /// A scanner at the start of a text.
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    /// Where the value of a member stands in the top-level object of a text, the last one where the
    /// name is repeated, as most parsers have it; nil when the text is no object or has no such
    /// member.
    public static func member(
        _ name: StaticString, of bytes: Span<UInt8>
    ) throws(Malformed) -> Range<Int>? {
        var scanner = JSONScanner(bytes)
        var found: Range<Int>?
        guard try scanner.kind() == .object else { return nil }
        try scanner.object { (scanner, key) throws(Malformed) in
            let value = try scanner.value()
            if key.count >= 2, scanner.isKey(key, name) { found = value }
        }
        return found
    }

    /// The kind of the value that comes next.
    public mutating func kind() throws(Malformed) -> Kind {
        skipSpace()
        guard offset < bytes.count else { throw fault("the text ends where a value should stand") }
        switch bytes[offset] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw fault("no value begins like this")
        }
    }

    /// Walks over the next value and gives its range.
    public mutating func value() throws(Malformed) -> Range<Int> {
        try value(of: kind())
    }

    /// Walks over the next value, which is of the kind that ``kind()`` gave just now.
    mutating func value(of kind: Kind) throws(Malformed) -> Range<Int> {
        let start = offset
        switch kind {
        case .object:
            try object { (scanner, _) throws(Malformed) in _ = try scanner.value() }
        case .array:
            try array { (scanner) throws(Malformed) in _ = try scanner.value() }
        case .string: try string()
        case .number: try number()
        case .bool: try literal(bytes[offset] == UInt8(ascii: "t") ? "true" : "false")
        case .null: try literal("null")
        }
        return start..<offset
    }

    /// Goes to the end of a value that was walked over before, from its beginning.
    public mutating func jump(to end: Int) {
        precondition(end >= offset && end <= bytes.count, "no end of a value that begins here")
        offset = end
    }

    /// Walks over an object.
    ///
    /// The closure is given the range of each name, quotes included, and walks over its value.
    public mutating func object(
        _ member: (inout JSONScanner, Range<Int>) throws(Malformed) -> Void
    ) throws(Malformed) {
        try enter(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return leave() }
        while true {
            skipSpace()
            let start = offset
            guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
                throw fault("a member has no name")
            }
            try string()
            let key = start..<offset
            guard take(UInt8(ascii: ":")) else { throw fault("a colon is missing") }
            try member(&self, key)
            if take(UInt8(ascii: "}")) { return leave() }
            guard take(UInt8(ascii: ",")) else { throw fault("a comma or a brace is missing") }
        }
    }

    /// Walks over an array.
    ///
    /// The closure walks over each element.
    public mutating func array(
        _ element: (inout JSONScanner) throws(Malformed) -> Void
    ) throws(Malformed) {
        try enter(UInt8(ascii: "["))
        if take(UInt8(ascii: "]")) { return leave() }
        while true {
            try element(&self)
            if take(UInt8(ascii: "]")) { return leave() }
            guard take(UInt8(ascii: ",")) else { throw fault("a comma or a bracket is missing") }
        }
    }

    /// Holds the rest of the text to white space.
    public mutating func end() throws(Malformed) {
        skipSpace()
        guard offset == bytes.count else { throw fault("more follows the value") }
    }

    /// Whether a quoted name at a range spells a literal, escapes resolved.
    @inlinable
    @inline(__always)
    public func isKey(_ range: Range<Int>, _ name: StaticString) -> Bool {
        // An escape is longer than what it stands for, and the length differs for most names.
        let count = range.count - 2
        let length = name.utf8CodeUnitCount
        guard count != length else { return bytes.has(name, at: range.lowerBound + 1) }
        guard count > length else { return false }
        let inner = bytes.extracting(range.lowerBound + 1..<range.upperBound - 1)
        return (inner.beginsLike(name) || inner[0] == UInt8(ascii: "\\"))
            && isEscaped(inner, name)
    }

    /// Whether a quoted name at a range spells a name, escapes resolved.
    public func isKey(_ range: Range<Int>, _ name: Span<UInt8>) -> Bool {
        let inner = bytes.extracting(range.lowerBound + 1..<range.upperBound - 1)
        guard inner.count > name.count else { return inner.equals(name) }
        // An escape is longer than what it stands for.
        guard inner.firstIndex(of: UInt8(ascii: "\\")) != nil else { return false }
        return JSONText.unescape(inner).utf8.span.equals(name)
    }

    @usableFromInline
    func isEscaped(_ inner: Span<UInt8>, _ name: StaticString) -> Bool {
        guard inner.firstIndex(of: UInt8(ascii: "\\")) != nil else { return false }
        return JSONText.unescape(inner) == "\(name)"
    }

    /// The bytes at a range.
    @_lifetime(copy self)
    public func bytes(at range: Range<Int>) -> Span<UInt8> {
        bytes.extracting(range)
    }

    /// The bytes from here on.
    var rest: Span<UInt8> {
        @_lifetime(copy self)
        get { bytes.extracting(offset..<bytes.count) }
    }

    private mutating func enter(_ bracket: UInt8) throws(Malformed) {
        guard take(bracket) else { throw fault("a bracket is missing") }
        depth += 1
        guard depth <= Self.depthMax else { throw fault("nested deeper than \(Self.depthMax)") }
    }

    private mutating func leave() {
        depth -= 1
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    @inline(__always)
    private mutating func skipSpace() {
        // Most texts have none between their parts.
        if offset < bytes.count, bytes[offset] <= 0x20 { skipSpaces() }
    }

    private mutating func skipSpaces() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private mutating func string() throws(Malformed) {
        offset += 1
        isStringEscaped = false
        while offset < bytes.count {
            offset = bytes.firstIndex(
                below: 0x20, or: UInt8(ascii: "\""), or: UInt8(ascii: "\\"), from: offset
            )
            guard offset < bytes.count else { break }
            let byte = bytes[offset]
            offset += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte < 0x20 { throw fault("a control byte stands in a string") }
            isStringEscaped = true
            // Source text in a prompt has an escape in every line: those of one letter are short.
            if offset < bytes.count, Self.isLetterOfEscape(bytes[offset]) {
                offset += 1
            } else {
                try escape()
            }
        }
        throw fault("a string does not end")
    }

    /// Whether a byte behind a backslash is all that follows it: `"`, `/`, `\`, b, f, n, r, t.
    @inline(__always)
    private static func isLetterOfEscape(_ byte: UInt8) -> Bool {
        let marks: UInt64 =
            byte & 0x40 == 0
            ? 1 << 0x22 | 1 << 0x2F
            : 1 << 0x1C | 1 << 0x22 | 1 << 0x26 | 1 << 0x2E | 1 << 0x32 | 1 << 0x34
        return byte < 0x80 && marks >> UInt64(byte & 0x3F) & 1 == 1
    }

    /// Walks over what follows a backslash and is no letter alone.
    private mutating func escape() throws(Malformed) {
        guard offset < bytes.count else { throw fault("a string does not end") }
        let byte = bytes[offset]
        offset += 1
        guard byte == UInt8(ascii: "u") else { throw fault("an escape is none of JSON's") }
        for _ in 0..<4 {
            guard offset < bytes.count, bytes[offset].hexadecimalDigit != nil else {
                throw fault("an escape has no four hexadecimal digits")
            }
            offset += 1
        }
    }

    private mutating func number() throws(Malformed) {
        if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "0") {
            offset += 1
        } else {
            try digits()
        }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < bytes.count,
                bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-")
            {
                offset += 1
            }
            try digits()
        }
    }

    private mutating func digits() throws(Malformed) {
        let start = offset
        while offset < bytes.count, bytes[offset] >= 0x30, bytes[offset] <= 0x39 { offset += 1 }
        guard offset > start else { throw fault("a number lacks a digit") }
    }

    private mutating func literal(_ text: StaticString) throws(Malformed) {
        let end = offset + text.utf8CodeUnitCount
        guard end <= bytes.count, bytes.extracting(offset..<end).matches(text) else {
            throw fault("no value begins like this")
        }
        offset = end
    }

    /// That the text cannot be taken, at the offset that was reached.
    public func fault(_ reason: String) -> Malformed {
        Malformed(offset: offset, reason: reason)
    }
}
