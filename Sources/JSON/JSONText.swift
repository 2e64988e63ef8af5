public import Primitives

/// Strings of JSON, to and from text.
public enum JSONText {
    /// The text that the inside of a JSON string stands for; surrogates without a partner and
    /// invalid UTF-8 become the replacement character.
    public static func unescape(_ inner: Span<UInt8>) -> String {
        guard inner.firstIndex(of: UInt8(ascii: "\\")) != nil else { return inner.text }
        var units: [UInt8] = []
        units.reserveCapacity(inner.count)
        var index = 0
        while index < inner.count {
            let byte = inner[index]
            guard byte == UInt8(ascii: "\\"), index + 1 < inner.count else {
                units.append(byte)
                index += 1
                continue
            }
            let escape = inner[index + 1]
            index += 2
            switch escape {
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "u"):
                units.append(contentsOf: Array(String(scalar(inner, &index)).utf8))
            default: units.append(escape)
            }
        }
        return String(decoding: units, as: UTF8.self)
    }

    private static func scalar(_ inner: Span<UInt8>, _ index: inout Int) -> Character {
        let first = unit(inner, index)
        index += 4
        if 0xD800...0xDBFF ~= first, index + 6 <= inner.count,
            inner[index] == UInt8(ascii: "\\"), inner[index + 1] == UInt8(ascii: "u")
        {
            let second = unit(inner, index + 2)
            if 0xDC00...0xDFFF ~= second {
                index += 6
                let value = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
                return Unicode.Scalar(value).map(Character.init) ?? "\u{FFFD}"
            }
        }
        return Unicode.Scalar(first).map(Character.init) ?? "\u{FFFD}"
    }

    private static func unit(_ inner: Span<UInt8>, _ start: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in start..<min(start + 4, inner.count) {
            value = value << 4 | (UInt32(inner[index].hexadecimalDigit ?? 0))
        }
        return value
    }

    /// Appends a text as a JSON string, quotes included.
    public static func append(_ text: String, to buffer: inout ByteBuffer) {
        buffer.append(byte: UInt8(ascii: "\""))
        let start = buffer.count
        buffer.append(text: text)
        let plain = buffer.bytes(start..<buffer.count).firstIndex(
            below: 0x20, or: UInt8(ascii: "\""), or: UInt8(ascii: "\\"))
        // Most texts need no escape, and stand there as they are.
        if start + plain < buffer.count {
            buffer.truncate(to: start)
            escape(text, to: &buffer)
        }
        buffer.append(byte: UInt8(ascii: "\""))
    }

    private static func escape(_ text: String, to buffer: inout ByteBuffer) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): buffer.append("\\\"")
            case UInt8(ascii: "\\"): buffer.append("\\\\")
            case 0x0A: buffer.append("\\n")
            case 0x0D: buffer.append("\\r")
            case 0x09: buffer.append("\\t")
            case 0..<0x20:
                buffer.append("\\u00")
                for digit in [byte >> 4, byte & 15] {
                    buffer.append(byte: digit < 10 ? 48 + digit : 87 + digit)
                }
            default: buffer.append(byte: byte)
            }
        }
    }

    /// A text as a JSON string, quotes included.
    public static func quote(_ text: String) -> String {
        var buffer = ByteBuffer()
        append(text, to: &buffer)
        return buffer.bytes.text
    }
}
