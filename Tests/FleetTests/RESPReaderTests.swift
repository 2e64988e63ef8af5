import Primitives
import Support
import Testing

@testable import Fleet

@Suite("RESP")
struct RESPReaderTests {
    private static let replies: [(bytes: String, reply: RESPReply)] = [
        (":42\r\n", .integer(42)),
        (":-9007199254740993\r\n", .integer(-9_007_199_254_740_993)),
        ("+OK\r\n", .text(Array("OK".utf8))),
        ("+\r\n", .text([])),
        ("$5\r\na\r\nbc\r\n", .text(Array("a\r\nbc".utf8))),
        ("$0\r\n\r\n", .text([])),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("*0\r\n", .list([])),
        ("-NOSCRIPT No matching script.\r\n", .error("NOSCRIPT No matching script.")),
        (
            "*4\r\n$5\r\nshare\r\n:1\r\n-ERR x\r\n*2\r\n:2\r\n$-1\r\n",
            .list([
                .text(Array("share".utf8)), .integer(1), .error("ERR x"),
                .list([.integer(2), .null]),
            ])
        ),
    ]

    private static func read(_ pieces: [[UInt8]]) throws -> [RESPReader.Outcome] {
        let reader = try #require(RESPReader())
        var outcomes: [RESPReader.Outcome] = []
        for piece in pieces {
            reader.feed(piece.span)
            while true {
                let outcome = reader.next()
                if outcome == .incomplete { break }
                outcomes.append(outcome)
                if case .malformed = outcome { return outcomes }
            }
        }
        return outcomes
    }

    @Test("replies are the same however their bytes are split")
    func splits() throws {
        let all = Self.replies.flatMap { Array($0.bytes.utf8) }
        let expected = Self.replies.map { RESPReader.Outcome.reply($0.reply) }
        for pieces in ByteSplits.all(all) { #expect(try Self.read(pieces) == expected) }
        var random = RandomSource(seed: 7)
        for _ in 0..<50 {
            #expect(try Self.read(ByteSplits.random(all, using: &random)) == expected)
        }
    }

    @Test("a large text is one, and what follows it is not lost")
    func large() throws {
        let text = [UInt8](repeating: 0x61, count: 1 << 20)
        let bytes = Array("$\(text.count)\r\n".utf8) + text + Array("\r\n:1\r\n".utf8)
        var random = RandomSource(seed: 9)
        for pieces in [[bytes], ByteSplits.random(bytes, using: &random)] {
            let outcomes = try Self.read(pieces)
            #expect(outcomes == [.reply(.text(text)), .reply(.integer(1))])
        }
    }

    @Test(
        "what is no reply ends the connection for good",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "%1\r\n+a\r\n:1\r\n", "$abc\r\n", "$-2\r\n",
            ":12x\r\n", "*70000\r\n", "*2147483647\r\n", "?\r\n",
            String(repeating: "*1\r\n", count: 12) + ":1\r\n",
        ])
    func malformed(_ text: String) throws {
        for pieces in ByteSplits.all(Array(text.utf8)) {
            let outcomes = try Self.read(pieces + [Array(":1\r\n".utf8)])
            let isRefused =
                if case .malformed? = outcomes.last { true } else { false }
            #expect(isRefused && outcomes.count == 1, "\(outcomes)")
        }
    }

    @Test("a reply that never ends is not waited for")
    func endless() throws {
        let reader = try #require(RESPReader())
        reader.feed(Array("$2000000000\r\n".utf8).span)
        let piece = [UInt8](repeating: 0x61, count: 1 << 20)
        var pieces = 0
        while reader.next() == .incomplete, pieces < 10 {
            reader.feed(piece.span)
            pieces += 1
        }
        #expect(pieces <= 4)
        reader.feed(Array("\r\n:1\r\n".utf8).span)
        #expect(reader.next() != .reply(.integer(1)))
    }

    @Test("commands are written with the length of each word")
    func commands() {
        var buffer = ByteBuffer()
        RESPCommand(["SET", "a b", "", "\r\nü"]).write(to: &buffer)
        RESPCommand(["PING"]).write(to: &buffer)
        #expect(
            buffer.bytes.text
                == "*4\r\n$3\r\nSET\r\n$3\r\na b\r\n$0\r\n\r\n$4\r\n\r\nü\r\n*1\r\n$4\r\nPING\r\n")
    }
}
