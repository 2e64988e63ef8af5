import JSON
import Primitives

extension RawJSON {
    /// The text without space between its parts.
    var compact: [UInt8] {
        var output = ByteBuffer(capacity: bytes.count)
        writeCompact(isQuoted: false, to: &output)
        return Array(output.bytes)
    }

    /// The text without space between its parts, as the inside of a JSON string.
    ///
    /// OpenAI's dialects have the arguments of a call so.
    var quoted: EscapedText {
        var output = ByteBuffer(capacity: bytes.count + bytes.count / 8)
        writeCompact(isQuoted: true, to: &output)
        return EscapedText(inner: Array(output.bytes)[...])
    }

    /// A call's arguments where a dialect has them as a text: some clients and servers write the
    /// value itself, and mean its text.
    var spokenArguments: EscapedText? {
        text ?? (isNull ? nil : quoted)
    }

    private func writeCompact(isQuoted: Bool, to output: inout ByteBuffer) {
        let text = bytes.span
        var index = 0
        while index < text.count {
            let byte = text[index]
            guard byte == UInt8(ascii: "\"") else {
                if byte > 0x20 { output.append(byte: byte) }
                index += 1
                continue
            }
            // A string goes over in the pieces between its escapes.
            let end = Self.stringEnd(text, index)
            if isQuoted {
                JSONText.appendEscaped(text.extracting(index..<end), to: &output)
            } else {
                output.append(text.extracting(index..<end))
            }
            index = end
        }
    }

    /// Where a string ends that begins at an index.
    private static func stringEnd(_ text: Span<UInt8>, _ start: Int) -> Int {
        var index = start + 1
        while index < text.count {
            index = text.firstIndex(
                below: 0, or: UInt8(ascii: "\""), or: UInt8(ascii: "\\"), from: index)
            guard index < text.count, text[index] == UInt8(ascii: "\\") else { break }
            index += 2
        }
        return min(index + 1, text.count)
    }
}
