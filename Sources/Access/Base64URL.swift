import Primitives

/// Base64 as tokens have it: the alphabet of URLs, and no padding.
public enum Base64URL {
    /// The bytes of a text; nil for one that is written in any other way than the one.
    static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for index in text.indices {
            guard let digit = digit(text[index]) else { return nil }
            bits = bits << 6 | UInt32(digit)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        // Bits that mean nothing would make many texts of one token.
        return bits & (1 << UInt32(count) - 1) == 0 ? bytes : nil
    }

    /// Bytes of a text at least.
    private static let textBytesMin = 12

    /// The text of printable letters that digits in either alphabet are from an index on; nil where
    /// it is shorter than any secret.
    public static func decodeText(_ digits: Span<UInt8>, from start: Int) -> [UInt8]? {
        // Nearly every run of digits is no text, which shows before anything is kept.
        var length = 0
        eachTextByte(of: digits, from: start) { _ in length += 1 }
        guard length >= textBytesMin else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
        eachTextByte(of: digits, from: start) { bytes.append($0) }
        return bytes
    }

    private static func eachTextByte(
        of digits: Span<UInt8>, from start: Int, _ take: (UInt8) -> Void
    ) {
        var bits: UInt32 = 0
        var count = 0
        for index in start..<digits.count {
            guard let digit = looseDigit(digits[index]) else { return }
            bits = bits << 6 | UInt32(digit)
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            let byte = UInt8(truncatingIfNeeded: bits >> UInt32(count))
            guard 0x20..<0x7F ~= byte || byte == 0x0A || byte == 0x0D || byte == 0x09 else {
                return
            }
            take(byte)
        }
    }

    /// Whether a byte is a digit of either alphabet.
    ///
    /// It is asked of nearly every byte of a head, so that a bit says it: of `+-/0…9`, and of
    /// `A…Z_a…z`.
    @inlinable
    public static func isDigit(_ byte: UInt8) -> Bool {
        guard byte < 0x80 else { return false }
        let bits: UInt64 = byte < 0x40 ? 0x03FF_A800_0000_0000 : 0x07FF_FFFE_87FF_FFFE
        return bits >> UInt64(byte & 0x3F) & 1 == 1
    }

    private static func looseDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: digit(byte)
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x61 + 26
        case 0x30...0x39: byte - 0x30 + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
