public import Primitives

// Payloads are fields in a fixed order, little-endian, texts with their length before them. A field
// that a later version adds comes last, and is missing in frames of an earlier one.

/// Writes a payload's fields.
public struct PayloadWriter: ~Copyable {
    /// Bytes of a text written with ``text(_:)`` at most; a longer one is cut.
    public static let textBytesMax = 0xFFFF

    @usableFromInline var buffer = ByteBuffer()

    /// A writer without fields.
    public init() {}

    /// The payload so far.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { buffer.bytes }
    }

    /// Replaces each byte of a secret by an asterisk.
    public mutating func hide(_ secrets: SecretMask) {
        var start = 0
        while let range = secrets.first(in: buffer.bytes, from: start) {
            for index in range { buffer.set(UInt8(ascii: "*"), at: index) }
            start = range.upperBound
        }
    }

    /// Forgets all fields and keeps the memory.
    public mutating func removeAll() {
        buffer.removeAll()
    }

    /// Writes a number of so many bytes.
    @inlinable
    public mutating func number(_ value: UInt64, bytes: Int) {
        buffer.append(littleEndian: value, count: bytes)
    }

    /// Writes a byte.
    @inlinable
    public mutating func byte(_ value: UInt8) {
        buffer.append(byte: value)
    }

    /// Writes a number of four bytes.
    @inlinable
    public mutating func short(_ value: Int) {
        number(UInt64(UInt32(clamping: value)), bytes: 4)
    }

    /// Writes a number of eight bytes.
    @inlinable
    public mutating func long(_ value: Int) {
        number(UInt64(bitPattern: Int64(value)), bytes: 8)
    }

    /// Writes a text.
    public mutating func text(_ value: String, bytesMax: Int = textBytesMax) {
        // Most are short, and end as they are.
        let length = value.utf8.count
        if length <= bytesMax {
            number(UInt64(length), bytes: 2)
            return buffer.append(text: value)
        }
        var value = value
        value.withUTF8 { bytes in
            // Cut between two characters, not inside one.
            var count = bytesMax
            while count > 0, unsafe bytes[count] & 0xC0 == 0x80 { count -= 1 }
            unsafe self.bytes(Span(_unsafeElements: UnsafeBufferPointer(rebasing: bytes[..<count])))
        }
    }

    /// Writes a text that is all of the payload, and so needs no length.
    public mutating func raw(_ value: String) {
        buffer.append(text: value)
    }

    /// Writes bytes, with a length of two bytes before them.
    public mutating func bytes(_ value: Span<UInt8>) {
        let count = min(value.count, Self.textBytesMax)
        number(UInt64(count), bytes: 2)
        buffer.append(value.extracting(0..<count))
    }

    /// Writes bytes that another function appends, with a length of two bytes before them; more
    /// than that can say are cut.
    public mutating func shortBlock(_ write: (inout ByteBuffer) -> Void) {
        let start = buffer.count
        number(0, bytes: 2)
        write(&buffer)
        buffer.truncate(to: min(buffer.count, start + 2 + Self.textBytesMax))
        let count = UInt16(buffer.count - start - 2)
        buffer.set(UInt8(truncatingIfNeeded: count), at: start)
        buffer.set(UInt8(truncatingIfNeeded: count >> 8), at: start + 1)
    }

    /// Writes bytes that another function appends, with a length of four bytes before them.
    public mutating func block(_ write: (inout ByteBuffer) -> Void) {
        let start = buffer.count
        number(0, bytes: 4)
        write(&buffer)
        let count = UInt32(buffer.count - start - 4)
        for index in 0..<4 {
            buffer.set(UInt8(truncatingIfNeeded: count >> UInt32(8 * index)), at: start + index)
        }
    }
}
