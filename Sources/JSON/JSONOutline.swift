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
        /// Whether nothing inside of it was read, because it was known.
        var isKnown = false
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
    /// second by the kind of a list's element: what they name is walked over and left out. The
    /// third is given the inside of an object's name and the text from its value on: how many bytes
    /// of it are that value, where that is known; nothing inside of it is read then.
    public mutating func read(
        _ bytes: Span<UInt8>, depthMax: Int = JSONScanner.depthMax,
        skipping skips: (Span<UInt8>, JSONScanner.Kind) -> Bool = { _, _ in false },
        elements skipsElement: (JSONScanner.Kind) -> Bool = { _ in false },
        knowing knownCount: (Span<UInt8>, Span<UInt8>) -> Int? = { _, _ in nil }
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
            let kind = try scanner.kind()
            try Self.add(
                &scanner, kind, name: 0..<0, isEscaped: false, depthLeft: depthMax,
                to: &list, skips, skipsElement, knownCount)
            try scanner.end()
        } catch {
            list.removeAll(keepingCapacity: true)
            return false
        }
        text.append(bytes)
        return true
    }

    private static func add(
        _ scanner: inout JSONScanner, _ kind: JSONScanner.Kind, name: Range<Int>, isEscaped: Bool,
        depthLeft: Int, to list: inout [Node],
        _ skips: (Span<UInt8>, JSONScanner.Kind) -> Bool,
        _ skipsElement: (JSONScanner.Kind) -> Bool,
        _ knownCount: (Span<UInt8>, Span<UInt8>) -> Int?
    ) throws(JSONScanner.Malformed) {
        let start = scanner.offset
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
            try addInside(&scanner, kind, depthLeft - 1, to: &list, skips, skipsElement, knownCount)
        default: _ = try scanner.value(of: kind)
        }
        list[index].end = Int32(scanner.offset)
        list[index].next = Int32(list.count)
    }

    private static func addInside(
        _ scanner: inout JSONScanner, _ kind: JSONScanner.Kind, _ depthLeft: Int,
        to list: inout [Node],
        _ skips: (Span<UInt8>, JSONScanner.Kind) -> Bool,
        _ skipsElement: (JSONScanner.Kind) -> Bool,
        _ knownCount: (Span<UInt8>, Span<UInt8>) -> Int?
    ) throws(JSONScanner.Malformed) {
        guard kind == .object else {
            return try scanner.array { (scanner) throws(JSONScanner.Malformed) in
                let kind = try scanner.kind()
                if skipsElement(kind) {
                    _ = try scanner.value(of: kind)
                } else {
                    try add(
                        &scanner, kind, name: 0..<0, isEscaped: false, depthLeft: depthLeft,
                        to: &list, skips, skipsElement, knownCount)
                }
            }
        }
        try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
            let name = key.lowerBound + 1..<key.upperBound - 1
            let isEscaped = scanner.isStringEscaped
            let kind = try scanner.kind()
            if skips(scanner.bytes(at: name), kind) {
                _ = try scanner.value(of: kind)
            } else if kind == .object,
                let count = knownCount(scanner.bytes(at: name), scanner.rest)
            {
                addKnown(&scanner, name: name, isEscaped: isEscaped, count, to: &list)
            } else {
                try add(
                    &scanner, kind, name: name, isEscaped: isEscaped, depthLeft: depthLeft,
                    to: &list, skips, skipsElement, knownCount)
            }
        }
    }

    private static func addKnown(
        _ scanner: inout JSONScanner, name: Range<Int>, isEscaped: Bool, _ count: Int,
        to list: inout [Node]
    ) {
        let start = scanner.offset
        scanner.jump(to: start + count)
        list.append(
            Node(
                kind: .object, isNameEscaped: isEscaped, isKnown: true,
                nameStart: Int32(name.lowerBound), nameEnd: Int32(name.upperBound),
                start: Int32(start), end: Int32(start + count), next: Int32(list.count + 1)))
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
        let nodes = nodes.span
        let end = Int(nodes[value].next)
        let length = name.utf8CodeUnitCount
        var index = value + 1
        while index < end {
            // Names mostly differ in their length, and an escape is longer than what it stands for.
            let count = Int(nodes[index].nameEnd &- nodes[index].nameStart)
            if count == length || nodes[index].isNameEscaped, isName(of: index, name) {
                found = index
            }
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
    public func isEmpty(_ value: Int) -> Bool {
        Int(nodes[value].next) == value + 1 && !nodes[value].isKnown
    }

    /// Whether nothing inside of an object is here, because it was known.
    public func isKnown(_ value: Int) -> Bool { nodes[value].isKnown }

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
