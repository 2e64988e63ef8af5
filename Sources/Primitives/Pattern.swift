/// An extended regular expression that is looked for in bytes.
///
/// The first match is found in time and memory in proportion to the text, whatever the text is and
/// whatever the expression: all ways it could match are followed side by side, each state once a
/// byte. To find all matches may take the square of that, so that steps are counted. It knows what
/// POSIX's extended expressions know, but for references back to a group and names of character
/// classes: `. [] [^] * + ? {m,n} | ()` and `\` before what is meant as itself; `\d \w \s`
/// besides. The match is the leftmost, and among those the longest.
public struct Pattern: Sendable {
    /// Why a text is no pattern.
    public struct Unusable: Error, CustomStringConvertible {
        /// The fault in words.
        public let description: String
    }

    /// One step of a way.
    enum Instruction: Sendable {
        /// A byte of a set, then the next instruction.
        case bytes(ByteSet)
        /// Both of two instructions.
        case split(Int, Int)
        case jump(Int)
        case match
    }

    /// Instructions of an expression at most: `a{1000}{1000}` is refused, not compiled.
    static let instructionsMax = 4000

    let program: [Instruction]
    /// The bytes that a match can begin with.
    let first: ByteSet

    /// Compiles an expression.
    public init(_ text: String) throws(Unusable) {
        var compiler = PatternCompiler(Array(text.utf8))
        program = try compiler.compile()
        var first = ByteSet()
        var seen = [Bool](repeating: false, count: program.count)
        guard !Self.gather(0, program, &seen, &first) else {
            throw Unusable(description: "it matches the empty text")
        }
        self.first = first
    }

    /// What is wrong with a text as a pattern; nil where it is one.
    public static func fault(_ text: String) -> String? {
        do throws(Unusable) {
            _ = try Pattern(text)
            return nil
        } catch {
            return error.description
        }
    }

    /// The bytes that lead on from an instruction; true where the end is reached without any.
    private static func gather(
        _ index: Int, _ program: [Instruction], _ seen: inout [Bool], _ set: inout ByteSet
    ) -> Bool {
        guard !seen[index] else { return false }
        seen[index] = true
        switch program[index] {
        case .bytes(let bytes):
            set.formUnion(bytes)
            return false
        case .split(let one, let other):
            let isEmpty = gather(one, program, &seen, &set)
            return gather(other, program, &seen, &set) || isEmpty
        case .jump(let next): return gather(next, program, &seen, &set)
        case .match: return true
        }
    }
}

/// A set of bytes.
struct ByteSet: Sendable, Equatable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init() {}

    init(_ range: ClosedRange<UInt8>) {
        for byte in range { insert(byte) }
    }

    static func == (left: ByteSet, right: ByteSet) -> Bool { left.words == right.words }

    func contains(_ byte: UInt8) -> Bool {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: return words.0 & bit != 0
        case 1: return words.1 & bit != 0
        case 2: return words.2 & bit != 0
        default: return words.3 & bit != 0
        }
    }

    mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    mutating func formUnion(_ other: ByteSet) {
        words.0 |= other.words.0
        words.1 |= other.words.1
        words.2 |= other.words.2
        words.3 |= other.words.3
    }

    /// All other bytes.
    var inverted: ByteSet {
        var result = ByteSet()
        result.words = (~words.0, ~words.1, ~words.2, ~words.3)
        return result
    }
}
