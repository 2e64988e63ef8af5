import JSON
import Primitives
import Testing

@Suite("JSON scanner")
struct JSONScannerTests {
    private static func isValid(_ bytes: [UInt8]) -> Bool {
        var scanner = JSONScanner(bytes.span)
        do {
            _ = try scanner.value()
            try scanner.end()
            return true
        } catch {
            return false
        }
    }

    @Test(
        "takes what RFC 8259 allows",
        arguments: [
            "{}", "[]", "null", "true", "false", "0", "-0", "1.5e+10", "1E-2", "\"\"",
            " [ 1 , 2 ] ",
            "{\"a\":{\"b\":[{}]}}", "\"\\u0041\\n\\/\\\"\\\\\"", "\"\u{1F600}\"", "\t\r\n{}\n",
            "{\"a\":1,\"a\":2}", "\"\\uD83D\\uDE00\"", "[[[[[[]]]]]]",
        ]
    )
    func valid(_ text: String) {
        #expect(Self.isValid(Array(text.utf8)))
    }

    @Test("knows the letters of an escape, and no others")
    func letters() {
        let known = Array("\"\\/bfnrt".utf8)
        for byte in UInt8.min...UInt8.max {
            let text = [UInt8(ascii: "\""), UInt8(ascii: "\\"), byte, UInt8(ascii: "\"")]
            #expect(Self.isValid(text) == known.contains(byte), "\(byte)")
        }
    }

    @Test(
        "refuses everything else",
        arguments: [
            "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
            "{a:1}",
            "{'a':1}", "01", "1.", ".5", "+1", "1e", "1e+", "-", "0x10", "NaN", "Infinity", "tru",
            "nul", "truex", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\t\"",
            "\"\n\"",
            "[1 2]", "{\"a\" 1}", "[1}", "{\"a\":1]", "1 2", "{}{}", "// x\n1", "\u{FEFF}1",
            "{1:2}", "[\"a\":1]", "{\"a\":1 \"b\":2}",
        ]
    )
    func invalid(_ text: String) {
        #expect(!Self.isValid(Array(text.utf8)))
    }

    @Test("passes bytes in strings on, valid UTF-8 or not")
    func bytes() {
        #expect(Self.isValid([0x22, 0xFF, 0xFE, 0x80, 0x22]))
        #expect(!Self.isValid([0x22, 0x00, 0x22]))
    }

    @Test("bounds nesting instead of the stack")
    func depth() {
        func nested(_ count: Int) -> [UInt8] {
            Array(String(repeating: "[", count: count).utf8)
                + Array(String(repeating: "]", count: count).utf8)
        }
        #expect(Self.isValid(nested(JSONScanner.depthMax)))
        #expect(!Self.isValid(nested(JSONScanner.depthMax + 1)))
        #expect(!Self.isValid([UInt8](repeating: 0x5B, count: 1_000_000)))
    }

    @Test("never reads past its bytes, wherever a text is cut")
    func truncation() {
        let text = Array("{\"a\":[1.5e3,true,null,\"\\u00e9\\n\"],\"b\":{\"c\":\"d\"}}".utf8)
        for count in 0..<text.count { #expect(!Self.isValid(Array(text[..<count]))) }
        #expect(Self.isValid(text))
    }

    private static func member(_ text: String) throws -> String? {
        let bytes = Array(text.utf8)
        guard let index = try JSONScanner.member("model", of: bytes.span) else { return nil }
        return bytes.span.extracting(index).text
    }

    @Test("finds a member of the top-level object, and of no other")
    func members() throws {
        #expect(try Self.member("{\"model\":\"gpt-4o\"}") == "\"gpt-4o\"")
        #expect(try Self.member("{ \"a\" : {\"model\":1} , \"model\" : [ 2 ] }") == "[ 2 ]")
        #expect(try Self.member("{\"a\":{\"model\":1}}") == nil)
        #expect(try Self.member("{\"a\":\"\\\"model\\\":1\"}") == nil)
        #expect(try Self.member("{\"mod\\u0065l\":1}") == "1")
        #expect(try Self.member("{\"model\":1,\"model\":2}") == "2")
        #expect(try Self.member("[{\"model\":1}]") == nil)
        #expect(try Self.member("{}") == nil)
        #expect(throws: JSONScanner.Malformed.self) { try Self.member("{\"model\":1") }
    }

    @Test("says where and why a text is not JSON")
    func reasons() {
        let bytes = Array("{\"a\": tru}".utf8)
        var scanner = JSONScanner(bytes.span)
        do {
            _ = try scanner.value()
            Issue.record("no error")
        } catch {
            #expect(error.offset == 6)
            #expect(!error.reason.isEmpty)
        }
    }
}

@Suite("JSON texts")
struct JSONTextTests {
    @Test(
        "are quoted and unquoted without loss",
        arguments: [
            "", "plain", "\"quoted\" \\ back", "line\nfeed\r\ttab", "\u{0}\u{1}\u{1F}", "ümläut 😀",
        ]
    )
    func roundTrip(_ text: String) throws {
        let quoted = JSONText.quote(text)
        #expect(try JSONValue(parsing: quoted) == .string(text))
        let inner = Array(quoted.utf8).dropFirst().dropLast()
        #expect(JSONText.unescape(Array(inner).span) == text)
    }

    @Test("keep what they spell between their escapes, and come back from it")
    func runs() {
        for count in 0..<40 {
            for text in ["\n", "\"", "\\\"", "\u{1}", "\u{E9}\t", ""] {
                let plain = String(repeating: "a", count: count) + text + "b\(text)"
                var inner = ByteBuffer()
                JSONText.appendEscaped(plain.utf8.span, to: &inner)
                #expect(JSONText.unescape(inner.bytes) == plain)
                #expect(JSONText.quote(plain) == "\"\(inner.bytes.text)\"")
                var back = ByteBuffer()
                JSONText.appendUnescaped(inner.bytes, to: &back)
                #expect(back.bytes.text == plain)
            }
        }
    }

    @Test("resolve escapes, lone surrogates to the replacement character")
    func escapes() {
        func resolved(_ text: String) -> String { JSONText.unescape(Array(text.utf8).span) }
        #expect(resolved("\\u0041\\u00e9") == "Aé")
        #expect(resolved("\\uD83D\\uDE00") == "😀")
        #expect(resolved("\\uD83Dx") == "\u{FFFD}x")
        #expect(resolved("\\uDE00") == "\u{FFFD}")
        #expect(resolved("\\b\\f\\n\\r\\t\\/\\\"\\\\") == "\u{8}\u{C}\n\r\t/\"\\")
    }
}

@Suite("JSON values")
struct JSONValueTests {
    @Test("are the tree of a text")
    func tree() throws {
        let value = try JSONValue(parsing: "{\"a\":[1,{\"b\":\"c\"},true,null],\"n\":-2.50}")
        #expect(value["a"]?.elements?.count == 4)
        #expect(value["a"]?.elements?[0].integer == 1)
        #expect(value["a"]?.elements?[1]["b"]?.text == "c")
        #expect(value["a"]?.elements?[2].isTrue == true)
        #expect(value["a"]?.elements?[3] == .null)
        #expect(value["n"] == .number("-2.50"))
        #expect(value["missing"] == nil)
        #expect(value["a"]?["x"] == nil)
    }

    @Test("of more than one are none")
    func trailing() {
        #expect(throws: JSONScanner.Malformed.self) { try JSONValue(parsing: "{} {}") }
    }
}
