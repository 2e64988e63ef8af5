import Primitives

// Numbers of as many bytes as they need: seven bits in each, the lowest first, and the eighth says
// whether another follows.

extension ByteBuffer {
    /// Appends a number.
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(byte: UInt8(truncatingIfNeeded: rest))
    }

    /// Appends a number that may be negative, so that small ones of both signs are short.
    mutating func append(zigzag value: Int) {
        append(varint: UInt64(bitPattern: Int64(value << 1 ^ value >> 63)))
    }
}

/// Reads such numbers, and texts behind them, out of bytes that may be anything.
struct VarintReader: ~Escapable {
    private let bytes: Span<UInt8>
    private var offset = 0
    /// Whether something was asked for that is not there, or not whole.
    private(set) var isShort = false

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    /// Whether all was read.
    var isAtEnd: Bool { offset >= bytes.count }

    /// Reads a number.
    mutating func number() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.count, shift < 64 {
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        isShort = true
        offset = bytes.count
        return 0
    }

    /// Reads a number that may be negative.
    mutating func zigzag() -> Int {
        let value = number()
        return Int(Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1))
    }

    /// Reads a number that says how much there is of something.
    mutating func size(atMost limit: Int) -> Int { Int(min(number(), UInt64(limit))) }

    /// Reads so many bytes.
    @_lifetime(copy self)
    mutating func run(_ count: UInt64) -> Span<UInt8> {
        guard count <= UInt64(bytes.count - offset) else {
            isShort = true
            offset = bytes.count
            return bytes.extracting(0..<0)
        }
        let start = offset
        offset += Int(count)
        return bytes.extracting(start..<offset)
    }

    /// Reads all that is left.
    @_lifetime(copy self)
    mutating func rest() -> Span<UInt8> { run(UInt64(bytes.count - offset)) }
}
