import Primitives

/// Reads a payload's fields; what is missing reads as nothing.
public struct PayloadReader: ~Escapable {
    private let payload: Span<UInt8>
    private var offset = 0
    /// Whether a field was asked for that is not there, or not whole.
    public private(set) var isShort = false

    /// A reader of a payload.
    @_lifetime(copy payload)
    public init(_ payload: Span<UInt8>) {
        self.payload = payload
    }

    /// Reads a number of so many bytes.
    public mutating func number(bytes: Int) -> UInt64 {
        guard offset + bytes <= payload.count else {
            offset = payload.count
            isShort = true
            return 0
        }
        defer { offset += bytes }
        if bytes == 8 || offset + 8 <= payload.count {
            // One load, of what was checked to be there; what is behind the field is shifted out.
            let word = UInt64(
                littleEndian: unsafe payload.bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: offset, as: UInt64.self))
            let beyond = UInt64(64 - 8 * bytes)
            return bytes == 0 ? 0 : (word << beyond) >> beyond
        }
        var value: UInt64 = 0
        for index in 0..<bytes { value |= UInt64(payload[offset + index]) << UInt64(8 * index) }
        return value
    }

    /// Reads a byte.
    public mutating func byte() -> UInt8 { UInt8(number(bytes: 1)) }

    /// Reads a number of four bytes.
    public mutating func short() -> Int { Int(number(bytes: 4)) }

    /// Reads a number of eight bytes.
    public mutating func long() -> Int { Int(Int64(bitPattern: number(bytes: 8))) }

    /// Reads a text; invalid UTF-8 is replaced.
    public mutating func text() -> String { take(Int(number(bytes: 2))).text }

    /// Reads bytes with a length of four bytes before them, as text.
    public mutating func block() -> String { take(Int(number(bytes: 4))).text }

    @_lifetime(copy self)
    private mutating func take(_ count: Int) -> Span<UInt8> {
        guard count <= payload.count - offset else {
            offset = payload.count
            isShort = true
            return payload.extracting(0..<0)
        }
        defer { offset += count }
        return payload.extracting(offset..<offset + count)
    }
}
