import Primitives

// DESIGN
//
// A record reads a few members of each answer, and needs no tree for it: every node of one would
// be a piece of memory, and every name a text. An outline is one list of where values stand, in the
// order of the text, and each says where the one behind it is. The list, and the copy of the text,
// keep their memory for the next text.

/// Where the values of a JSON text stand, and how they are nested, as one flat list.
///
/// A value is a number: its index in the list. The root is 0.
public struct JSONOutline: ~Copyable {
    /// The value that all others are inside of.
    public static let root = 0

    private struct Node {
        let kind: JSONScanner.Kind
        /// Whether the name has an escape.
        let isNameEscaped: Bool
        /// The inside of its name; empty for what is no member.
        let nameStart: Int32
        let nameEnd: Int32
        let start: Int32
        var end: Int32 = 0
        /// The index of what stands behind it and everything inside of it.
        var next: Int32 = 0
    }

    private var text = ByteBuffer()
    private var nodes: [Node] = []

    /// An outline of nothing.
    public init() {}

    /// Reads a text instead of the one before; false, and nothing is read, where the text is no
    /// JSON, or is nested deeper than `depthMax`.
    ///
    /// The first closure decides by the inside of a member's name and the kind of its value, the
    /// second by the kind of a list's element: what they name is walked over and left out.
    public mutating func read(
        _ bytes: Span<UInt8>, depthMax: Int = JSONScanner.depthMax,
        skipping skips: (Span<UInt8>, JSONScanner.Kind) -> Bool = { _, _ in false },
        elements skipsElement: (JSONScanner.Kind) -> Bool = { _ in false }
    ) -> Bool {
        text.removeAll()
        // Out of the outline while it grows.
        var list: [Node] = []
        swap(&list, &nodes)
        list.removeAll(keepingCapacity: true)
        defer { swap(&list, &nodes) }
        guard bytes.count < Int(Int32.max) else { return false }
        if list.capacity == 0 { list.reserveCapacity(64) }
        var scanner = JSONScanner(bytes)
        do throws(JSONScanner.Malformed) {
            try Self.add(
                &scanner, name: 0..<0, depthLeft: depthMax, to: &list, skips, skipsElement)
            try scanner.end()
        } catch {
            list.removeAll(keepingCapacity: true)
            return false
        }
        text.append(bytes)
        return true
    }

    private static func add(
        _ scanner: inout JSONScanner, name: Range<Int>, depthLeft: Int, to list: inout [Node],
        _ skips: (Span<UInt8>, JSONScanner.Kind) -> Bool,
        _ skipsElement: (JSONScanner.Kind) -> Bool
    ) throws(JSONScanner.Malformed) {
        let kind = try scanner.kind()
        let start = scanner.offset
        let isEscaped =
            scanner.bytes(at: name).firstIndex(of: UInt8(ascii: "\\")) != nil
        let index = list.count
        list.append(
            Node(
                kind: kind, isNameEscaped: isEscaped, nameStart: Int32(name.lowerBound),
                nameEnd: Int32(name.upperBound), start: Int32(start)))
        switch kind {
        case .object, .array:
            guard depthLeft > 0 else {
                throw JSONScanner.Malformed(offset: start, reason: "nested too deep")
            }
            try addInside(&scanner, kind, depthLeft - 1, to: &list, skips, skipsElement)
        default: _ = try scanner.value()
        }
        list[index].end = Int32(scanner.offset)
        list[index].next = Int32(list.count)
    }

    private static func addInside(
        _ scanner: inout JSONScanner, _ kind: JSONScanner.Kind, _ depthLeft: Int,
        to list: inout [Node],
        _ skips: (Span<UInt8>, JSONScanner.Kind) -> Bool,
        _ skipsElement: (JSONScanner.Kind) -> Bool
    ) throws(JSONScanner.Malformed) {
        guard kind == .object else {
            return try scanner.array { (scanner) throws(JSONScanner.Malformed) in
                if skipsElement(try scanner.kind()) {
                    _ = try scanner.value()
                } else {
                    try add(
                        &scanner, name: 0..<0, depthLeft: depthLeft, to: &list, skips,
                        skipsElement)
                }
            }
        }
        try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
            let name = key.lowerBound + 1..<key.upperBound - 1
            if skips(scanner.bytes(at: name), try scanner.kind()) {
                _ = try scanner.value()
            } else {
                try add(
                    &scanner, name: name, depthLeft: depthLeft, to: &list, skips, skipsElement)
            }
        }
    }

    // MARK: Structure

    /// The kind of a value; nil without one.
    public func kind(_ value: Int?) -> JSONScanner.Kind? {
        value.map { nodes[$0].kind }
    }

    /// Whether a value is there, and of a kind.
    public func isKind(_ kind: JSONScanner.Kind, _ value: Int?) -> Bool {
        value.map { nodes[$0].kind == kind } ?? false
    }

    /// The value of a member, the last one where the name is repeated; nil for anything that has
    /// none of this name.
    public func member(_ value: Int?, _ name: StaticString) -> Int? {
        guard let value, nodes[value].kind == .object else { return nil }
        var found: Int?
        let end = Int(nodes[value].next)
        var index = value + 1
        while index < end {
            if isName(of: index, name) { found = index }
            index = Int(nodes[index].next)
        }
        return found
    }

    /// Whether a member's name is this one.
    public func isName(of value: Int, _ name: StaticString) -> Bool {
        let node = nodes[value]
        let bytes = text.bytes(Int(node.nameStart)..<Int(node.nameEnd))
        if bytes.matches(name) { return true }
        return node.isNameEscaped && JSONText.unescape(bytes) == "\(name)"
    }

    /// Whether a value has anything inside.
    public func isEmpty(_ value: Int) -> Bool { Int(nodes[value].next) == value + 1 }

    /// Gives each value right inside of an object or a list.
    public func each(_ value: Int, _ body: (Int) -> Void) {
        let end = Int(nodes[value].next)
        var index = value + 1
        while index < end {
            body(index)
            index = Int(nodes[index].next)
        }
    }

    /// Gives each element of a list; of anything else none.
    public func eachElement(_ value: Int?, _ body: (Int) -> Void) {
        guard let value, nodes[value].kind == .array else { return }
        each(value, body)
    }

    // MARK: Values

    /// The bytes of a value, as they stand there.
    @_lifetime(borrow self)
    public func bytes(_ value: Int) -> Span<UInt8> {
        text.bytes(Int(nodes[value].start)..<Int(nodes[value].end))
    }

    /// The inside of a member's name, as it stands there.
    @_lifetime(borrow self)
    public func nameBytes(_ value: Int) -> Span<UInt8> {
        text.bytes(Int(nodes[value].nameStart)..<Int(nodes[value].nameEnd))
    }

    /// Whether a member's name has an escape.
    public func isNameEscaped(_ value: Int) -> Bool { nodes[value].isNameEscaped }

    /// Lends the text of a string, escapes resolved; nil for anything else.
    public func withText<R>(_ value: Int?, _ body: (Span<UInt8>) -> R) -> R? {
        guard let value, nodes[value].kind == .string else { return nil }
        let inner = text.bytes(Int(nodes[value].start) + 1..<Int(nodes[value].end) - 1)
        guard inner.firstIndex(of: UInt8(ascii: "\\")) != nil else { return body(inner) }
        return body(JSONText.unescape(inner).utf8.span)
    }

    /// The text of a string; nil for anything else.
    public func string(_ value: Int?) -> String? {
        withText(value) { $0.text }
    }

    /// Whether a value is a string of this text.
    public func isText(_ value: Int?, _ literal: StaticString) -> Bool {
        withText(value) { $0.matches(literal) } ?? false
    }

    /// The number, of a whole one alone.
    public func integer(_ value: Int?) -> Int? {
        guard let value, nodes[value].kind == .number else { return nil }
        return bytes(value).decimal ?? Int(bytes(value).text)
    }

    /// The number, rounded to what a double holds.
    public func double(_ value: Int?) -> Double? {
        guard let value, nodes[value].kind == .number else { return nil }
        return Double(bytes(value).text)
    }

    /// Whether this is `true`.
    public func isTrue(_ value: Int?) -> Bool {
        guard let value else { return false }
        return nodes[value].kind == .bool && bytes(value).matches("true")
    }
}
