import JSON
import Primitives
import Support
import Testing

@testable import Dialects

@Suite("Sieves of answers")
struct AnswerSieveTests {
    /// What is lent of a text that comes in pieces.
    private static func values(_ pieces: [[UInt8]], bytesMax: Int = 1 << 20) -> [String] {
        var sieve = AnswerSieve(dialect: .openai, bytesMax: bytesMax)
        var values: [String] = []
        for piece in pieces { sieve.take(piece.span) { values.append($0.text) } }
        return values
    }

    private static let cases: [(text: String, values: [String])] = [
        (#"{"model":"m"}"#, [#"{"model":"m"}"#]),
        (
            #" { "a" : [ 1 , {"b":true} , "x" , [2] ] , "c" : -1.5e3 } "#,
            [#"{"a":[{"b":true}],"c":-1.5e3}"#]
        ),
        (
            #"{"content":[{"usage":{"a":1}}],"usage":{"b":2},"embedding":[1,2]}"#,
            [#"{"usage":{"b":2}}"#]
        ),
        (#"{"data":"}\"]","text":5,"e":null}"#, [#"{"text":5,"e":null}"#]),
        (#"[{"a":1},2,{"b":"\\\""}]"#, [#"{"a":1}"#, #"{"b":"\\\""}"#]),
        ("{\"a\":1}\n{\"b\":2}\r\n{}", [#"{"a":1}"#, #"{"b":2}"#, "{}"]),
        ("\u{FEFF}{\"a\":\"é\"}", [#"{"a":"é"}"#]),
        ("data: {\"a\":1}", []), ("\"a\"{\"a\":1}", []), ("{\"a\":1", []), ("", []), ("]{}", []),
        ("{\"a\":[}", []), ("<html>{\"a\":1}", []),
    ]

    @Test("leave out what was said, and keep the rest, however it is cut")
    func truth() {
        for (text, values) in Self.cases {
            for pieces in ByteSplits.all(Array(text.utf8)) {
                #expect(Self.values(pieces) == values, "\(text)")
            }
        }
    }

    @Test("what is lent of an answer parses to what the answer itself does")
    func sameAsParsed() throws {
        for sample in AnswerSample.all where !sample.isStream {
            for dialect in Dialect.allCases {
                guard let whole = dialect.parse(sample.body.span) else { continue }
                var sieve = AnswerSieve(dialect: dialect, bytesMax: 1 << 20)
                var found: [JSONValue] = []
                sieve.take(sample.body.span) {
                    if let value = dialect.parse($0) { found.append(value) }
                }
                let wanted = whole.elements ?? [whole]
                #expect(found.map { $0["usage"] } == wanted.map { $0["usage"] }, "\(sample)")
                #expect(found.map { $0["model"] } == wanted.map { $0["model"] }, "\(sample)")
            }
        }
    }

    @Test("keep no more than there is room for")
    func room() {
        let many = "{" + (0..<100).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"
        var sieve = AnswerSieve(dialect: .openai, bytesMax: 100)
        var count = 0
        sieve.take(Array(many.utf8).span) { _ in count += 1 }
        let isOverflown = sieve.isOverflown
        #expect(isOverflown && count == 0)
        let long = String(repeating: "9", count: 70_000)
        for text in [
            "{\"a\":\"\(long)\",\"b\":1}", "{\"a\":\(long),\"b\":1}", "{\"\(long)\":1,\"b\":1}",
        ] {
            #expect(Self.values([Array(text.utf8)]) == [#"{"b":1}"#])
        }
    }

    @Test("distinguish a whole answer from one that was cut, and from a list")
    func ends() {
        for (text, isWhole, isInside) in [
            ("{\"a\":1}", true, false), ("{\"a\":1} ", true, false), ("{\"a\":1", false, true),
            ("{\"a\":\"", false, true), ("[{\"a\":1}", false, true), ("[{\"a\":1}]", false, false),
            ("{}{}", false, false), ("x", false, false), ("{}x", false, false),
        ] {
            var sieve = AnswerSieve(dialect: .openai, bytesMax: 1000)
            sieve.take(Array(text.utf8).span) { _ in }
            let (whole, inside) = (sieve.isWholeAnswer, sieve.isInside)
            #expect(whole == isWhole && inside == isInside, "\(text)")
        }
    }
}
