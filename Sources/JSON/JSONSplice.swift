public import Primitives

/// Changes one value of a JSON text and leaves every other byte as it was.
public enum JSONSplice {
    /// Writes a text with the value of a member of its top-level object replaced by a string.
    ///
    /// The last one is replaced where the name is repeated, as most parsers have it. Returns false,
    /// and writes nothing, when the text is no object or has no such member.
    public static func replace(
        _ name: StaticString, in text: Span<UInt8>, with value: String,
        to output: inout ByteBuffer
    ) -> Bool {
        guard let range = try? JSONScanner.member(name, of: text) else {
            return false
        }
        output.reserve(text.count + value.utf8.count + 2)
        output.append(text.extracting(0..<range.lowerBound))
        JSONText.append(value, to: &output)
        output.append(text.extracting(range.upperBound..<text.count))
        return true
    }
}
