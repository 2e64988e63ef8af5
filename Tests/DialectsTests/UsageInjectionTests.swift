import Dialects
import JSON
import Primitives
import Support
import Testing

@Suite("Injected usage")
struct UsageInjectionTests {
    private static func asked(_ body: String) -> String? {
        var output = ByteBuffer()
        let isChanged = UsageInjection.write(Array(body.utf8).span, to: &output)
        return isChanged ? output.bytes.text : nil
    }

    @Test("is asked for with the smallest change, and only of streams")
    func request() {
        #expect(
            Self.asked(#"{ "stream":true, "x":1.0}"#)
                == #"{"stream_options":{"include_usage":true}, "stream":true, "x":1.0}"#)
        #expect(
            Self.asked(#"{"stream_options": null,"stream":true}"#)
                == #"{"stream_options": {"include_usage":true},"stream":true}"#)
        #expect(
            Self.asked(#"{"stream":true,"stream_options":{ }}"#)
                == #"{"stream":true,"stream_options":{"include_usage":true }}"#)
        #expect(
            Self.asked(#"{"stream":true,"stream_options":{"a":1}}"#)
                == #"{"stream":true,"stream_options":{"include_usage":true,"a":1}}"#)
        #expect(
            Self.asked(#"{"stream":true,"stream_options":{"include_usage": false}}"#)
                == #"{"stream":true,"stream_options":{"include_usage": true}}"#)
        for body in [
            #"{"stream":true,"stream_options":{"include_usage":true}}"#, #"{"stream":false}"#,
            "{}", "[]", "", #"{"stream":true"#, #"{"a":{"stream":true}}"#,
        ] { #expect(Self.asked(body) == nil) }
        for (path, isKnown) in [
            ("/v1/chat/completions", true), ("/v1/completions", true), ("/v1/responses", false),
        ] {
            let applies = UsageInjection.applies(to: Array(path.utf8).span)
            #expect(applies == isKnown)
        }
    }

    private static func filtered(_ pieces: [[UInt8]]) -> [UInt8] {
        var filter = UsageFilter()
        var output = ByteBuffer()
        for piece in pieces { filter.take(piece.span, to: &output) }
        filter.endStream(to: &output)
        return Array(output.bytes.text.utf8)
    }

    private static let usage =
        #"data: {"id":"c","choices": [ ] ,"usage":{"prompt_tokens":1}}"#
    private static let kept = [
        ": a comment", #"data: {"choices":[],"prompt_filter_results":[]}"#,
        #"data: {"choices":[{"delta":{"content":"\"choices\":[]"}}],"usage":null}"#,
        #"data: {"choices":[],"usage":null}"#,
    ]

    @Test(
        "is taken out again at any cut, and every other byte passes",
        arguments: ["\n", "\r\n", "\r"])
    func response(_ end: String) {
        let blank = end + end
        let before = Self.kept.joined(separator: blank) + blank
        let after = "data: [DONE]" + blank
        let whole = Array((before + Self.usage + blank + after).utf8)
        for pieces in ByteSplits.all(whole) {
            #expect(Self.filtered(pieces) == Array((before + after).utf8))
        }
    }

    @Test("an end without a blank line is an end all the same")
    func unfinished() {
        let before = "data: {\"choices\":[{}]}\n\n"
        #expect(Self.filtered([Array((before + Self.usage).utf8)]) == Array(before.utf8))
        #expect(
            Self.filtered([Array((before + "data: {\"cho").utf8)])
                == Array((before + "data: {\"cho").utf8))
    }

    @Test("an event passes with its last byte, not with the next event's first")
    func promptness() {
        for end in ["\n", "\r\n", "\r"] {
            var filter = UsageFilter()
            var output = ByteBuffer()
            let event = Array("data: {\"choices\":[{}]}\(end)\(end)".utf8)
            for byte in event { filter.take([byte].span, to: &output) }
            #expect(Array(output.bytes.text.utf8) == event)
        }
    }

    @Test("an event too large to be one passes, and so does the rest")
    func large() {
        let event = Array("data: {\"x\":\"".utf8) + [UInt8](repeating: 0x61, count: 3 << 20)
        let whole = event + Array("\"}\n\n\(Self.usage)\n\n".utf8)
        #expect(Self.filtered([whole]) == whole)
    }

    @Test("a line without end passes, and is not gathered", arguments: [1 << 10, 64 << 10])
    func endlessLine(_ size: Int) {
        var filter = UsageFilter()
        let piece = [UInt8](repeating: 0x78, count: size)
        var output = ByteBuffer()
        filter.take(Array("data: {\"a\":1}\n\ndata: ".utf8).span, to: &output)
        var (given, most) = (output.count + 6, 0)
        for _ in 0..<(4 << 20) / size {
            filter.take(piece.span, to: &output)
            given += size
            most = max(most, given - output.count)
        }
        #expect(most <= 1 << 20)
        filter.take(Array("\n\n".utf8).span, to: &output)
        filter.endStream(to: &output)
        #expect(output.count == given + 2)
    }
}
