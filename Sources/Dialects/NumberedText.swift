import Primitives

/// A JSON text as what stands around its numbers, which are whole and have no sign.
struct NumberedText: Sendable {
    /// The text that it was made of.
    let bytes: [UInt8]
    /// The digits of each number in it.
    let numbers: [Range<Int>]

    /// Digits of a number at most: what is longer is none that is counted.
    static let digitsMax = 15

    /// A text that is JSON; nil where it has another number, or an escape.
    init?(_ text: Span<UInt8>) {
        var numbers: [Range<Int>] = []
        var index = 0
        var isInString = false
        while index < text.count {
            let byte = text[index]
            guard byte != UInt8(ascii: "\\") else { return nil }
            if byte == UInt8(ascii: "\"") { isInString.toggle() }
            guard !isInString else {
                index += 1
                continue
            }
            // A fraction and an exponent stand right behind a digit.
            guard byte != UInt8(ascii: "-"), byte != UInt8(ascii: ".") else { return nil }
            let end = Self.endOfDigits(text, from: index)
            guard end > index else {
                index += 1
                continue
            }
            guard end - index <= Self.digitsMax, end == text.count || text[end] | 0x20 != 0x65
            else { return nil }
            numbers.append(index..<end)
            index = end
        }
        var bytes: [UInt8] = []
        bytes.append(text)
        self.bytes = bytes
        self.numbers = numbers
    }

    /// The text without the space between its parts.
    var withoutSpace: [UInt8] {
        var isInString = false
        return bytes.filter { byte in
            // There is no escape in it.
            if byte == UInt8(ascii: "\"") { isInString.toggle() }
            return isInString || byte > 0x20
        }
    }

    /// How deep it is nested, at most.
    var depth: Int { bytes.count { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") } }

    /// What stands before a number; for the one behind the last, what ends the text.
    func before(_ number: Int) -> Range<Int> {
        let start = number == 0 ? 0 : numbers[number - 1].upperBound
        return start..<(number == numbers.count ? bytes.count : numbers[number].lowerBound)
    }

    /// Appends what stands before a number.
    func append(before number: Int, to buffer: inout ByteBuffer) {
        let bytes = bytes.span
        buffer.append(bytes.extracting(before(number)))
    }

    /// Whether what stands before a number stands in another text at an index.
    func hasPart(before number: Int, at index: Int, of other: Span<UInt8>) -> Bool {
        let part = before(number)
        guard part.count <= other.count - index else { return false }
        let bytes = bytes.span
        return other.extracting(index..<index + part.count).equals(bytes.extracting(part))
    }

    /// A number in it.
    func number(_ index: Int) -> Int? {
        let bytes = bytes.span
        return bytes.extracting(numbers[index]).decimal
    }

    /// Where the digits end that stand at an index.
    static func endOfDigits(_ text: Span<UInt8>, from start: Int) -> Int {
        var end = start
        while end < text.count, text[end] &- 0x30 < 10 { end += 1 }
        return end
    }
}
