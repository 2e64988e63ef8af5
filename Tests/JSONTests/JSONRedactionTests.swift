import JSON
import Primitives
import Testing

@Suite("JSON redaction")
struct JSONRedactionTests {
    private static func redact(_ text: String, _ paths: String...) -> String {
        redact(Array(text.utf8), paths)
    }

    private static func redact(_ text: [UInt8], _ paths: [String]) -> String {
        var output = ByteBuffer()
        JSONRedaction(paths.compactMap { JSONPath($0) }).write(text.span, to: &output)
        return output.bytes.text
    }

    @Test("takes values out where they stand, and nothing else")
    func indexes() {
        let text = #"{ "a" : {"b": [1, {"c":"x"}], "d":null}, "b":"y" , "e\u0066": 2 }"#
        #expect(Self.redact(text, "b") == text.replacing("\"y\"", with: "\"<redacted>\""))
        #expect(
            Self.redact(text, "a.b[1].c") == text.replacing("\"x\"", with: "\"<redacted>\""))
        #expect(
            Self.redact(text, "$.a.*.1.c", "a.d")
                == text.replacing("\"x\"", with: "\"<redacted>\"")
                .replacing("null", with: "\"<redacted>\""))
        #expect(
            Self.redact(text, "a")
                == #"{ "a" : "<redacted>", "b":"y" , "e\u0066": 2 }"#)
        #expect(Self.redact(text, "ef") == text.replacing("2 }", with: "\"<redacted>\" }"))
        #expect(Self.redact(text, "c", "a.x", "b.y") == text)
        #expect(
            Self.redact(#"[{"a":1},{"a":[2]}]"#, "*.a")
                == #"[{"a":"<redacted>"},{"a":"<redacted>"}]"#)
        #expect(Self.redact(#"{"a":1,"a":2}"#, "a") == #"{"a":"<redacted>","a":"<redacted>"}"#)
    }

    @Test("a text that breaks off anywhere never shows what was to be taken out")
    func brokenOff() {
        let text = Array(
            #"{"k":[{"s":"SECRET-1","t":"kept"}],"s":{"x":"SECRET-2"},"n":12}"#.utf8)
        for count in 0...text.count {
            let result = Self.redact(Array(text[..<count]), ["k.*.s", "s"])
            #expect(!result.contains("SECRET"))
            #expect(result.utf8.count <= text.count + 24)
        }
        // Garbage behind, or in between.
        #expect(!Self.redact(#"{"s":"SECRET"}{"s":"SECRET"}"#, "s").contains("SECRET"))
        #expect(!Self.redact(#"{"a":tru,"s":"SECRET"}"#, "s").contains("SECRET"))
    }

    @Test("what is no JSON passes, nesting without end does not")
    func others() {
        #expect(Self.redact("--boundary\r\n{\"s\":1}", "s") == "--boundary\r\n{\"s\":1}")
        #expect(
            Self.redact("\u{FEFF}{\"s\":\"SECRET\"}", "s") == "\u{FEFF}{\"s\":\"<redacted>\"}")
        #expect(Self.redact("", "s") == "")
        let deep = String(repeating: "[", count: 100_000)
        #expect(Self.redact(deep, "*.*.s").utf8.count <= deep.utf8.count)
    }

    @Test("paths that are none are refused", arguments: ["", ".", "a.", ".a", "a..b", "$", "a[]"])
    func paths(_ text: String) {
        #expect(JSONPath(text) == nil)
    }
}
