import Primitives

/// A pattern in which `*` stands for any run of bytes, slashes included, and `?` for any one byte.
public struct Glob: Sendable {
    private let pattern: [UInt8]

    /// A pattern from its text.
    public init(_ text: String) {
        pattern = Array(text.utf8)
    }

    /// Whether everything matches.
    var matchesAll: Bool { pattern == [UInt8(ascii: "*")] }

    /// Whether it names nothing in particular: every path, or every text.
    var isCatchAll: Bool { matchesAll || pattern == Array("/*".utf8) }

    /// Whether a text is one of those that the pattern stands for.
    public func matches(_ bytes: Span<UInt8>) -> Bool {
        var position = 0
        var index = 0
        // Where to go on when the run a star stands for must be one longer: no recursion, and no
        // exponential patterns.
        var star: (position: Int, index: Int)?
        while index < bytes.count {
            if position < pattern.count, pattern[position] == UInt8(ascii: "*") {
                star = (position, index)
                position += 1
            } else if position < pattern.count,
                pattern[position] == bytes[index] || pattern[position] == UInt8(ascii: "?")
            {
                position += 1
                index += 1
            } else if let last = star {
                position = last.position + 1
                index = last.index + 1
                star = (last.position, index)
            } else {
                return false
            }
        }
        while position < pattern.count, pattern[position] == UInt8(ascii: "*") { position += 1 }
        return position == pattern.count
    }
}
