import JSON
import Primitives

// DESIGN
//
// A vendor's usage objects differ in their numbers alone, from call to call. To walk over one, to
// name its numbers and to write it anew was a quarter of what reading a plain call took. So the
// last few are kept as templates. What has the same bytes around its numbers is read by comparing
// it, and says what the template said, with numbers of its own. A template is made only of an
// object of which every number became one field, in order, and whatever is odd is read as before.

/// A usage object whose like has been read before.
final class UsageTemplate: Sendable {
    /// The object as it came.
    private let text: NumberedText
    /// The same as it is kept.
    private let kept: NumberedText
    private let isKeptAsItCame: Bool
    private let fields: UsageFields
    /// Whether its fields and its text are all that its like says.
    let isAll: Bool

    /// Bytes of an object at most.
    static let bytesMax = 2048
    private static let depthMax = 8

    /// A template of an object; nil where its like must be read as before.
    ///
    /// `fields` and `kept`: what was read of it, and of nothing else; `isAll`: whether nothing else
    /// is read of it.
    init?(_ text: Span<UInt8>, _ fields: UsageFields, kept: Span<UInt8>, isAll: Bool) {
        guard fields.count > 0, fields.statedNanodollars == nil, text.count <= Self.bytesMax,
            let text = NumberedText(text), let kept = NumberedText(kept),
            text.numbers.count == fields.count, kept.numbers.count == fields.count
        else { return nil }
        for index in 0..<fields.count {
            let number = fields.number(at: index)
            guard text.number(index) == number, kept.number(index) == number
            else { return nil }
        }
        // What was left out, such as a text, may be of meaning to another reader.
        let isWhole = text.withoutSpace == kept.bytes && text.depth <= Self.depthMax
        self.isAll = isAll && isWhole
        self.text = text
        self.kept = kept
        isKeptAsItCame = text.bytes == kept.bytes
        self.fields = fields
    }

    /// How many bytes at the beginning of a text are an object like this one; nil where none are.
    func count(in other: Span<UInt8>) -> Int? {
        guard text.hasPart(before: 0, at: 0, of: other) else { return nil }
        var index = text.before(0).count
        for number in 0..<fields.count {
            let end = NumberedText.endOfDigits(other, from: index)
            guard Self.number(other.extracting(index..<end)) != nil,
                text.hasPart(before: number + 1, at: end, of: other)
            else { return nil }
            index = end + text.before(number + 1).count
        }
        return index
    }

    /// Reads an object that is like this one, and the text to be kept of it; nil, and nothing is
    /// read, where it is not.
    func read(_ other: Span<UInt8>, into result: inout UsageFields) -> String? {
        guard text.hasPart(before: 0, at: 0, of: other) else { return nil }
        var read = fields
        var written = ByteBuffer()
        var index = text.before(0).count
        for number in 0..<fields.count {
            let end = NumberedText.endOfDigits(other, from: index)
            guard let value = Self.number(other.extracting(index..<end)),
                text.hasPart(before: number + 1, at: end, of: other)
            else { return nil }
            read.set(value, at: number)
            if !isKeptAsItCame {
                kept.append(before: number, to: &written)
                written.append(other.extracting(index..<end))
            }
            index = end + text.before(number + 1).count
        }
        guard index == other.count else { return nil }
        result = read
        if isKeptAsItCame { return other.text }
        kept.append(before: fields.count, to: &written)
        return written.bytes.text
    }

    /// The number of some digits; nil where JSON has none like it, or it is no count of tokens.
    private static func number(_ digits: Span<UInt8>) -> Int? {
        guard digits.count <= NumberedText.digitsMax, let number = digits.decimal,
            number <= UsageFields.tokensMax,
            digits.count == 1 || digits[0] != UInt8(ascii: "0")
        else { return nil }
        return number
    }
}
