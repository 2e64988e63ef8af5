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
        guard inner.contains(UInt8(ascii: "\\")) else { return inner }
        return Array(plain.utf8)[...]
    }

    /// Whether the text begins with a literal that needs no escape.
    func hasPrefix(_ literal: StaticString) -> Bool {
        inner.span.hasPrefix(literal)
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
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + bytes.count / 8)
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): output.append(contentsOf: [0x5C, 0x22])
            case UInt8(ascii: "\\"): output.append(contentsOf: [0x5C, 0x5C])
            case 0x0A: output.append(contentsOf: [0x5C, UInt8(ascii: "n")])
            case 0x0D: output.append(contentsOf: [0x5C, UInt8(ascii: "r")])
            case 0x09: output.append(contentsOf: [0x5C, UInt8(ascii: "t")])
            case 0..<0x20:
                output.append(contentsOf: "\\u00".utf8)
                for digit in [byte >> 4, byte & 15] {
                    output.append(digit < 10 ? 48 + digit : 87 + digit)
                }
            default: output.append(byte)
            }
        }
        return output
    }
}
