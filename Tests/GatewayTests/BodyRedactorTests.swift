import JSON
import Primitives
import Testing

@testable import Gateway

@Suite("Redactors of bodies")
struct BodyRedactorTests {
    private static func redactor(_ paths: [String], _ patterns: [String]) throws -> BodyRedactor {
        BodyRedactor(
            paths: JSONRedaction(paths.compactMap { JSONPath($0) }),
            patterns: try patterns.map { try Pattern($0) })
    }

    private static func line(_ redactor: BodyRedactor, _ text: String) -> String {
        var output = ByteBuffer()
        #expect(redactor.redact(line: Array(text.utf8).span, to: &output))
        return output.bytes.text
    }

    @Test("look into each line of a stream, and let nothing through that they cannot read")
    func lines() throws {
        let redactor = try Self.redactor(["a.b"], ["k-[0-9]+"])
        for (line, expected) in [
            ("data: {\"a\":{\"b\":1}}\r\n", "data: {\"a\":{\"b\":\"<redacted>\"}}\r\n"),
            ("data:{\"a\":{\"b\":\"x\"}}\n", "data:{\"a\":{\"b\":\"<redacted>\"}}\n"),
            ("\u{FEFF}data: {\"a\":{\"b\":1}}\n", "\u{FEFF}data: {\"a\":{\"b\":\"<redacted>\"}}\n"),
            ("data: [DONE]\n", "data: [DONE]\n"), ("event: k-12\n", "event: <redacted>\n"),
            (": a comment\r", ": a comment\r"), ("\n", "\n"), ("data:\n", "data:\n"),
            // Parts of an event that goes over several lines.
            ("data: \"b\": \"secret\"\n", "data: <redacted>\n"),
            ("data: {\"a\":\n", "data: \n"), ("data: secret}\n", "data: <redacted>\n"),
        ] { #expect(Self.line(redactor, line) == expected) }
        let plain = try Self.redactor([], ["k-[0-9]+"])
        #expect(Self.line(plain, "data: \"k-1\"\n") == "data: \"<redacted>\"\n")
    }

    @Test("find what escapes of JSON spell, in texts and in texts within them, and nothing else")
    func escapes() throws {
        let redactor = try Self.redactor([], ["k-[0-9]+", #"pass: "x"#])
        func redact(_ text: String, limit: Int = .max) -> String {
            var output = ByteBuffer()
            #expect(redactor.redact(Array(text.utf8).span, limit: limit, to: &output))
            return output.bytes.text
        }
        for (text, expected) in [
            (#"{"a":"\u006b-12","b":"c\n"}"#, #"{"a":"<redacted>","b":"c\n"}"#),
            (#"{"a":"say k\u002D1 \"now\""}"#, #"{"a":"<redacted>"}"#),
            (#"{"a":"say k-1 \"now\""}"#, #"{"a":"say <redacted> \"now\""}"#),
            (#"{"k\u002d7":1}"#, #"{"<redacted>":1}"#),
            // Arguments of a tool are JSON in a text, and may be so again.
            (#"{"a":"{\"b\":\"\\u006b-3\"}"}"#, #"{"a":"<redacted>"}"#),
            (#"{"a":"pass: \"x"}"#, #"{"a":"<redacted>"}"#),
            // One that breaks off, and one that is no JSON.
            (#"{"a":"\u006b-12"#, #"{"a":"<redacted>"#), (#"\u006b-12"#, #"\u006b-12"#),
            (#"{"a":"\u006b\n-12","b":"\\"}"#, #"{"a":"\u006b\n-12","b":"\\"}"#),
        ] { #expect(redact(text) == expected, "\(text)") }
        #expect(
            Self.line(redactor, #"data: {"a":"\u006b-12"}"# + "\n")
                == #"data: {"a":"<redacted>"}"# + "\n")
        // Whatever is cut where, no part of it shows.
        let text = #"{"x":"1\n","y":"\u006b-123456789","z":"2\n"}"#
        for limit in 0...text.utf8.count {
            let shown = redact(text, limit: limit)
            #expect(!shown.contains("123") && !shown.contains("006b"), "\(limit): \(shown)")
            let isWhole = limit >= text.utf8.count
            #expect(shown.contains(#""z":"2\n"}"#) == isWhole, "\(limit): \(shown)")
        }
    }

    @Test("show no part of what a limit cuts through, however much came out before it")
    func limits() throws {
        let redactor = try Self.redactor(["s"], ["k-[0-9]+", "long[a]+"])
        let text =
            "{\"x\":\"long\(String(repeating: "a", count: 50))\",\"s\":1,\"y\":\"k-123456789\"}"
        for limit in 0...text.utf8.count {
            var output = ByteBuffer()
            #expect(redactor.redact(Array(text.utf8).span, limit: limit, to: &output))
            let shown = output.bytes.text
            #expect(!shown.contains("k-") && !shown.contains("longa") && !shown.contains("\"s\":1"))
        }
    }

    @Test("give a text up in which their patterns take too many steps, and show nothing of it")
    func steps() throws {
        let redactor = try Self.redactor([], ["x", "secret(.*end)?"])
        for count in [1, 50, 64 << 10] {
            let text = Array(String(repeating: "secret", count: count).utf8)
            var output = ByteBuffer()
            let isRedacted = redactor.redact(text.span, limit: .max, to: &output)
            #expect(isRedacted == (count <= 50))
            #expect(!output.bytes.text.contains("secret"))
            #expect(isRedacted || output.isEmpty)
            output.removeAll()
            #expect(redactor.redact(line: text.span, to: &output) == isRedacted)
            #expect(isRedacted || output.isEmpty)
        }
        // A pattern that is plain takes its time over as much text.
        let plain = try Self.redactor([], ["sk-[A-Za-z0-9_-]{20,}", "secret"])
        let text = Array(String(repeating: "sk-abc secret ", count: 16 << 10).utf8)
        var output = ByteBuffer()
        #expect(plain.redact(text.span, limit: .max, to: &output))
    }
}
