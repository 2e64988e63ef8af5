// Anthropic's messages.
extension AnswerSample {
    private static func start(_ usage: String) -> (name: String, data: String) {
        (
            "message_start",
            #"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","#
                + #""model":"m-1","content":[],"stop_reason":null,"usage":{\#(usage)}}}"#
        )
    }

    private static func text(_ text: String) -> (name: String, data: String) {
        (
            "content_block_delta",
            #"{"type":"content_block_delta","index":0,"#
                + #""delta":{"type":"text_delta","text":"\#(text)"}}              "#
        )
    }

    private static func delta(_ reason: String, _ usage: String) -> (name: String, data: String) {
        (
            "message_delta",
            #"{"type":"message_delta","delta":{"stop_reason":"\#(reason)","stop_sequence":null},"#
                + #""usage":{\#(usage)}     }"#
        )
    }

    private static let block = (
        name: "content_block_start",
        data: #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#
    )
    private static let ping = (name: "ping", data: #"{"type": "ping"}"#)
    private static let stop = (name: "message_stop", data: #"{"type":"message_stop"       }"#)

    static let messages: [AnswerSample] = [
        AnswerSample(
            "a message whose input is corrected at its end", "anthropic", isStream: true,
            named([
                start(#""input_tokens":43,"output_tokens":1"#), block, ping,
                text(#"\"usage\":{\"input_tokens\":7}"#), text("message_stop"),
                delta("end_turn", #""input_tokens":61,"output_tokens":65"#), stop,
            ])
        ) {
            tokens(61, 65)(&$0)
            $0.finishReason = "end_turn"
        },
        AnswerSample(
            "caches are added to the input", "anthropic", isStream: true,
            named([
                start(
                    #""input_tokens":10,"cache_creation_input_tokens":300,"#
                        + #""cache_read_input_tokens":2000,"cache_creation":"#
                        + #"{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"#
                        + #""output_tokens":1,"service_tier":"standard""#), block, text("a"),
                delta(
                    "tool_use",
                    #""output_tokens":40,"output_tokens_details":{"thinking_tokens":30}"#), stop,
            ])
        ) {
            tokens(2310, 40)(&$0)
            ($0.cacheRead, $0.cacheWrite, $0.cacheWriteLong) = (2000, 100, 200)
            $0.reasoning = 30
            $0.finishReason = "tool_use"
        },
        AnswerSample(
            "caches without the split by time", "anthropic", isStream: true,
            named([
                start(
                    #""input_tokens":1,"cache_creation_input_tokens":20,"#
                        + #""cache_read_input_tokens":0,"output_tokens":1"#), block, text("a"),
                delta("max_tokens", #""output_tokens":2"#), stop,
            ])
        ) {
            tokens(21, 2)(&$0)
            ($0.cacheRead, $0.cacheWrite) = (0, 20)
            $0.finishReason = "max_tokens"
        },
        AnswerSample(
            "iterations are billed together", "anthropic", isStream: true,
            named([
                start(#""input_tokens":5,"output_tokens":1"#), block, text("a"),
                delta(
                    "end_turn",
                    #""input_tokens":7,"output_tokens":9,"iterations":[{"type":"message","#
                        + #""input_tokens":5,"output_tokens":4},{"type":"message","#
                        + #""input_tokens":7,"output_tokens":9}]"#), stop,
            ])
        ) {
            tokens(12, 13)(&$0)
            $0.finishReason = "end_turn"
        },
        AnswerSample(
            "overloaded in the middle", "anthropic", isStream: true,
            named([
                start(#""input_tokens":5,"output_tokens":1"#), block, text("a"),
                (
                    "error",
                    #"{"type":"error","error":{"details":null,"type":"overloaded_error","#
                        + #""message":"Overloaded"}}"#
                ),
            ])
        ) {
            tokens(5, 1)(&$0)
            ($0.finishReason, $0.errorKind, $0.isWhole) = ("", "overloaded_error", false)
        },
        AnswerSample(
            "a message that ends early", "anthropic", isStream: true,
            named([start(#""input_tokens":5,"output_tokens":1"#), block, text("a")])
        ) {
            tokens(5, 1)(&$0)
            ($0.finishReason, $0.isWhole) = ("", false)
        },
        AnswerSample(
            "a message without its last line end", "anthropic", isStream: true,
            String(
                named([
                    start(#""input_tokens":5,"output_tokens":1"#), block, text("a"),
                    delta("refusal", #""output_tokens":3"#), stop,
                ]).dropLast(2))
        ) {
            tokens(5, 3)(&$0)
            $0.finishReason = "refusal"
        },
        AnswerSample(
            "a whole message", "anthropic", isStream: false,
            """
            {"id":"m","type":"message","role":"assistant","model":"m-1","content":[{"type":"text",\
            "text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":12,\
            "cache_read_input_tokens":8,"cache_creation_input_tokens":0,"output_tokens":6}}
            """
        ) {
            tokens(20, 6)(&$0)
            ($0.cacheRead, $0.cacheWrite) = (8, 0)
            $0.finishReason = "end_turn"
        },
        AnswerSample(
            "tokens counted", "anthropic", isStream: false, #"{"input_tokens":2095}"#
        ) {
            $0.input = 2095
            ($0.model, $0.finishReason) = ("", "")
        },
        AnswerSample(
            "an error of Anthropic's", "anthropic", isStream: false,
            """
            {"type":"error","error":{"type":"rate_limit_error","message":"slow down"},\
            "request_id":"req_1"}
            """
        ) {
            ($0.model, $0.finishReason, $0.errorKind) = ("", "", "rate_limit_error")
        },
    ]
}
