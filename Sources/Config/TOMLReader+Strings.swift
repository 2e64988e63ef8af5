extension TOMLReader {
    /// Whether three of the quotes that stand here stand here.
    var isLongQuote: Bool {
        let bytes = source.bytes
        return offset + 2 < bytes.count && bytes[offset] == bytes[offset + 1]
            && bytes[offset] == bytes[offset + 2]
    }

    /// Reads text in quotes, of any of the four kinds.
    mutating func readText() throws(TOMLFault) -> [UInt8] {
        let bytes = source.bytes
        let location = here
        let quote = bytes[offset]
        let isLong = isLongQuote
        offset += isLong ? 3 : 1
        // A line end right behind the quotes is no part of the text.
        if isLong { skipLineEnd() }
        var text: [UInt8] = []
        var start = offset
        while let byte = peek {
            switch byte {
            case quote:
                let count = isLong ? quotes(quote) : 3
                guard count >= 3 else {
                    offset += count
                    continue
                }
                // One or two right before the end are a part of the text.
                text += bytes[start..<offset + count - 3]
                offset += isLong ? count : 1
                return text
            case UInt8(ascii: "\\") where quote == UInt8(ascii: "\""):
                text += bytes[start..<offset]
                if !isLong || !skipEscapedLineEnd() { text += try readEscape() }
                start = offset
            case 0x0A where !isLong, 0x0D where !isLong:
                throw TOMLFault(
                    location: location,
                    message: "the text that begins here has no quote at its end on this line; "
                        + "text of several lines stands in three quotes")
            case 0x0D:
                // A line end is the same in every file.
                text += bytes[start..<offset]
                offset += 1
                start = offset
            default: offset += 1
            }
        }
        throw TOMLFault(
            location: location,
            message: isLong
                ? "the text that begins here has no three quotes at its end"
                : "the text that begins here has no quote at its end")
    }

    /// How many quotes stand here, five at most: two of the text and three that end it.
    private func quotes(_ quote: UInt8) -> Int {
        source.bytes[offset...].prefix(5).prefix { $0 == quote }.count
    }

    private mutating func skipLineEnd() {
        if peek == 0x0D { offset += 1 }
        if peek == 0x0A { offset += 1 }
    }

    /// Skips a backslash at the end of a line, and all space up to the next text; false where the
    /// backslash is none of these.
    private mutating func skipEscapedLineEnd() -> Bool {
        let backslash = offset
        offset += 1
        skipSpace()
        guard peek == 0x0A || peek == 0x0D else {
            offset = backslash
            return false
        }
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            offset += 1
        }
        return true
    }

    /// Reads what begins with a backslash.
    private mutating func readEscape() throws(TOMLFault) -> [UInt8] {
        let location = here
        offset += 1
        let byte = peek
        if byte == UInt8(ascii: "u") { return try readScalar(digits: 4, at: location) }
        if byte == UInt8(ascii: "U") { return try readScalar(digits: 8, at: location) }
        let meanings: [(UInt8, UInt8)] = [
            (UInt8(ascii: "b"), 0x08), (UInt8(ascii: "t"), 0x09), (UInt8(ascii: "n"), 0x0A),
            (UInt8(ascii: "f"), 0x0C), (UInt8(ascii: "r"), 0x0D), (UInt8(ascii: "\""), 0x22),
            (UInt8(ascii: "\\"), 0x5C),
        ]
        guard let meaning = meanings.first(where: { $0.0 == byte }) else {
            throw TOMLFault(
                location: location,
                message: "the backslash before \(shown) is no escape; allowed: \\b \\t \\n \\f \\r "
                    + "\\\" \\\\ \\u \\U; in single quotes it stands for itself")
        }
        offset += 1
        return [meaning.1]
    }

    private mutating func readScalar(
        digits count: Int, at location: SourceLocation
    ) throws(TOMLFault) -> [UInt8] {
        offset += 1
        var code: UInt32 = 0
        for _ in 0..<count {
            guard let digit = peek.flatMap({ TOMLScalar.digit($0, radix: 16) }) else {
                throw TOMLFault(
                    location: location,
                    message: "\(count) hexadecimal digits are needed after "
                        + (count == 4 ? "\\u" : "\\U"))
            }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw TOMLFault(
                location: location,
                message: 0xD800...0xDFFF ~= code
                    ? "half of a surrogate pair is no character; \\U with 8 digits is a whole one"
                    : "no character has this number; the last is \\U0010FFFF")
        }
        return Array(String(scalar).utf8)
    }
}
