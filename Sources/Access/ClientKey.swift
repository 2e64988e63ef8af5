import Primitives

/// A client's key: a beginning by which people and scanners know it, 256 random bits, and a
/// checksum of those.
///
/// With the checksum a typing error is found without looking anything up.
public enum ClientKey {
    /// What every key begins with.
    public static let prefix: StaticString = "weir_"
    /// Bytes of randomness in a key.
    public static let randomBytes = 32
    /// Digits to the base of 62 that hold them.
    private static let bodyLength = 43
    private static let checksumLength = 6
    private static var prefixLength: Int { prefix.utf8CodeUnitCount }
    private static let alphabet = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// What a text is that stands where a key may stand.
    public enum Shape: Equatable, Sendable {
        /// A credential of another kind.
        case foreign
        /// One that begins like a key, and is none.
        case malformed
        /// A key, known or not.
        case key
    }

    /// A key of so many random bytes: ``randomBytes``.
    public static func make(from random: [UInt8]) -> String {
        precondition(random.count == randomBytes)
        var body: [UInt8] = []
        var number = random
        for _ in 0..<bodyLength {
            var rest = 0
            for index in number.indices {
                let value = rest << 8 | Int(number[index])
                number[index] = UInt8(value / 62)
                rest = value % 62
            }
            body.append(alphabet[rest])
        }
        let text = body + checksum(of: body.span)
        return "\(prefix)" + String(decoding: text, as: UTF8.self)
    }

    /// Whether a key stands anywhere in a text.
    public static func stands(in text: Span<UInt8>) -> Bool {
        let length = prefixLength + bodyLength + checksumLength
        // Most texts of a head are shorter.
        guard text.count >= length else { return false }
        var start = 0
        while let found = text.firstRange(of: prefix, from: start),
            found.lowerBound + length <= text.count
        {
            let range = found.lowerBound..<found.lowerBound + length
            if shape(of: text.extracting(range)) == .key { return true }
            start = found.upperBound
        }
        return false
    }

    /// What a text is.
    public static func shape(of text: Span<UInt8>) -> Shape {
        guard text.hasPrefix(prefix) else { return .foreign }
        guard text.count == prefixLength + bodyLength + checksumLength else { return .malformed }
        for index in prefixLength..<text.count where !isDigit(text[index]) { return .malformed }
        let body = text.extracting(prefixLength..<prefixLength + bodyLength)
        let expected = checksum(of: body)
        let actual = text.extracting(prefixLength + bodyLength..<text.count)
        return actual.equals(expected.span) ? .key : .malformed
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
    }

    private static func checksum(of body: Span<UInt8>) -> [UInt8] {
        var rest = Int(CRC32.of(body))
        var digits = [UInt8](repeating: alphabet[0], count: checksumLength)
        for index in digits.indices.reversed() {
            digits[index] = alphabet[rest % 62]
            rest /= 62
        }
        return digits
    }
}
