import JSON

// The shapes of Anthropic's Messages API.
extension VendorAnswer {
    private static let anthropicFields = [
        ("request-id", "req_mock"), ("anthropic-organization-id", "org_mock"),
        ("anthropic-ratelimit-requests-limit", "1000"),
        ("anthropic-ratelimit-requests-remaining", "999"),
    ]

    static func message(_ body: JSONValue?, _ script: VendorScript) -> VendorAnswer {
        var answer = json(
            """
            {"id":"msg_mock","type":"message","role":"assistant",\
            "model":\(model(body, "claude-sonnet-4-6")),"content":[{"type":"text",\
            "text":\(JSONText.quote(content(script)))}],"stop_reason":"end_turn",\
            "stop_sequence":null,"usage":{"input_tokens":14,"cache_creation_input_tokens":0,\
            "cache_read_input_tokens":0,"output_tokens":\(script.chunks),"service_tier":"standard"}}
            """
        )
        answer.fields = anthropicFields
        return answer
    }

    static func messageStream(_ body: JSONValue?, _ script: VendorScript) -> VendorAnswer {
        let count = script.chunks
        func event(_ name: String, _ data: String) -> String {
            "event: \(name)\ndata: \(data)\n\n"
        }
        var answer = VendorAnswer(
            contentType: "text/event-stream; charset=utf-8",
            body: .stream(content: 3..<count + 3) { index in
                switch index {
                case 0:
                    return event(
                        "message_start",
                        """
                        {"type":"message_start","message":{"id":"msg_mock","type":"message",\
                        "role":"assistant","model":\(model(body, "claude-sonnet-4-6")),\
                        "content":[],\
                        "stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":14,\
                        "cache_creation_input_tokens":0,"cache_read_input_tokens":0,\
                        "output_tokens":1,"service_tier":"standard"}}}
                        """
                    )
                case 1:
                    return event(
                        "content_block_start",
                        "{\"type\":\"content_block_start\",\"index\":0,"
                            + "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}"
                    )
                case 2: return event("ping", "{\"type\": \"ping\"}")
                case 3..<count + 3:
                    return event(
                        "content_block_delta",
                        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{"
                            + "\"type\":\"text_delta\","
                            + "\"text\":\(JSONText.quote(word(index - 3, script)))}    }"
                    )
                case count + 3:
                    return event(
                        "content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0 }"
                    )
                case count + 4:
                    return event(
                        "message_delta",
                        "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
                            + "\"stop_sequence\":null},\"usage\":{\"output_tokens\":\(count)}}"
                    )
                case count + 5: return event("message_stop", "{\"type\":\"message_stop\"}")
                default: return nil
                }
            }
        )
        answer.fields = anthropicFields
        return answer
    }
}
