public import Primitives

/// Strings of JSON, to and from text.
public enum JSONText {
    /// The text that the inside of a JSON string stands for; surrogates without a partner and
    /// invalid UTF-8 become the replacement character.
    public static func unescape(_ inner: Span<UInt8>) -> String {
        guard inner.firstIndex(of: UInt8(ascii: "\\")) != nil else { return inner.text }
        var plain = ByteBuffer(capacity: inner.count)
        appendUnescaped(inner, to: &plain)
        return plain.bytes.text
    }

    /// Appends the bytes that the inside of a JSON string stands for.
    ///
    /// Those that need no escape stay as they are, though they be no UTF-8.
    public static func appendUnescaped(_ inner: Span<UInt8>, to buffer: inout ByteBuffer) {
        buffer.reserve(inner.count)
        var index = 0
        while index < inner.count {
            // What lies between two escapes goes over at once.
            let next = inner.firstIndex(of: UInt8(ascii: "\\"), from: index) ?? inner.count
            buffer.append(inner.extracting(index..<next))
            index = next
            guard index < inner.count else { return }
            guard index + 1 < inner.count else { return buffer.append(byte: inner[index]) }
            let escape = inner[index + 1]
            index += 2
            switch escape {
            case UInt8(ascii: "b"): buffer.append(byte: 0x08)
            case UInt8(ascii: "f"): buffer.append(byte: 0x0C)
            case UInt8(ascii: "n"): buffer.append(byte: 0x0A)
            case UInt8(ascii: "r"): buffer.append(byte: 0x0D)
            case UInt8(ascii: "t"): buffer.append(byte: 0x09)
            case UInt8(ascii: "u"): buffer.append(text: String(scalar(inner, &index)))
            default: buffer.append(byte: escape)
            }
        }
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
            appendEscaped(text.utf8.span, to: &buffer)
        }
        buffer.append(byte: UInt8(ascii: "\""))
    }

    /// Appends a text as the inside of a JSON string.
    public static func appendEscaped(_ text: Span<UInt8>, to buffer: inout ByteBuffer) {
        buffer.reserve(text.count)
        var index = 0
        while index < text.count {
            // What lies between two escapes goes over at once.
            let next = text.firstIndex(
                below: 0x20, or: UInt8(ascii: "\""), or: UInt8(ascii: "\\"), from: index)
            buffer.append(text.extracting(index..<next))
            guard next < text.count else { return }
            let byte = text[next]
            index = next + 1
            switch byte {
            case UInt8(ascii: "\""): buffer.append("\\\"")
            case UInt8(ascii: "\\"): buffer.append("\\\\")
            case 0x0A: buffer.append("\\n")
            case 0x0D: buffer.append("\\r")
            case 0x09: buffer.append("\\t")
            default:
                buffer.append("\\u00")
                for digit in [byte >> 4, byte & 15] {
                    buffer.append(byte: digit < 10 ? 48 + digit : 87 + digit)
                }
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
