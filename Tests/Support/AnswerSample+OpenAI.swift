// Chat completions, responses and the rest of OpenAI's dialect, with what those who follow it do
// otherwise.
extension AnswerSample {
    private static func delta(_ content: String, _ rest: String = "") -> String {
        """
        {"id":"c","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[{"index":0,\
        "delta":{"content":"\(content)"},"logprobs":null,"finish_reason":null}]\(rest)}
        """
    }

    private static func finish(_ reason: String = "stop", _ rest: String = "") -> String {
        """
        {"id":"c","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[{"index":0,\
        "delta":{},"logprobs":null,"finish_reason":"\(reason)"}]\(rest)}
        """
    }

    private static func usage(_ fields: String) -> String {
        """
        {"id":"c","object":"chat.completion.chunk","model":"m-1","choices":[],"usage":{\(fields)}}
        """
    }

    static let chats: [AnswerSample] = [
        AnswerSample(
            "chat with usage asked for, padding in each chunk", "openai", isStream: true,
            events([
                delta("", #","usage":null,"obfuscation":"aXb"#),
                delta("a", #","usage":null,"obfuscation":"q"#),
                finish("stop", #","usage":null"#),
                usage(
                    #""prompt_tokens":44,"completion_tokens":16,"total_tokens":60,"#
                        + #""prompt_tokens_details":{"cached_tokens":32,"audio_tokens":1},"#
                        + #""completion_tokens_details":{"reasoning_tokens":7,"audio_tokens":2}"#),
            ])
        ) {
            ($0.input, $0.output, $0.cacheRead, $0.reasoning) = (44, 16, 32, 7)
            ($0.audioInput, $0.audioOutput) = (1, 2)
        },
        AnswerSample(
            "chat without usage", "openai", isStream: true,
            events([delta("a"), delta("b"), finish("length")])
        ) { $0.finishReason = "length" },
        AnswerSample(
            "words of usage in the text are text", "openai", isStream: true,
            events([
                delta(#"\"usage\":{\"prompt_tokens\":9} [DONE] \"error\":{\"code\":1}"#),
                delta(#"data: {\"finish_reason\":\"length\"}\n\n"#), finish(),
            ])
        ) { _ in },
        AnswerSample(
            "Azure's first chunk names nothing", "openai", isStream: true,
            events([
                """
                {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":\
                [{"prompt_index":0,"content_filter_results":{}}]}
                """, delta("a"), finish("content_filter"),
                usage(#""prompt_tokens":5,"completion_tokens":1,"total_tokens":6"#),
            ])
        ) {
            tokens(5, 1)(&$0)
            $0.finishReason = "content_filter"
        },
        AnswerSample(
            "Groq reports usage twice on the last chunk", "openai", isStream: true,
            events([
                delta("a", #","x_groq":{"id":"req_1"}"#),
                finish(
                    "stop",
                    #","x_groq":{"id":"req_1","usage":{"prompt_tokens":18,"completion_tokens":3,"#
                        + #""total_tokens":21,"total_time":0.01}},"usage":{"prompt_tokens":18,"#
                        + #""completion_tokens":3,"total_tokens":21,"queue_time":0.2}"#),
            ]), tokens(18, 3)),
        AnswerSample(
            "Groq reports usage at x_groq alone", "openai", isStream: true,
            events([
                delta("a"),
                finish(
                    "stop",
                    #","x_groq":{"usage":{"prompt_tokens":18,"completion_tokens":3}}"#),
            ]), tokens(18, 3)),
        AnswerSample(
            "DeepSeek's cache hits, on the finish chunk", "openai", isStream: true,
            events([
                """
                {"id":"c","object":"chat.completion.chunk","model":"m-1","choices":[{"index":0,\
                "delta":{"content":null,"reasoning_content":"hm"},"finish_reason":null}]}
                """,
                delta("a"),
                finish(
                    "stop",
                    #","usage":{"prompt_tokens":12,"completion_tokens":9,"total_tokens":21,"#
                        + #""prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":4,"#
                        + #""completion_tokens_details":{"reasoning_tokens":5}}"#),
            ])
        ) {
            tokens(12, 9)(&$0)
            ($0.cacheRead, $0.reasoning) = (8, 5)
        },
        AnswerSample(
            "xAI leaves reasoning out of the completion", "openai", isStream: true,
            events([
                #"{"id":"c","model":"m-1","choices":[{"index":0,"delta":{"content":"a"}}]}"#,
                finish(),
                usage(
                    #""prompt_tokens":291,"completion_tokens":26,"total_tokens":513,"#
                        + #""completion_tokens_details":{"reasoning_tokens":196},"#
                        + #""cost_in_usd_ticks":1234500,"num_sources_used":0"#),
            ])
        ) {
            tokens(291, 222)(&$0)
            ($0.reasoning, $0.nanodollars) = (196, 123_450)
        },
        AnswerSample(
            "Mistral's content in parts", "openai", isStream: true,
            events([
                """
                {"id":"c","object":"chat.completion.chunk","model":"m-1","choices":[{"index":0,\
                "delta":{"index":0,"content":[{"type":"thinking","thinking":[{"type":"text",\
                "text":"hm"}]}]},"finish_reason":null}]}
                """,
                finish(
                    "stop",
                    #","usage":{"prompt_tokens":10,"total_tokens":14,"completion_tokens":4}"#),
            ]), tokens(10, 4)),
        AnswerSample(
            "Perplexity repeats growing usage and sends no marker", "openai", isStream: true,
            events(
                [
                    delta("a", #","usage":{"prompt_tokens":3,"completion_tokens":1}"#),
                    delta("b", #","usage":{"prompt_tokens":3,"completion_tokens":2}"#),
                    """
                    {"id":"c","object":"chat.completion.done","model":"m-1","citations":["x"],\
                    "choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",\
                    "content":"ab"},"delta":{"role":"assistant","content":""}}],"usage":\
                    {"prompt_tokens":3,"completion_tokens":3,"total_tokens":6,"reasoning_tokens":1,\
                    "citation_tokens":8,"num_search_queries":1}}
                    """,
                ], end: "")
        ) {
            tokens(3, 3)(&$0)
            $0.reasoning = 1
        },
        AnswerSample(
            "Qwen's tool calls, and usage by itself", "openai", isStream: true,
            events([
                """
                {"id":"c","object":"chat.completion.chunk","model":"m-1","choices":[{"index":0,\
                "delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":\
                {"name":"f","arguments":""}}]},"finish_reason":null}]}
                """,
                """
                {"id":"c","object":"chat.completion.chunk","model":"m-1","choices":[{"index":0,\
                "delta":{"tool_calls":[{"index":0,"id":"","function":{"arguments":"{}"}}]},\
                "finish_reason":null}]}
                """,
                finish("tool_calls"), usage(#""prompt_tokens":7,"completion_tokens":2"#),
            ])
        ) {
            tokens(7, 2)(&$0)
            $0.finishReason = "tool_calls"
        },
        AnswerSample(
            "Moonshot puts usage into the choice", "openai", isStream: true,
            events([
                #"{"id":"c","model":"m-1","choices":[{"index":0,"delta":{"content":"a"}}]}"#,
                """
                {"id":"c","model":"m-1","choices":[{"index":0,"delta":{},"finish_reason":"stop",\
                "usage":{"prompt_tokens":20,"completion_tokens":6,"total_tokens":26}}]}
                """,
            ]), tokens(20, 6)),
        AnswerSample(
            "OpenRouter's comments, and usage with a cost", "openai", isStream: true,
            ": OPENROUTER PROCESSING\n\n"
                + events([
                    delta("a", #","provider":"X""#), finish(),
                    usage(
                        #""prompt_tokens":4,"completion_tokens":1,"total_tokens":5,"cost":0.00002"#
                    ),
                ])
        ) {
            tokens(4, 1)(&$0)
            $0.nanodollars = 20_000
        },
        AnswerSample(
            "OpenRouter breaks off with an error", "openai", isStream: true,
            events([
                delta("a"),
                """
                {"id":"c","object":"chat.completion.chunk","model":"m-1","provider":"X","error":\
                {"code":502,"message":"upstream went away"},"choices":[{"index":0,"delta":\
                {"content":""},"finish_reason":"error"}]}
                """,
            ])
        ) {
            $0.finishReason = "error"
            $0.errorKind = "502"
        },
        AnswerSample(
            "a stream that ends with a bare error", "openai", isStream: true,
            events(
                [delta("a"), #"{"error":{"message":"no","type":"server_error","code":null}}"#],
                end: "")
        ) {
            $0.finishReason = ""
            $0.errorKind = "server_error"
            $0.isWhole = false
        },
        AnswerSample(
            "a stream that ends early", "openai", isStream: true,
            events([delta("a"), delta("b")], end: "")
        ) {
            $0.finishReason = ""
            $0.isWhole = false
        },
        AnswerSample(
            "several choices, and lines that end in CR LF", "openai", isStream: true,
            events([
                delta("a"),
                """
                {"id":"c","model":"m-1","choices":[{"index":1,"delta":{"content":"z"},\
                "finish_reason":null}]}
                """, finish("length"),
                """
                {"id":"c","model":"m-1","choices":[{"index":1,"delta":{},\
                "finish_reason":"stop"}]}
                """,
                usage(#""prompt_tokens":4,"completion_tokens":2"#),
            ]).replacing("\n", with: "\r\n"), tokens(4, 2)),
        AnswerSample(
            "a byte order mark, lines that end in CR, unknown fields", "openai",
            isStream: true,
            "\u{FEFF}id: 7\rretry: 5\r"
                + events([delta("a"), finish(), usage(#""prompt_tokens":1,"completion_tokens":2"#)])
                .replacing("\n", with: "\r"), tokens(1, 2)),
        AnswerSample(
            "data over several lines", "openai", isStream: true,
            "data: {\"model\":\"m-1\",\ndata: \"choices\":[{\"index\":0,\"delta\":{},\n"
                + "data:\"finish_reason\":\"stop\"}],\ndata:  \"usage\":{\"prompt_tokens\": 1,\n"
                + "data: \"completion_tokens\": 2}}\n\ndata:[DONE]\n\n", tokens(1, 2)),
        AnswerSample(
            "reasoning within the content", "openai", isStream: true,
            events([
                delta("<reasoning>h"), delta("m</reas"), delta("oning>a"), delta("<think>"),
                finish("network_error"),
            ])
        ) { $0.finishReason = "network_error" },
        AnswerSample(
            "legacy completions", "openai", isStream: true,
            events([
                """
                {"id":"c","object":"text_completion","model":"m-1","choices":[{"text":"a",\
                "index":0,"logprobs":null,"finish_reason":null}]}
                """,
                """
                {"id":"c","object":"text_completion","model":"m-1","choices":[{"text":"",\
                "index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":2,\
                "completion_tokens":1,"total_tokens":3}}
                """,
            ]), tokens(2, 1)),
    ]

    private static func response(_ status: String, _ rest: String) -> String {
        #"{"id":"r","object":"response","model":"m-1","status":"\#(status)"\#(rest)}"#
    }

    private static func event(_ type: String, _ rest: String) -> (name: String, data: String) {
        (type, #"{"type":"\#(type)","sequence_number":1,\#(rest)}"#)
    }

    private static let started = [
        event("response.created", #""response":"# + response("in_progress", #","usage":null"#)),
        event(
            "response.output_text.delta",
            #""item_id":"i","output_index":0,"delta":"\"status\":\"failed\"""#),
    ]

    static let responses: [AnswerSample] = [
        AnswerSample(
            "responses, completed", "openai", isStream: true,
            named(
                started + [
                    event(
                        "response.completed",
                        #""response":"#
                            + response(
                                "completed",
                                #","usage":{"input_tokens":30,"output_tokens":12,"#
                                    + #""total_tokens":42,"#
                                    + #""input_tokens_details":{"cached_tokens":10,"#
                                    + #""cache_write_tokens":9,"cache_write_tokens_details":"#
                                    + #"{"ttl_30m_tokens":4,"ttl_12h_tokens":5}},"#
                                    + #""output_tokens_details":{"reasoning_tokens":3}}"#))
                ])
        ) {
            tokens(30, 12)(&$0)
            ($0.cacheRead, $0.cacheWrite, $0.cacheWriteLong, $0.reasoning) = (10, 4, 5, 3)
            $0.finishReason = "completed"
        },
        AnswerSample(
            "responses, incomplete", "openai", isStream: true,
            named(
                started + [
                    event(
                        "response.incomplete",
                        #""response":"#
                            + response(
                                "incomplete",
                                #","incomplete_details":{"reason":"max_output_tokens"},"usage":"#
                                    + #"{"input_tokens":3,"output_tokens":4}"#))
                ])
        ) {
            tokens(3, 4)(&$0)
            $0.finishReason = "max_output_tokens"
        },
        AnswerSample(
            "responses, failed after an error event", "openai", isStream: true,
            named([
                started[0],
                event(
                    "error",
                    #""error":{"type":"insufficient_quota","code":"insufficient_quota","#
                        + #""message":"You exceeded your quota","param":null}"#),
                event(
                    "response.failed",
                    #""response":"#
                        + response(
                            "failed",
                            #","error":{"code":"insufficient_quota","message":"You exceeded it"}"#
                        )),
            ])
        ) {
            $0.finishReason = "failed"
            $0.errorKind = "insufficient_quota"
        },
        AnswerSample(
            "responses, a flat error", "openai", isStream: true,
            named([
                started[0],
                event("error", #""code":"server_error","message":"no","param":null"#),
            ])
        ) {
            $0.finishReason = ""
            $0.errorKind = "error"
            $0.isWhole = false
        },
    ]

    static let plain: [AnswerSample] = [
        AnswerSample(
            "a chat completion", "openai", isStream: false,
            """
            {
              "id": "c", "object": "chat.completion", "model": "m-1",
              "choices": [{"index": 0, "message": {"role": "assistant", "content":
                "\\"usage\\": {\\"prompt_tokens\\": 99}"}, "finish_reason": "stop"}],
              "usage": {"prompt_tokens": 21, "completion_tokens": 5, "total_tokens": 26,
                "prompt_tokens_details": {"cached_tokens": 16}}
            }
            """
        ) {
            tokens(21, 5)(&$0)
            $0.cacheRead = 16
        },
        AnswerSample(
            "a chat completion whose finish reason is empty", "openai", isStream: false,
            """
            {"object":"chat.completion","model":"m-1",\
            "choices":[{"finish_reason":"","message":{}}],\
            "usage":{"prompt_tokens":1,"completion_tokens":2}}
            """
        ) {
            tokens(1, 2)(&$0)
            $0.finishReason = ""
        },
        AnswerSample(
            "embeddings", "openai", isStream: false,
            """
            {"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-0.2]}],\
            "model":"m-1","usage":{"prompt_tokens":8,"total_tokens":8}}
            """
        ) {
            $0.input = 8
            $0.finishReason = ""
        },
        AnswerSample(
            "a response", "openai", isStream: false,
            response("completed", #","usage":{"input_tokens":6,"output_tokens":7}"#)
        ) {
            tokens(6, 7)(&$0)
            $0.finishReason = "completed"
        },
        AnswerSample(
            "an error with a number for a code", "openai", isStream: false,
            #"{"error":{"message":"too much","code":429,"type":null}}"#
        ) {
            ($0.model, $0.finishReason, $0.errorKind) = ("", "", "429")
        },
        AnswerSample(
            "an error that is a text", "openai", isStream: false, #"{"error":"model not found"}"#
        ) {
            ($0.model, $0.finishReason, $0.errorKind) = ("", "", "error")
        },
        AnswerSample(
            "an error as vLLM writes it", "openai", isStream: false,
            #"{"object":"error","message":"no","type":"NotFoundError","code":404}"#
        ) {
            ($0.model, $0.finishReason, $0.errorKind) = ("", "", "NotFoundError")
        },
    ]
}
