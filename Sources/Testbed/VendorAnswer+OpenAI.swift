import JSON

// The shapes of OpenAI's API: chat completions, responses, embeddings, models, files, speech.
extension VendorAnswer {
    static func chatCompletion(_ body: JSONValue?, _ script: VendorScript) -> VendorAnswer {
        var answer = json(
            """
            {"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,\
            "model":\(model(body, "gpt-4o")),"choices":[{"index":0,"message":{"role":"assistant",\
            "content":\(JSONText.quote(content(script))),"refusal":null},"logprobs":null,\
            "finish_reason":"stop"}],"usage":{"prompt_tokens":14,\
            "completion_tokens":\(script.chunks),"total_tokens":\(14 + script.chunks),\
            "prompt_tokens_details":{"cached_tokens":0},\
            "completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"fp_mock"}
            """
        )
        answer.fields = openAIFields
        return answer
    }

    static func chatStream(_ body: JSONValue?, _ script: VendorScript) -> VendorAnswer {
        let wantsUsage = body?["stream_options"]?["include_usage"]?.isTrue ?? false
        let head =
            "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
            + "\"model\":\(model(body, "gpt-4o")),\"system_fingerprint\":\"fp_mock\","
        let usage = wantsUsage ? ",\"usage\":null" : ""
        func chunk(_ delta: String, _ finish: String) -> String {
            "data: \(head)\"choices\":[{\"index\":0,\"delta\":\(delta),\"logprobs\":null,"
                + "\"finish_reason\":\(finish)}]\(usage)}\n\n"
        }
        let count = script.chunks
        var answer = VendorAnswer(
            contentType: "text/event-stream; charset=utf-8",
            body: .stream(content: 1..<count + 1) { index in
                switch index {
                case 0:
                    return chunk(
                        "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", "null")
                case 1...count where count > 0:
                    return chunk("{\"content\":\(JSONText.quote(word(index - 1, script)))}", "null")
                case count + 1:
                    return chunk("{}", "\"stop\"")
                case count + 2 where wantsUsage:
                    return "data: \(head)\"choices\":[],\"usage\":{\"prompt_tokens\":14,"
                        + "\"completion_tokens\":\(count),\"total_tokens\":\(14 + count),"
                        + "\"completion_tokens_details\":{\"reasoning_tokens\":0}}}\n\n"
                case count + (wantsUsage ? 3 : 2):
                    return "data: [DONE]\n\n"
                default:
                    return nil
                }
            }
        )
        answer.fields = openAIFields
        return answer
    }

    private static let openAIFields = [
        ("openai-version", "2020-10-01"), ("openai-processing-ms", "7"),
        ("x-request-id", "req_mock"), ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"), ("x-ratelimit-reset-requests", "6ms"),
    ]

    private static func responseObject(
        _ body: JSONValue?, status: String, text: String?, tokens: Int
    ) -> String {
        let output =
            text.map {
                """
                {"id":"msg_mock","type":"message","status":"completed","role":"assistant",\
                "content":[{"type":"output_text","text":\(JSONText.quote($0)),"annotations":[]}]}
                """
            } ?? ""
        let usage =
            text == nil
            ? "null"
            : """
            {"input_tokens":14,"input_tokens_details":{"cached_tokens":0},\
            "output_tokens":\(tokens),"output_tokens_details":{"reasoning_tokens":0},\
            "total_tokens":\(14 + tokens)}
            """
        return """
            {"id":"resp_mock","object":"response","created_at":1700000000,"status":"\(status)",\
            "error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,\
            "model":\(model(body, "gpt-4o")),"output":[\(output)],"parallel_tool_calls":true,\
            "previous_response_id":null,"reasoning":{"effort":null,"summary":null},"store":true,\
            "temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],\
            "top_p":1.0,"truncation":"disabled","usage":\(usage),"user":null,"metadata":{}}
            """
    }

    static func response(_ body: JSONValue?, _ script: VendorScript) -> VendorAnswer {
        json(
            responseObject(body, status: "completed", text: content(script), tokens: script.chunks)
        )
    }

    static func responsesStream(_ body: JSONValue?, _ script: VendorScript) -> VendorAnswer {
        let count = script.chunks
        let text = (0..<min(count, 10_000)).map { word($0, script) }.joined()
        func event(_ type: String, _ number: Int, _ rest: String) -> String {
            "event: \(type)\ndata: {\"type\":\"\(type)\",\"sequence_number\":\(number),\(rest)}\n\n"
        }
        let part = "\"item_id\":\"msg_mock\",\"output_index\":0,\"content_index\":0"
        return VendorAnswer(
            contentType: "text/event-stream; charset=utf-8",
            body: .stream(content: 4..<count + 4) { index in
                let opening = responseObject(body, status: "in_progress", text: nil, tokens: 0)
                switch index {
                case 0: return event("response.created", index, "\"response\":\(opening)")
                case 1: return event("response.in_progress", index, "\"response\":\(opening)")
                case 2:
                    return event(
                        "response.output_item.added", index,
                        "\"output_index\":0,\"item\":{\"id\":\"msg_mock\",\"type\":\"message\","
                            + "\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}"
                    )
                case 3:
                    return event(
                        "response.content_part.added", index,
                        "\(part),\"part\":{\"type\":\"output_text\",\"text\":\"\","
                            + "\"annotations\":[]}"
                    )
                case 4..<count + 4:
                    return event(
                        "response.output_text.delta", index,
                        "\(part),\"delta\":\(JSONText.quote(word(index - 4, script))),"
                            + "\"logprobs\":[]"
                    )
                case count + 4:
                    return event(
                        "response.output_text.done", index,
                        "\(part),\"text\":\(JSONText.quote(text)),\"logprobs\":[]"
                    )
                case count + 5:
                    return event(
                        "response.content_part.done", index,
                        "\(part),\"part\":{\"type\":\"output_text\","
                            + "\"text\":\(JSONText.quote(text)),\"annotations\":[]}"
                    )
                case count + 6:
                    return event(
                        "response.output_item.done", index,
                        "\"output_index\":0,\"item\":{\"id\":\"msg_mock\",\"type\":\"message\","
                            + "\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{"
                            + "\"type\":\"output_text\",\"text\":\(JSONText.quote(text)),"
                            + "\"annotations\":[]}]}"
                    )
                case count + 7:
                    let closing = responseObject(
                        body, status: "completed", text: text, tokens: count)
                    return event("response.completed", index, "\"response\":\(closing)")
                default: return nil
                }
            }
        )
    }

    static func embeddings(_ body: JSONValue?) -> VendorAnswer {
        // Eight floats, little-endian, as the SDK asks for them: base64 of 0.5 eight times.
        let isBase64 = body?["encoding_format"]?.text == "base64"
        let vector =
            isBase64
            ? "\"AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/AAAAPwAAAD8=\""
            : "[0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5]"
        return json(
            """
            {"object":"list","data":[{"object":"embedding","index":0,"embedding":\(vector)}],\
            "model":\(model(body, "text-embedding-3-small")),\
            "usage":{"prompt_tokens":5,"total_tokens":5}}
            """
        )
    }

    static func models() -> VendorAnswer {
        json(
            """
            {"object":"list","data":[{"id":"gpt-4o","object":"model","created":1700000000,\
            "owned_by":"mock"},{"id":"gpt-4o-mini","object":"model","created":1700000000,\
            "owned_by":"mock"}],"has_more":false,"first_id":"gpt-4o","last_id":"gpt-4o-mini"}
            """
        )
    }

    static func file() -> VendorAnswer {
        json(
            """
            {"id":"file-mock","object":"file","bytes":12,"created_at":1700000000,\
            "filename":"mock.jsonl","purpose":"batch","status":"processed"}
            """
        )
    }

    static func speech(_ script: VendorScript) -> VendorAnswer {
        // Every byte value in turn: what mistakes bytes for text would show.
        let bytes = (0..<(script.size ?? 4096)).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        return VendorAnswer(contentType: "audio/mpeg", body: .whole(bytes))
    }
}
