import JSON
import Primitives

/// A text as it stands inside of a JSON string, its escapes kept.
///
/// All dialects spell strings in the same way, so that a text is copied from one to another.
struct EscapedText: Equatable, Sendable {
    /// The bytes between the quotes.
    var inner: ArraySlice<UInt8>

    /// A text between quotes of a body.
    init(inner: ArraySlice<UInt8>) {
        self.inner = inner
    }

    /// A text that is spelled without escapes so far.
    init(_ plain: String) {
        self.init(bytes: Array(plain.utf8)[...])
    }

    /// A text of bytes without escapes.
    init(bytes: ArraySlice<UInt8>) {
        let isPlain =
            bytes.span.firstIndex(
                below: 0x20, or: UInt8(ascii: "\""), or: UInt8(ascii: "\\")) == bytes.count
        inner = isPlain ? bytes : Self.escape(bytes)[...]
    }

    static let empty = EscapedText(inner: [])
    /// What stands between texts that were apart in another dialect.
    static let blankLine = EscapedText("\n\n")

    var isEmpty: Bool { inner.isEmpty }

    /// The text with its escapes resolved.
    var plain: String { JSONText.unescape(inner.span) }

    /// The text's bytes with its escapes resolved.
    var unescaped: ArraySlice<UInt8> {
        let text = inner.span
        guard text.firstIndex(of: UInt8(ascii: "\\")) != nil else { return inner }
        var plain = ByteBuffer()
        JSONText.appendUnescaped(text, to: &plain)
        return Array(plain.bytes)[...]
    }

    /// Whether the text begins with a literal that needs no escape.
    func hasPrefix(_ literal: StaticString) -> Bool {
        inner.span.hasPrefix(literal)
    }

    /// Whether the text may spell an object, as its first byte that is no space says.
    var mayBeObject: Bool {
        var index = inner.startIndex
        while index < inner.endIndex {
            switch inner[index] {
            case UInt8(ascii: "{"): return true
            case 0x20: index += 1
            case UInt8(ascii: "\\"):
                guard index + 1 < inner.endIndex else { return false }
                let escape = inner[index + 1]
                // A brace may be spelled as a number, which few clients do.
                if escape == UInt8(ascii: "u") { return true }
                guard [UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t")].contains(escape)
                else { return false }
                index += 2
            default: return false
            }
        }
        return false
    }

    /// The text, the text, and the blank line between them.
    static func joined(_ texts: [EscapedText], by separator: EscapedText = .blankLine)
        -> EscapedText
    {
        guard texts.count > 1 else { return texts.first ?? .empty }
        var inner: [UInt8] = []
        for (index, text) in texts.enumerated() {
            if index > 0 { inner.append(contentsOf: separator.inner) }
            inner.append(contentsOf: text.inner)
        }
        return EscapedText(inner: inner[...])
    }

    /// Whether the text is nothing but white space.
    var isBlank: Bool {
        var index = inner.startIndex
        while index < inner.endIndex {
            let byte = inner[index]
            if byte == 0x20 {
                index += 1
            } else if byte == UInt8(ascii: "\\"), index + 1 < inner.endIndex,
                [UInt8(ascii: "n"), UInt8(ascii: "t"), UInt8(ascii: "r")].contains(inner[index + 1])
            {
                index += 2
            } else if byte < 0x80, byte != UInt8(ascii: "\\") {
                return false
            } else {
                // Few texts begin with another letter that may be a space.
                let rest = EscapedText(inner: inner[index...]).plain
                return rest.unicodeScalars.allSatisfy(\.properties.isWhitespace)
            }
        }
        return true
    }

    /// The text without white space at its end.
    var trimmedAtEnd: EscapedText {
        var end = inner.endIndex
        while end > inner.startIndex {
            let last = inner[end - 1]
            if last == 0x20 {
                end -= 1
                continue
            }
            let isEscape =
                [UInt8(ascii: "n"), UInt8(ascii: "t"), UInt8(ascii: "r")].contains(last)
                && Self.backslashes(before: end - 1, in: inner) % 2 == 1
            guard isEscape else { break }
            end -= 2
        }
        return EscapedText(inner: inner[inner.startIndex..<end])
    }

    private static func backslashes(before end: Int, in bytes: ArraySlice<UInt8>) -> Int {
        var index = end
        while index > bytes.startIndex, bytes[index - 1] == UInt8(ascii: "\\") { index -= 1 }
        return end - index
    }

    private static func escape(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var output = ByteBuffer(capacity: bytes.count + bytes.count / 8)
        JSONText.appendEscaped(bytes.span, to: &output)
        return Array(output.bytes)
    }
}
