import Primitives
import Testing

@testable import Translation

/// The short way of a stream's like events says what the long one says.
@Suite("The short way of streams")
struct ShortWayTests {
    private static let texts = [
        "a", " word", "", "\\n", "\\\"q\\\"", "\\u00e9", "\u{1F600}", "\\ud83d\\ude00", "{", "]}",
        "data: x\\n\\n", "\\\\", "long text that goes on and on and on and on and on and on",
    ]

    /// Events of one kind, with all that may differ from one to the next.
    private static func events(_ form: Form, _ generator: inout BodyGenerator) -> [String] {
        var events: [String] = []
        for number in 0..<Int.random(in: 3...30, using: &generator.numbers) {
            let text = generator.pick(texts)
            switch form {
            case .chat:
                let usage = generator.happens(50) ? #","usage":{"prompt_tokens":\#(number)}"# : ""
                events.append(
                    #"{"id":"x","created":\#(number / 3),"model":"m","choices":[{"index":0,"#
                        + #""delta":{"content":"\#(text)"},"finish_reason":null}],"#
                        + #""obfuscation":"\#(generator.pick(texts))"\#(usage)}"#)
            case .responses:
                let name = generator.happens(90) ? "output_text" : "reasoning_summary_text"
                events.append(
                    #"{"type":"response.\#(name).delta","sequence_number":\#(number),"#
                        + #""item_id":"\#(generator.pick(texts))","output_index":0,"#
                        + #""content_index":0,"delta":"\#(text)","logprobs":[]}"#)
            case .messages:
                let pad = String(repeating: " ", count: number % 5)
                events.append(
                    #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","#
                        + #""text":"\#(text)"\#(pad)}\#(pad)}\#(pad)"#)
                if generator.happens(5) { events.append(#"{"type":"ping"}"#) }
            case .gemini:
                let thought = generator.happens(10) ? #","thought":true"# : ""
                events.append(
                    #"{"candidates":[{"content":{"parts":[{"text":"\#(text)"\#(thought)}],"#
                        + #""role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":10,"#
                        + #""candidatesTokenCount":\#(number)},"modelVersion":"m"}"#)
            }
        }
        return events
    }

    private static func framed(_ events: [String], _ form: Form) -> (begin: [String], end: [String])
    {
        switch form {
        case .chat:
            return ([], [#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, "[DONE]"])
        case .responses:
            return (
                [
                    #"{"type":"response.created","response":{"id":"r"}}"#,
                    #"{"type":"response.output_item.added","output_index":0,"item":{"id":"m","#
                        + #""type":"message"}}"#,
                ], [#"{"type":"response.completed","response":{"id":"r","output":[]}}"#]
            )
        case .messages:
            return (
                [
                    #"{"type":"message_start","message":{"id":"m","model":"m"}}"#,
                    #"{"type":"content_block_start","index":0,"content_block":{"type":"text"}}"#,
                ],
                [
                    #"{"type":"content_block_stop","index":0}"#,
                    #"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
                    #"{"type":"message_stop"}"#,
                ]
            )
        case .gemini:
            return (
                [],
                [#"{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}]}"#]
            )
        }
    }

    private static func translate(
        _ bytes: [UInt8], _ pair: StreamPairTests.Pair, short: Bool, pieces: Int
    ) -> [UInt8] {
        var translation = StreamTranslation(AnswerContext(from: pair.source, to: pair.target))
        translation.takesShortWay = short
        var output = ByteBuffer()
        var start = 0
        while start < bytes.count {
            let end = min(start + pieces, bytes.count)
            translation.take(bytes.span.extracting(start..<end), into: &output)
            start = end
        }
        translation.end(into: &output)
        return Array(output.bytes)
    }

    @Test("is that of the long one", arguments: StreamPairTests.pairs)
    func same(_ pair: StreamPairTests.Pair) {
        for seed in 0..<40 as Range<UInt64> {
            var generator = BodyGenerator(seed)
            let middle = Self.events(pair.source, &generator)
            let (begin, end) = Self.framed(middle, pair.source)
            let bytes = StreamScript.bytes(begin + middle + end, pair.source)
            let long = Self.translate(bytes, pair, short: false, pieces: bytes.count)
            for pieces in [bytes.count, 1, 7, 64, 1000] {
                let short = Self.translate(bytes, pair, short: true, pieces: pieces)
                #expect(short == long, "seed \(seed), in pieces of \(pieces)")
                if short != long { return }
            }
        }
    }

    @Test("goes on with a call's arguments", arguments: StreamPairTests.pairs)
    func arguments(_ pair: StreamPairTests.Pair) {
        let pieces = [#"{\"a\":"#, "[1,", "2,", "3,", "4", "]", "}"]
        let script = StreamScript(
            description: "arguments",
            steps: [
                .text(["a", "b", "c", "d"]), .call(id: "call_a", name: "f", arguments: pieces),
                .call(id: "call_b", name: "g", arguments: pieces),
            ], finish: "tool_calls")
        let bytes = StreamScript.bytes(script.events(pair.source), pair.source)
        let long = Self.translate(bytes, pair, short: false, pieces: bytes.count)
        for pieces in [bytes.count, 1, 50] {
            #expect(Self.translate(bytes, pair, short: true, pieces: pieces) == long)
        }
        #expect(StreamPairTests.sum(long, pair.target).calls.count == 2)
    }

    @Test("takes no event for one that it is not")
    func others() throws {
        let event = Array(#"{"id":"x","delta":"text","created":12}"#.utf8)
        let text = EscapedText(inner: event[19..<23])
        let template = try #require(EventTemplate(event, text: text, .chat))
        let same = [
            #"{"id":"x","delta":"\n\u00e9","created":0}"#, #"{"id":"x","delta":"t","created":9}"#,
        ]
        let other = [
            #"{"id":"y","delta":"text","created":12}"#, #"{"id":"x","delta":"","created":12}"#,
            #"{"id":"x","delta":"text","created":012}"#,
            #"{"id":"x","delta":"text","created":1.5}"#,
            #"{"id":"x","delta":"te\xt","created":12}"#, #"{"id":"x","delta":"text","created":}"#,
            #"{"id":"x","delta":null,"created":12}"#, #"{"id":"x","delta":"text","created":12"#,
            "{\"id\":\"x\",\"delta\":\"te\nxt\",\"created\":12}", "", "{",
        ]
        for line in same {
            let found = template.text(in: Array(line.utf8).span, from: 0)
            #expect(found?.end == line.utf8.count, "\(line)")
        }
        for line in other {
            #expect(template.text(in: Array(line.utf8).span, from: 0) == nil, "\(line)")
        }
    }
}
