import Primitives
import Testing

@Suite("Patterns")
struct PatternTests {
    private static func replace(_ pattern: String, _ text: String) throws -> String {
        var output = ByteBuffer()
        try Pattern(pattern).replace(in: Array(text.utf8).span, with: "#", to: &output)
        return output.bytes.text
    }

    @Test("replace every match, in bytes of any kind")
    func replace() throws {
        #expect(try Self.replace("sk-[a-z0-9]{3,}", "a sk-abc1, sk-a sk-zzz") == "a #, sk-a #")
        #expect(try Self.replace("[0-9]+", "1a22b333") == "#a#b#")
        #expect(try Self.replace("a|bc", "xabcx") == "x##x")
        #expect(try Self.replace("a", "x\0a\0a") == "x\0#\0#")
        #expect(try Self.replace("^a", "aaa") == "#aa")
        #expect(try Self.replace("none", "") == "")
        let bytes: [UInt8] = [0xFF, 0x61, 0xC3, 0x28]
        #expect(try Pattern("a").firstMatch(in: bytes.span) == 1..<2)
    }

    @Test("say what is wrong with them", arguments: ["", "[", "(", "a{2,1}", "(a)\\1", "a*", "x?"])
    func faults(_ text: String) {
        #expect(Pattern.fault(text) != nil)
    }

    @Test("that are right have no fault", arguments: ["a", "\\.", "a+", "(a|b)c", "\\\\1"])
    func right(_ text: String) {
        #expect(Pattern.fault(text) == nil)
    }
}
