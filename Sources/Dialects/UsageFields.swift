import Primitives

/// The numbers of a vendor's usage objects by their dotted names, the last one that was given for
/// each: usage is repeated and corrected while a stream goes on, and never adds up.
public struct UsageFields: Equatable, Sendable {
    /// A number, and the range of its name among all names.
    private struct Field: Equatable, Sendable {
        let start: Int
        let end: Int
        var number: Int
    }

    // A handful: looked through faster than hashed. Names are bytes one behind the other: as many
    // texts would be as many pieces of memory.
    private var names: [UInt8] = []
    private var fields: [Field] = []
    // A bit for each length that a name has, less the multiples of 64: of some fifty names that are
    // asked for, an object has a handful.
    private var lengths: UInt64 = 0
    /// What the vendor says the call cost, in billionths of a dollar; nil where it does not say.
    public internal(set) var statedNanodollars: Int?

    /// No fields.
    public init() {}

    /// Whether no number was given.
    public var isEmpty: Bool { fields.isEmpty }

    /// How many names there are.
    var count: Int { fields.count }

    /// Every name and its number.
    func each(_ body: (Span<UInt8>, Int) -> Void) {
        for field in fields { body(names.span.extracting(field.start..<field.end), field.number) }
    }

    /// The index of a name; nil where no number was given for it.
    func index(of name: Span<UInt8>) -> Int? {
        let names = names.span
        let fields = fields.span
        for index in fields.indices {
            let field = fields[index]
            if field.end - field.start == name.count,
                names.extracting(field.start..<field.end).equals(name)
            {
                return index
            }
        }
        return nil
    }

    func number(at index: Int) -> Int { fields[index].number }

    mutating func set(_ number: Int, at index: Int) {
        fields[index].number = number
    }

    mutating func append(_ name: Span<UInt8>, _ number: Int) {
        if fields.isEmpty {
            fields.reserveCapacity(16)
            names.reserveCapacity(256)
        }
        let start = names.count
        names.append(name)
        fields.append(Field(start: start, end: names.count, number: number))
        lengths |= Self.bit(ofLength: names.count - start)
    }

    private static func bit(ofLength length: Int) -> UInt64 { 1 << UInt64(length & 63) }

    /// The number of a name, the last that was given.
    subscript(name: StaticString) -> Int? {
        let length = name.utf8CodeUnitCount
        guard lengths & Self.bit(ofLength: length) != 0 else { return nil }
        let names = names.span
        let fields = fields.span
        for index in fields.indices {
            let field = fields[index]
            if field.end - field.start == length, names.has(name, at: field.start) {
                return field.number
            }
        }
        return nil
    }

    /// The number of a name in an object.
    subscript(object: StaticString, name: StaticString) -> Int? {
        let (outer, inner) = (object.utf8CodeUnitCount, name.utf8CodeUnitCount)
        guard lengths & Self.bit(ofLength: outer + 1 + inner) != 0 else { return nil }
        let names = names.span
        let fields = fields.span
        for index in fields.indices {
            let field = fields[index]
            guard field.end - field.start == outer + 1 + inner,
                names[field.start + outer] == UInt8(ascii: "."),
                names.has(name, at: field.start + outer + 1), names.has(object, at: field.start)
            else { continue }
            return field.number
        }
        return nil
    }

    /// The first of some names that a number was given for, and one above zero if there is any.
    func first<let count: Int>(_ wanted: InlineArray<count, StaticString>) -> Int? {
        var first: Int?
        for index in wanted.indices {
            guard let number = self[wanted[index]] else { continue }
            if number > 0 { return number }
            first = first ?? number
        }
        return first
    }

    /// The largest number that was given for some names: vendors who follow another's shape leave a
    /// zero in it, and say the truth under a name of their own.
    func largest<let count: Int>(_ wanted: InlineArray<count, StaticString>) -> Int? {
        var largest: Int?
        for index in wanted.indices { largest = Self.larger(largest, self[wanted[index]]) }
        return largest
    }

    /// The largest number that was given for a name in some objects.
    func largest<let count: Int>(
        _ name: StaticString, in objects: InlineArray<count, StaticString>
    ) -> Int? {
        var largest: Int?
        for index in objects.indices { largest = Self.larger(largest, self[objects[index], name]) }
        return largest
    }

    /// The larger of two numbers, as far as they were given.
    static func larger(_ one: Int?, _ other: Int?) -> Int? {
        guard let one, let other else { return one ?? other }
        return max(one, other)
    }
}
