import Primitives
import Testing

@Suite("Patterns")
struct PatternTests {
    private static func replace(_ pattern: String, _ text: String) throws -> String {
        var output = ByteBuffer()
        var steps = Int.max
        _ = try Pattern(pattern).replace(
            in: Array(text.utf8).span, with: "#", steps: &steps, to: &output)
        return output.bytes.text
    }

    @Test("replace every match, in bytes of any kind")
    func replace() throws {
        #expect(try Self.replace("sk-[a-z0-9]{3,}", "a sk-abc1, sk-a sk-zzz") == "a #, sk-a #")
        #expect(try Self.replace("[0-9]+", "1a22b333") == "#a#b#")
        #expect(try Self.replace("a|bc", "xabcx") == "x##x")
        #expect(try Self.replace("a", "x\0a\0a") == "x\0#\0#")
        #expect(try Self.replace("none", "") == "")
        #expect(try Self.replace("(ab|a)(c|bcd)", "xabcdx") == "x#x")
        #expect(try Self.replace("a{2,3}", "a aa aaa aaaa aaaaa") == "a # # #a ##")
        #expect(try Self.replace("a{2,}b{0}c?", "aaaac") == "#")
        #expect(try Self.replace("[^a-c]x|[]-]", "axdx]-") == "ax###")
        #expect(try Self.replace(#"\d+\.\w\s"#, "12.a 3.b") == "#3.b")
        #expect(try Self.replace("x(a|b)*y", "xabbay xy xcy") == "# # xcy")
        let bytes: [UInt8] = [0xFF, 0x61, 0xC3, 0x28]
        #expect(try Pattern("a").firstMatch(in: bytes.span) == 1..<2)
    }

    @Test("agree with a matcher that tries everything")
    func oracle() throws {
        var random = RandomSource(seed: 12)
        var count = 0
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                UInt8.random(in: 0x61...0x63, using: &random)
            }
            let expression = Expression.random(3, &random)
            guard let pattern = try? Pattern(expression.text) else { continue }
            count += 1
            var expected: Range<Int>?
            for start in text.indices where expected == nil {
                let ends = expression.ends(text, start).filter { $0 > start }
                if let end = ends.max() { expected = start..<end }
            }
            #expect(pattern.firstMatch(in: text.span) == expected, "\(expression.text) \(text)")
        }
        // Refused are those that match the empty text.
        #expect(count > 1000, "too many expressions were refused")
    }

    @Test("take time in proportion to the text")
    func linear() throws {
        // What other matchers need hours for.
        let text = [UInt8](repeating: 0x61, count: 1 << 20)
        #expect(try Pattern("([a-z]+)@([a-z]+)").firstMatch(in: text.span) == nil)
        #expect(try Pattern("(a*)*b").firstMatch(in: text.span) == nil)
    }

    @Test(
        "count their steps, and give up beyond them",
        arguments: [
            ("secret(.*end)?", "secret", true), ("a(.*b|)", "a", true), ("(a|b.*c)", "ab", true),
            ("secret", "secret", false), ("sk-[a-z]{2,}", "sk-ab ", false),
            ("([a-z]+)@([a-z]+)", "abcdef ", false), ("[0-9]+", "12 ", false),
        ])
    func steps(_ expression: String, _ piece: String, isSquare: Bool) throws {
        func used(_ bytes: Int) throws -> Int {
            let text = Array(String(repeating: piece, count: bytes / piece.utf8.count).utf8)
            var output = ByteBuffer()
            var steps = 1 << 40
            #expect(
                try Pattern(expression).replace(
                    in: text.span, with: "#", steps: &steps, to: &output) != nil)
            return (1 << 40) - steps
        }
        let (small, large) = (try used(512), try used(4096))
        #expect(isSquare ? large > 20 * small : large < 10 * small)
        // With fewer there is no result, and no more are taken than were given, but for a byte's.
        let text = Array(String(repeating: piece, count: 64 << 10).utf8)
        var output = ByteBuffer()
        var steps = 10_000
        #expect(
            try Pattern(expression).replace(in: text.span, with: "#", steps: &steps, to: &output)
                == nil)
        #expect(steps == 0)
    }

    @Test("say where a limit has moved to, and show no part of a match beyond it")
    func limits() throws {
        let pattern = try Pattern("k[0-9]+")
        let text = Array("ab k123 cd k45 ef".utf8)
        for limit in 0...text.count {
            var output = ByteBuffer()
            var steps = Int.max
            let moved = try #require(
                pattern.replace(
                    in: text.span, with: "#", limit: limit, steps: &steps, to: &output))
            let shown = output.bytes(0..<moved).text
            #expect(!shown.contains("k") && !shown.contains("1") && !shown.contains("4"))
            #expect("ab # cd # ef".hasPrefix(shown))
            let whole = pattern.firstMatch(in: text.span.extracting(0..<limit)) == nil
            if limit <= 3, whole { #expect(shown.utf8.count == limit) }
        }
    }

    @Test(
        "say what is wrong with them",
        arguments: [
            "", "[", "(", ")", "a{2,1}", "(a)\\1", "a*", "x?", "*a", "a{2000}", "(a{99}){99}", "^a",
            "a$",
            "\\q", "[[:alpha:]]", "[z-a]", "a{1", "(?:a)", "\\",
        ])
    func faults(_ text: String) {
        #expect(Pattern.fault(text) != nil)
    }

    @Test(
        "that are right have no fault",
        arguments: ["a", "\\.", "a+", "(a|b)c", "\\\\1", "sk-[A-Za-z0-9_-]{20,}"])
    func right(_ text: String) {
        #expect(Pattern.fault(text) == nil)
    }
}

/// An expression that is matched by trying everything: slow, and plainly right.
private indirect enum Expression {
    case byte(UInt8), any
    case sequence(Expression, Expression)
    case either(Expression, Expression)
    case star(Expression), plus(Expression), maybe(Expression)

    static func random(_ depth: Int, _ random: inout RandomSource) -> Expression {
        guard depth > 0 else {
            return Bool.random(using: &random)
                ? .any : .byte(UInt8.random(in: 0x61...0x63, using: &random))
        }
        func part() -> Expression { .random(depth - 1, &random) }
        switch Int.random(in: 0..<7, using: &random) {
        case 0: return .random(0, &random)
        case 1, 2: return .sequence(part(), part())
        case 3: return .either(part(), part())
        case 4: return .star(part())
        case 5: return .plus(part())
        default: return .maybe(part())
        }
    }

    var text: String {
        switch self {
        case .byte(let byte): String(UnicodeScalar(byte))
        case .any: "."
        case .sequence(let one, let other): "(\(one.text))(\(other.text))"
        case .either(let one, let other): "(\(one.text)|\(other.text))"
        case .star(let part): "(\(part.text))*"
        case .plus(let part): "(\(part.text))+"
        case .maybe(let part): "(\(part.text))?"
        }
    }

    /// Where matches that begin at an offset can end.
    func ends(_ text: [UInt8], _ start: Int) -> Set<Int> {
        switch self {
        case .byte(let byte):
            return start < text.count && text[start] == byte ? [start + 1] : []
        case .any:
            return start < text.count ? [start + 1] : []
        case .sequence(let one, let other):
            return Set(one.ends(text, start).flatMap { other.ends(text, $0) })
        case .either(let one, let other):
            return one.ends(text, start).union(other.ends(text, start))
        case .maybe(let part):
            return part.ends(text, start).union([start])
        case .plus(let part):
            return Set(part.ends(text, start).flatMap { Expression.star(part).ends(text, $0) })
        case .star(let part):
            var all: Set<Int> = [start]
            var fresh = all
            while !fresh.isEmpty {
                fresh = Set(fresh.flatMap { part.ends(text, $0) }).subtracting(all)
                all.formUnion(fresh)
            }
            return all
        }
    }
}
