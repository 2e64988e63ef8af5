import Primitives

/// Prompts of sessions: words of a vocabulary, each prompt the beginning of the next one.
struct Prompts {
    private static let wordCount = 4000

    private let bytesMax: Int
    private var texts: [Int: [UInt8]] = [:]
    private let words: [[UInt8]]

    /// Prompts that grow to so many bytes.
    init(bytesMax: Int) {
        self.bytesMax = bytesMax
        var random = RandomSource(seed: 11)
        words = (0..<Self.wordCount).map { _ in
            (0..<2 + Int(random.next() % 9)).map { _ in
                UInt8(ascii: "a") + UInt8(random.next() % 26)
            } + [UInt8(ascii: " ")]
        }
    }

    /// The prompt of a turn.
    mutating func prompt(of session: Int, turn: Int, of turns: Int) -> [UInt8] {
        guard bytesMax > 0 else { return [] }
        let text = texts[session] ?? text(of: session)
        texts[session] = turn + 1 < turns ? text : nil
        return Array(text.prefix(bytesMax * (turn + 1) / turns))
    }

    private func text(of session: Int) -> [UInt8] {
        var random = RandomSource(seed: UInt64(session))
        var text: [UInt8] = []
        while text.count < bytesMax { text += words[Int(random.next() % UInt64(words.count))] }
        return text
    }
}
