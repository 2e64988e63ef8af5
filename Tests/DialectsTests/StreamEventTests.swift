import Dialects
import HTTP
import Primitives
import Testing

@Suite("Stream events")
struct StreamEventTests {
    private static func kinds(_ dialect: Dialect, _ stream: String) -> [StreamEventKind] {
        var splitter = EventSplitter(bytesMax: 1 << 20)
        var kinds: [StreamEventKind] = []
        splitter.take(Array(stream.utf8).span) { kinds.append(dialect.kind(of: $0)) }
        return kinds
    }

    private static func chat(_ delta: String, finish: String = "null") -> String {
        "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
            + "\"delta\":\(delta),\"logprobs\":null,\"finish_reason\":\(finish)}],"
            + "\"usage\":null}\n\n"
    }

    @Test("of OpenAI's chat")
    func openAIChat() {
        let cases: [(String, StreamEventKind)] = [
            (Self.chat("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"), .lifecycle),
            (Self.chat("{\"role\":\"assistant\",\"content\":null}"), .lifecycle),
            (Self.chat("{}"), .lifecycle),
            (Self.chat("{\"content\":\"I\"}"), .content),
            (Self.chat("{\"role\":\"assistant\",\"content\":\"I\"}"), .content),
            (Self.chat("{\"reasoning_content\":\"hm\"}"), .content),
            (Self.chat("{\"refusal\":\"no\"}"), .content),
            (Self.chat("{\"content\":null,\"tool_calls\":[{\"index\":0}]}"), .content),
            (Self.chat("{}", finish: "\"stop\""), .content),
            ("data: [DONE]\n\n", .terminal),
            ("data: {\"choices\":[],\"prompt_filter_results\":[{}]}\n\n", .lifecycle),
            ("data: {\"error\":{\"message\":\"x\",\"code\":429}}\n\n", .error),
            ("data: {\"error\":\"overloaded\"}\n\n", .error),
            ("data: {\"error\":null,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", .content),
            ("data: {\"choices\":[{\"text\":\"a\"}]}\n\n", .content),
            ("data: {\"choices\":[{\"text\":\"\"}]}\n\n", .lifecycle),
            ("data: {\"object\":\"error\",\"message\":\"x\",\"type\":\"y\"}\n\n", .error),
            ("event: error\ndata: {\"type\":\"rate_limit\"}\n\n", .error),
            ("event: x\n\n", .lifecycle), ("data:\n\n", .lifecycle),
            ("data: not json\n\n", .content), ("data: {\"a\":\n\n", .content),
            ("data: {\"something\":1}\n\n", .content), ("data: [1]\n\n", .content),
            ("data: {\"choices\":{}}\n\n", .content),
        ]
        for (event, kind) in cases { #expect(Self.kinds(.openai, event) == [kind], "\(event)") }
    }

    @Test("of OpenAI's responses")
    func openAIResponses() {
        func event(_ type: String, _ rest: String = "") -> String {
            "event: \(type)\ndata: {\"type\":\"\(type)\",\"sequence_number\":1\(rest)}\n\n"
        }
        for type in [
            "response.created", "response.in_progress", "response.queued",
            "response.output_item.added", "response.content_part.added",
        ] { #expect(Self.kinds(.openai, event(type)) == [.lifecycle], "\(type)") }
        for type in [
            "response.output_text.delta", "response.completed", "response.incomplete",
            "response.function_call_arguments.delta", "response.refusal.delta",
            "response.new.thing",
        ] { #expect(Self.kinds(.openai, event(type)) == [.content], "\(type)") }
        #expect(Self.kinds(.openai, event("response.failed")) == [.error])
        #expect(Self.kinds(.openai, event("error", ",\"message\":\"x\"")) == [.error])
        let nested = ",\"error\":{\"code\":\"insufficient_quota\"}"
        #expect(Self.kinds(.openai, event("error", nested)) == [.error])
    }

    @Test("of Anthropic's messages")
    func anthropic() {
        func event(_ type: String, _ rest: String = "") -> String {
            "event: \(type)\ndata: {\"type\": \"\(type)\"\(rest)   }\n\n"
        }
        func block(_ block: String) -> String {
            event("content_block_start", ",\"index\":0,\"content_block\":\(block)")
        }
        let cases: [(String, StreamEventKind)] = [
            (event("message_start", ",\"message\":{\"content\":[]}"), .lifecycle),
            (event("ping"), .lifecycle),
            (block("{\"type\":\"text\",\"text\":\"\"}"), .lifecycle),
            (block("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"), .lifecycle),
            (block("{\"type\":\"tool_use\",\"id\":\"t\",\"input\":{}}"), .content),
            (block("{\"type\":\"redacted_thinking\",\"data\":\"x\"}"), .content),
            (block("{\"type\":\"text\",\"text\":\"a\"}"), .content),
            (event("content_block_delta", ",\"delta\":{\"text\":\"a\"}"), .content),
            (event("message_delta", ",\"delta\":{}"), .content),
            (event("message_stop"), .terminal),
            (event("error", ",\"error\":{\"type\":\"overloaded_error\"}"), .error),
            ("data: {\"type\":\"error\"}\n\n", .error), (event("something_new"), .content),
            ("event: x\ndata: no json\n\n", .content),
        ]
        for (event, kind) in cases { #expect(Self.kinds(.anthropic, event) == [kind], "\(event)") }
    }

    @Test("of Gemini's")
    func gemini() {
        let cases: [(String, StreamEventKind)] = [
            (
                "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\r\n\r\n",
                .content
            ),
            ("data: {\"usageMetadata\":{}}\r\n\r\n", .lifecycle),
            ("data: {\"candidates\":[ ]}\r\n\r\n", .lifecycle),
            ("data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\r\n\r\n", .content),
            ("data: {\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}\r\n\r\n", .error),
            ("data: {\r\n\r\n", .content),
        ]
        for (event, kind) in cases { #expect(Self.kinds(.gemini, event) == [kind], "\(event)") }
    }

    @Test("of Gemini's interactions open with their shells; what is not known is content")
    func interactions() {
        let cases: [(String, StreamEventKind)] = [
            (#"{"event_type":"interaction.created","interaction":{"id":"1"}}"#, .lifecycle),
            (#"{"event_type":"interaction.status_update","status":"in_progress"}"#, .lifecycle),
            (#"{"event_type":"interaction.status_update","status":"failed"}"#, .error),
            (#"{"event_type":"step.start","step":{"type":"thought"}}"#, .lifecycle),
            (#"{"event_type":"step.start","step":{"type":"model_output"}}"#, .lifecycle),
            (#"{"event_type":"step.start","step":{"type":"function_call","name":"f"}}"#, .content),
            (#"{"event_type":"step.delta","delta":{"type":"text","text":"a"}}"#, .content),
            (#"{"event_type":"step.stop","index":0}"#, .lifecycle),
            (#"{"event_type":"content.delta","delta":{}}"#, .content),
            (#"{"event_type":"interaction.completed","interaction":{}}"#, .content),
            (#"{"event_type":"interaction.requires_action"}"#, .content),
            (#"{"event_type":"interaction.failed","interaction":{}}"#, .error),
            (#"{"event_type":"error","error":{"message":"x"}}"#, .error),
            (#"{"event_type":"something.new"}"#, .content), ("[DONE]", .terminal),
            (#"{"somethingNew":{"a":1}}"#, .content), (#"{"embedding":{"values":[1]}}"#, .content),
            (#"{"usageMetadata":{},"modelVersion":"m","responseId":"r"}"#, .lifecycle),
        ]
        for (data, kind) in cases {
            #expect(Self.kinds(.gemini, "data: \(data)\n\n") == [kind], "\(data)")
        }
        #expect(Self.kinds(.gemini, "event: error\ndata: {}\n\n") == [.error])
    }
}
