import JSON
import Testing

@testable import Translation

@Suite("Raw JSON")
struct RawJSONTests {
    @Test("gives parts as they are spelled")
    func parts() throws {
        let value = try RawJSON(parsing: Array(#"{"a": 1e-3, "b":["x\n", null] }"#.utf8))
        #expect(value["a"]?.spelling == "1e-3")
        #expect(value["b"]?.elements.first?.plain == "x\n")
    }

    @Test("gives the last one of members of a name, however the name is spelled")
    func names() throws {
        let text = #"{"ab":1,"a\u0062":2,"abc":3,"n":1,"n":null,"":4}"#
        let value = try RawJSON(parsing: Array(text.utf8))
        for value in [value, value.opened] {
            #expect(value["ab"]?.spelling == "2")
            #expect(value["n"] == nil)
            #expect(value["a"] == nil)
            #expect(value[""]?.spelling == "4")
        }
    }

    @Test(
        "takes out the space between its parts, and becomes the inside of a string",
        arguments: [
            (#" { "a" : [ 1 , "x y" ] } "#, #"{"a":[1,"x y"]}"#),
            (#"{"a":"\"\\ \" "}"#, #"{"a":"\"\\ \" "}"#),
            (#"{"a\n":"\u0022\\"}"#, #"{"a\n":"\u0022\\"}"#),
            ("[\n\t\"\u{E9}\u{7F}\"\r]", "[\"\u{E9}\u{7F}\"]"), ("\"\"", "\"\""), ("-1.0", "-1.0"),
        ])
    func compact(_ text: String, _ wanted: String) throws {
        let value = try RawJSON(parsing: Array(text.utf8))
        #expect(String(decoding: value.compact, as: UTF8.self) == wanted)
        // As a string of a string it is what it was.
        #expect(value.quoted.plain == wanted)
        let quoted = "\"" + String(decoding: value.quoted.inner, as: UTF8.self) + "\""
        #expect(try RawJSON(parsing: Array(quoted.utf8)).plain == wanted)
    }

    @Test(
        "is an object of a text only where it begins like one",
        arguments: [
            (#" \n\t{\"a\":1}"#, true), (#"\u007b}"#, true), (#"{\"a\":}"#, false), ("", false),
            (#"[1]"#, false), (#"\b{}"#, false), ("\\", false), ("{}{}", false),
        ])
    func objects(_ inner: String, _ isObject: Bool) {
        #expect((RawJSON.object(of: EscapedText(inner: Array(inner.utf8)[...])) != nil) == isObject)
    }

    @Test("has a bounded number of values, because each takes memory")
    func values() throws {
        func list(_ count: Int) -> [UInt8] {
            Array(("[" + String(repeating: "1,", count: count - 1) + "1]").utf8)
        }
        let most = LongValues.valuesMax - 1
        #expect(try RawJSON(parsing: list(most)).kind == .array)
        #expect(throws: JSONScanner.Malformed.self) { try RawJSON(parsing: list(most + 1)) }
    }
}
