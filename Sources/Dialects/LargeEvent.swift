import Primitives

/// Reads on in an event that is larger than a splitter keeps: a picture, or a whole answer once
/// more.
struct LargeEvent: ~Copyable {
    private enum Line {
        /// At its start, so many bytes of `data:` seen.
        case start(Int)
        case data, other
    }

    private let dialect: Dialect
    private let bytesMax: Int
    private var sieve: AnswerSieve
    private var line = Line.other
    private var isAfterReturn = false
    private(set) var isOpen = false

    init(dialect: Dialect, bytesMax: Int) {
        self.dialect = dialect
        self.bytesMax = bytesMax
        sieve = AnswerSieve(dialect: dialect, bytesMax: bytesMax)
    }

    /// Whether more had to be kept than there is room for.
    var isOverflown: Bool { sieve.isOverflown }

    /// Begins with what is there: the data of the lines before, and the beginning of a line.
    mutating func open(
        data: Span<UInt8>, line text: Span<UInt8>, _ complete: (Span<UInt8>) -> Void
    ) {
        sieve = AnswerSieve(dialect: dialect, bytesMax: bytesMax)
        isOpen = true
        isAfterReturn = false
        line = .start(0)
        sieve.take(data, complete)
        _ = take(text, complete)
    }

    /// Takes bytes, and returns how many of them are the event's.
    mutating func take(_ bytes: Span<UInt8>, _ complete: (Span<UInt8>) -> Void) -> Int {
        var index = 0
        while index < bytes.count, isOpen {
            let byte = bytes[index]
            if byte == 0x0A || byte == 0x0D {
                index += 1
                endLine(byte)
                continue
            }
            isAfterReturn = false
            switch line {
            case .start(let count):
                if byte == Self.name[count] {
                    index += 1
                    line = count + 1 == Self.name.count ? .data : .start(count + 1)
                } else {
                    line = .other
                }
            case .data:
                let end = bytes.firstIndex(below: 0, or: 0x0A, or: 0x0D, from: index)
                sieve.take(bytes.extracting(index..<end), complete)
                index = end
            case .other: index = bytes.firstIndex(below: 0, or: 0x0A, or: 0x0D, from: index)
            }
        }
        return index
    }

    private static let name: InlineArray<5, UInt8> = [
        UInt8(ascii: "d"), UInt8(ascii: "a"), UInt8(ascii: "t"), UInt8(ascii: "a"),
        UInt8(ascii: ":"),
    ]

    private mutating func endLine(_ byte: UInt8) {
        // The other half of a line's end.
        if byte == 0x0A, isAfterReturn { return isAfterReturn = false }
        isAfterReturn = byte == 0x0D
        if case .start(0) = line { isOpen = false }
        line = .start(0)
    }
}
