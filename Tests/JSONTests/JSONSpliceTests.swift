import JSON
import Primitives
import Testing

@Suite("JSON splices")
struct JSONSpliceTests {
    private static func spliced(_ text: String, _ value: String = "new") -> String? {
        var output = ByteBuffer()
        let isDone = JSONSplice.replace(
            "model", in: Array(text.utf8).span, with: value, to: &output
        )
        return isDone ? output.bytes.text : nil
    }

    @Test("change one value and no other byte")
    func others() {
        #expect(Self.spliced("{\"model\":\"old\"}") == "{\"model\":\"new\"}")
        #expect(
            Self.spliced("\n{ \"a\" : 1.50e+00 ,\"model\" :\t\"o\\u0041\\\"d\" , \"z\":[ ] }  ")
                == "\n{ \"a\" : 1.50e+00 ,\"model\" :\t\"new\" , \"z\":[ ] }  "
        )
        #expect(Self.spliced("{\"model\":{\"x\":[1]},\"b\":2}") == "{\"model\":\"new\",\"b\":2}")
        #expect(
            Self.spliced("{\"a\":{\"model\":1},\"model\":2}")
                == "{\"a\":{\"model\":1},\"model\":\"new\"}")
        #expect(Self.spliced("{\"model\":1}", "a\"b\\") == "{\"model\":\"a\\\"b\\\\\"}")
        #expect(
            Self.spliced("{\"s\":\"\\\"model\\\":1\",\"model\":\"o\"}")
                == "{\"s\":\"\\\"model\\\":1\",\"model\":\"new\"}")
    }

    @Test("leave alone what has no such member")
    func nothing() {
        for text in ["{}", "[]", "", "{\"model\":", "{\"a\":{\"model\":1}}", "model"] {
            #expect(Self.spliced(text) == nil)
        }
    }

    @Test("work in bodies of any size")
    func large() {
        let filling = String(repeating: "é\\n", count: 2_000_000)
        let before = "{\"messages\":\"\(filling)\",\"model\":\"old\",\"tail\":\"\(filling)\"}"
        let after = Self.spliced(before)
        #expect(after == before.replacing("\"old\"", with: "\"new\""))
    }
}
