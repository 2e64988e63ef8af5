import Primitives

/// Where the texts of a Responses answer begin, for what is said of their characters.
///
/// Its citations count from the beginning of a part of an item; a chat answer has one text of all.
/// Nothing is counted before the first citation or the second part, and nothing twice.
struct TextPositions {
    private struct Text {
        /// The part that the last piece belongs to.
        var part = 0
        /// How many characters stand before each part but the first.
        var starts: [Int: Int] = [:]
        /// How much of the text is counted.
        var counted = (bytes: 0, characters: 0)
        /// The text's index among the others.
        let slot: Int

        mutating func count(_ text: [UInt8]) -> Int {
            let rest = EscapedText(inner: text.dropFirst(counted.bytes))
            counted.characters += rest.plain.unicodeScalars.count
            counted.bytes = text.count
            return counted.characters
        }
    }

    private var texts: [Int: Text] = [:]
    /// The items' indexes, in the order in which they began.
    private var order: [Int] = []
    /// How many characters stand before each of those, as far as it was asked for.
    private var starts = [0]

    /// Takes an item that begins to have text.
    mutating func begin(_ index: Int) {
        guard texts[index] == nil else { return }
        texts[index] = Text(slot: order.count)
        order.append(index)
    }

    /// Takes the part that an item's next piece belongs to, behind what it has.
    mutating func begin(part: Int, of index: Int, behind text: [UInt8]) {
        guard texts[index].map({ $0.part != part }) ?? (part != 0) else { return }
        begin(index)
        texts[index]?.part = part
        guard texts[index]?.starts[part] == nil, let start = texts[index]?.count(text) else {
            return
        }
        texts[index]?.starts[part] = start
    }

    /// Counts a citation of a part from its item's beginning, and says how much stands before that.
    mutating func locate(
        _ citation: inout Citation, part: Int, of index: Int, _ text: (Int) -> [UInt8]
    ) {
        guard let item = texts[index] else { return }
        let start = item.starts[part] ?? 0
        citation.range = citation.range.map { $0.lowerBound + start..<$0.upperBound + start }
        while starts.count <= item.slot {
            let last = starts.count - 1
            let count = texts[order[last]]?.count(text(order[last])) ?? 0
            starts.append(starts[last] + count)
        }
        citation.before = starts[item.slot]
    }
}
