import Primitives

/// SHA-256 of a key: the form in which a gateway knows keys.
public struct KeyDigest: Hashable, Sendable {
    private let words: InlineArray<4, UInt64>

    /// A digest of its 32 bytes; nil for any other number of them.
    public init?(_ bytes: Span<UInt8>) {
        guard bytes.count == 32 else { return nil }
        words = InlineArray { word in
            (0..<8).reduce(0) { $0 << 8 | UInt64(bytes[word * 8 + $1]) }
        }
    }

    /// A digest of its 64 hexadecimal digits; nil for anything else.
    public init?(hexadecimal text: String) {
        let digits = text.utf8.compactMap(\.hexadecimalDigit)
        guard digits.count == 64, text.utf8.count == 64 else { return nil }
        let bytes = (0..<32).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
        self.init(bytes.span)
    }

    /// Its beginning, by which records know a key without a name.
    public var short: UInt64 { words[0] }

    /// The digest in 64 lower-case hexadecimal digits.
    var hexadecimal: String {
        words.indices.map { index in
            let text = String(words[index], radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
    }

    /// Whether two digests are the same, in the same time wherever they differ.
    public static func == (left: KeyDigest, right: KeyDigest) -> Bool {
        var difference: UInt64 = 0
        for index in left.words.indices { difference |= left.words[index] ^ right.words[index] }
        return difference == 0
    }

    /// Adds a part of it to a hash: any part of a digest is as good as all of it.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words[0])
    }
}
