// The many fields in which vendors put their tokens and their cost.
extension AnswerSample {
    private static func chat(
        _ name: String, _ usage: String, beside: String = "", _ input: Int, _ output: Int,
        _ expect: (inout AnswerSample) -> Void
    ) -> AnswerSample {
        AnswerSample(
            name, "openai", isStream: false,
            #"{"id":"c","object":"chat.completion","created":1,"model":"m-1",\#(beside)"choices":["#
                + #"{"index":0,"message":{"role":"assistant","content":"\"usage\":{}"},"#
                + #""finish_reason":"stop"}],"usage":{\#(usage)}}"#
        ) {
            tokens(input, output)(&$0)
            expect(&$0)
        }
    }

    static let accounts = caches + costs + strangers + modalities + tiers + corrections

    private static let caches: [AnswerSample] = [
        chat(
            "Moonshot's cache beside its tokens",
            #""prompt_tokens":90,"completion_tokens":4,"total_tokens":94,"cached_tokens":64"#,
            90, 4
        ) { $0.cacheRead = 64 },
        chat(
            "Mistral's cache under a name of its own",
            #""prompt_tokens":90,"completion_tokens":4,"num_cached_tokens":32"#, 90, 4
        ) { $0.cacheRead = 32 },
        chat(
            "a cache in the singular",
            #""prompt_tokens":90,"completion_tokens":4,"prompt_token_details":{"cached_tokens":7}"#,
            90, 4
        ) { $0.cacheRead = 7 },
        chat(
            "a zero in the shape, the truth beside it",
            #""prompt_tokens":90,"completion_tokens":4,"#
                + #""prompt_tokens_details":{"cached_tokens":0},"#
                + #""prompt_cache_hit_tokens":80,"prompt_cache_miss_tokens":10"#, 90, 4
        ) { $0.cacheRead = 80 },
        chat(
            "DashScope's cache that was written",
            #""prompt_tokens":90,"completion_tokens":4,"prompt_tokens_details":{"#
                + #""cached_tokens":10,"cache_creation_input_tokens":50,"#
                + #""cache_creation":{"ephemeral_5m_input_tokens":50}}"#, 90, 4
        ) { ($0.cacheRead, $0.cacheWrite) = (10, 50) },
        chat(
            "a relay of Anthropic's",
            #""prompt_tokens":90,"completion_tokens":4,"cache_read_input_tokens":20,"#
                + #""cache_creation_input_tokens":30"#, 90, 4
        ) { ($0.cacheRead, $0.cacheWrite) = (20, 30) },
        chat(
            "Bedrock's input without its caches",
            #""inputTokens":5,"outputTokens":4,"totalTokens":29,"cacheReadInputTokens":20"#, 25, 4
        ) { $0.cacheRead = 20 },
        chat(
            "a relay's zeros under the other's names",
            #""prompt_tokens":0,"completion_tokens":0,"input_tokens":9,"output_tokens":4"#, 9, 4
        ) { _ in },
        chat("a completion from the total", #""prompt_tokens":9,"total_tokens":12"#, 9, 3) { _ in },
        chat("a prompt from the total", #""completion_tokens":3,"total_tokens":12"#, 9, 3) { _ in },
    ]

    private static let costs: [AnswerSample] = [
        chat(
            "xAI's ticks",
            #""prompt_tokens":9,"completion_tokens":4,"total_tokens":19,"#
                + #""completion_tokens_details":{"reasoning_tokens":6},"#
                + #""cost_in_usd_ticks":37756000"#, 9, 10
        ) { ($0.reasoning, $0.nanodollars) = (6, 3_775_600) },
        chat(
            "OpenRouter's cost", #""prompt_tokens":9,"completion_tokens":4,"cost":0.00095"#, 9, 4
        ) { $0.nanodollars = 950_000 },
        chat(
            "OpenRouter's part, and that of the caller's own key",
            #""prompt_tokens":9,"completion_tokens":4,"cost":0.0001,"is_byok":true,"#
                + #""cost_details":{"upstream_inference_cost":0.002}"#, 9, 4
        ) { $0.nanodollars = 2_100_000 },
        chat(
            "a cost that is its upstream's is not taken twice",
            #""prompt_tokens":9,"completion_tokens":4,"cost":0.002,"is_byok":false,"#
                + #""cost_details":{"upstream_inference_cost":0.002}"#, 9, 4
        ) { $0.nanodollars = 2_000_000 },
        chat(
            "Perplexity's parts and their total",
            #""prompt_tokens":9,"completion_tokens":4,"cost":{"input_tokens_cost":0.001,"#
                + #""request_cost":0.005,"total_cost":0.0061,"currency":"usd"}"#, 9, 4
        ) { $0.nanodollars = 6_100_000 },
        chat(
            "DeepInfra's estimate",
            #""prompt_tokens":9,"completion_tokens":4,"estimated_cost":2.68e-05"#, 9, 4
        ) { $0.nanodollars = 26_800 },
        chat(
            "a cost in another money",
            #""prompt_tokens":9,"completion_tokens":4,"cost":3.5,"currency":"CNY""#, 9, 4
        ) { _ in },
        chat("free", #""prompt_tokens":9,"completion_tokens":4,"cost":0"#, 9, 4) {
            $0.nanodollars = 0
        },
    ]

    private static let strangers: [AnswerSample] = [
        AnswerSample(
            "Ollama's lines", "openai", isStream: false,
            [
                #"{"model":"m-1","message":{"role":"assistant","content":"a"},"done":false}"#,
                #"{"model":"m-1","message":{"role":"assistant","content":"b"},"done":false}"#,
                #"{"model":"m-1","message":{"content":""},"done":true,"done_reason":"stop","#
                    + #""total_duration":5000,"prompt_eval_count":26,"eval_count":298}"#,
            ].joined(separator: "\n") + "\n", tokens(26, 298)),
        AnswerSample(
            "Ollama's text, which is called a response", "openai", isStream: false,
            #"{"model":"m-1","response":"a {\"eval_count\":1}","done":true,"done_reason":"length","#
                + #""context":[1,2,3],"eval_count":3,"prompt_eval_count":2}"#
        ) {
            tokens(2, 3)(&$0)
            $0.finishReason = "length"
        },
        AnswerSample(
            "Cohere's events: what is billed is not what was read", "openai", isStream: true,
            named([
                ("message-start", #"{"id":"m","type":"message-start","delta":{"message":{}}}"#),
                (
                    "content-delta",
                    #"{"type":"content-delta","index":0,"#
                        + #""delta":{"message":{"content":{"text":"a"}}}}"#
                ),
                (
                    "message-end",
                    #"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"#
                        + #""billed_units":{"input_tokens":119.0,"output_tokens":7},"#
                        + #""tokens":{"input_tokens":1549,"output_tokens":9},"cached_tokens":16}}}"#
                ),
            ])
        ) {
            tokens(119, 7)(&$0)
            ($0.model, $0.cacheRead, $0.finishReason) = ("", 16, "COMPLETE")
        },
        AnswerSample(
            "Cohere's lines of the first version", "openai", isStream: false,
            #"{"event_type":"stream-start","generation_id":"g"}"# + "\n"
                + #"{"event_type":"text-generation","text":"a"}"# + "\n"
                + #"{"event_type":"stream-end","finish_reason":"COMPLETE","response":{"text":"a","#
                + #""meta":{"billed_units":{"input_tokens":4,"output_tokens":2}}}}"#
        ) {
            tokens(4, 2)(&$0)
            ($0.model, $0.finishReason) = ("", "COMPLETE")
        },
        AnswerSample(
            "Cohere's embeddings", "openai", isStream: false,
            #"{"id":"e","embeddings":{"float":[[0.1,-2e-3],[3,4]]},"texts":["a"],"#
                + #""meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":6}}}"#
        ) { ($0.model, $0.finishReason, $0.input) = ("", "", 6) },
        AnswerSample(
            "embeddings of which the total is all that is said", "openai", isStream: false,
            #"{"object":"list","data":[{"object":"embedding","embedding":[0.1,0.2],"index":0}],"#
                + #""model":"m-1","usage":{"total_tokens":10}}"#
        ) { ($0.finishReason, $0.input) = ("", 10) },
        AnswerSample(
            "a ranking of which the total is all that is said", "openai", isStream: false,
            #"{"model":"m-1","usage":{"total_tokens":15},"results":[{"index":0,"#
                + #""relevance_score":0.8,"document":{"text":"\\\"}]"}}]}"#
        ) { ($0.finishReason, $0.input) = ("", 15) },
        chat("a total that tells nothing of its parts", #""total_tokens":15"#, 0, 0) {
            ($0.input, $0.output) = (nil, nil)
        },
    ]

    private static let modalities: [AnswerSample] = [
        AnswerSample(
            "a transcript", "openai", isStream: false,
            #"{"text":"a","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"#
                + #""text_tokens":2,"audio_tokens":12},"output_tokens":45,"total_tokens":59}}"#
        ) {
            tokens(14, 45)(&$0)
            ($0.model, $0.finishReason, $0.audioInput) = ("", "", 12)
        },
        AnswerSample(
            "pictures", "openai", isStream: false,
            #"{"created":1,"data":[{"b64_json":"iVBORw0KGgo="}],"usage":{"input_tokens":50,"#
                + #""output_tokens":1056,"total_tokens":1106,"input_tokens_details":{"#
                + #""text_tokens":10,"image_tokens":40},"output_tokens_details":{"#
                + #""image_tokens":1000,"text_tokens":56}}}"#
        ) {
            tokens(50, 1056)(&$0)
            ($0.model, $0.finishReason, $0.imageInput, $0.imageOutput) = ("", "", 40, 1000)
        },
        chat(
            "sound that a cache had",
            #""input_tokens":100,"output_tokens":4,"input_token_details":{"text_tokens":40,"#
                + #""audio_tokens":60,"cached_tokens":50,"cached_tokens_details":{"#
                + #""text_tokens":20,"audio_tokens":30}}"#, 100, 4
        ) { ($0.cacheRead, $0.audioInput) = (50, 30) },
        AnswerSample(
            "Gemini's pictures and sound, a part of them from a cache", "gemini", isStream: false,
            #"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"iVBORw"}}]},"#
                + #""finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":700,"#
                + #""candidatesTokenCount":1290,"totalTokenCount":1990,"#
                + #""cachedContentTokenCount":300,"promptTokensDetails":["#
                + #"{"modality":"TEXT","tokenCount":100},{"modality":"IMAGE","tokenCount":258},"#
                + #"{"modality":"AUDIO","tokenCount":342}],"cacheTokensDetails":["#
                + #"{"modality":"AUDIO","tokenCount":300}],"candidatesTokensDetails":["#
                + #"{"modality":"IMAGE","tokenCount":1290}]},"modelVersion":"m-1"}"#
        ) {
            tokens(700, 1290)(&$0)
            ($0.finishReason, $0.cacheRead) = ("STOP", 300)
            ($0.imageInput, $0.audioInput, $0.imageOutput) = (258, 42, 1290)
        },
        AnswerSample(
            "an interaction's modalities", "gemini", isStream: false,
            #"{"object":"interaction","model":"m-1","status":"completed","service_tier":"flex","#
                + #""usage":{"total_input_tokens":20,"total_output_tokens":5,"#
                + #""total_thought_tokens":2,"input_tokens_by_modality":["#
                + #"{"modality":"audio","tokens":12}]}}"#
        ) {
            tokens(20, 7)(&$0)
            ($0.finishReason, $0.reasoning, $0.audioInput) = ("completed", 2, 12)
            $0.tier = "flex"
        },
    ]

    private static let tiers: [AnswerSample] = [
        chat(
            "a flexible chat", #""prompt_tokens":9,"completion_tokens":4"#,
            beside: #""service_tier":"flex","#, 9, 4
        ) { $0.tier = "flex" },
        chat(
            "a chat that asked for what it did not get",
            #""prompt_tokens":9,"completion_tokens":4"#,
            beside: #""service_tier":"default","#, 9, 4
        ) { _ in },
        AnswerSample(
            "a response in haste", "openai", isStream: true,
            events(
                [
                    #"{"type":"response.created","#
                        + #""response":{"model":"m-1","service_tier":"auto"}}"#,
                    #"{"type":"response.completed","response":{"object":"response","model":"m-1","#
                        + #""status":"completed","service_tier":"priority","usage":{"#
                        + #""input_tokens":9,"output_tokens":4,"input_tokens_details":{"#
                        + #""cached_tokens":1,"cache_write_tokens":3}}}}"#,
                ], end: "")
        ) {
            tokens(9, 4)(&$0)
            ($0.finishReason, $0.tier) = ("completed", "priority")
            ($0.cacheRead, $0.cacheWrite) = (1, 3)
        },
        AnswerSample(
            "a message of a batch", "anthropic", isStream: false,
            #"{"type":"message","model":"m-1","stop_reason":"end_turn","usage":{"#
                + #""input_tokens":9,"output_tokens":4,"service_tier":"batch"}}"#
        ) {
            tokens(9, 4)(&$0)
            ($0.finishReason, $0.tier) = ("end_turn", "batch")
        },
        AnswerSample(
            "a fast message", "anthropic", isStream: false,
            #"{"type":"message","model":"m-1","stop_reason":"end_turn","usage":{"#
                + #""input_tokens":9,"output_tokens":4,"service_tier":"standard","speed":"fast"}}"#
        ) {
            tokens(9, 4)(&$0)
            ($0.finishReason, $0.tier) = ("end_turn", "fast")
        },
        AnswerSample(
            "Vertex's traffic", "gemini", isStream: false,
            #"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"#
                + #""candidatesTokenCount":4,"trafficType":"ON_DEMAND_FLEX"},"modelVersion":"m-1"}"#
        ) {
            tokens(9, 4)(&$0)
            ($0.finishReason, $0.tier) = ("STOP", "flex")
        },
    ]

    private static func message(_ start: String, _ delta: String) -> String {
        named([
            (
                "message_start",
                #"{"type":"message_start","message":{"type":"message","model":"m-1","#
                    + #""usage":{\#(start)}}}"#
            ),
            (
                "message_delta",
                #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{\#(delta)}}"#
            ), ("message_stop", #"{"type":"message_stop"}"#),
        ])
    }

    private static let corrections: [AnswerSample] = [
        AnswerSample(
            "zeros at the end say nothing", "anthropic", isStream: true,
            message(
                #""input_tokens":30,"cache_read_input_tokens":20,"output_tokens":1"#,
                #""input_tokens":0,"cache_read_input_tokens":0,"output_tokens":12,"#
                    + #""cache_creation":null"#)
        ) {
            tokens(50, 12)(&$0)
            ($0.finishReason, $0.cacheRead) = ("end_turn", 20)
        },
        AnswerSample(
            "a guess at the opening, split by its correction", "anthropic", isStream: true,
            message(
                #""input_tokens":1000,"output_tokens":9"#,
                #""input_tokens":40,"cache_read_input_tokens":960,"output_tokens":6"#)
        ) {
            tokens(1000, 9)(&$0)
            ($0.finishReason, $0.cacheRead) = ("end_turn", 960)
        },
        AnswerSample(
            "an hour's cache without its sum", "anthropic", isStream: true,
            message(
                #""input_tokens":3,"cache_creation":{"ephemeral_1h_input_tokens":70},"#
                    + #""output_tokens":1"#, #""output_tokens":5"#)
        ) {
            tokens(73, 5)(&$0)
            ($0.finishReason, $0.cacheWrite, $0.cacheWriteLong) = ("end_turn", 0, 70)
        },
        AnswerSample(
            "an advisor's tokens are another model's", "anthropic", isStream: true,
            message(
                #""input_tokens":10,"output_tokens":1"#,
                #""input_tokens":10,"output_tokens":8,"iterations":["#
                    + #"{"type":"message","input_tokens":10,"output_tokens":3},"#
                    + #"{"type":"advisor_message","model":"big","input_tokens":900,"#
                    + #""output_tokens":200},"#
                    + #"{"type":"message","input_tokens":14,"output_tokens":5}]"#)
        ) {
            tokens(24, 8)(&$0)
            $0.finishReason = "end_turn"
        },
        AnswerSample(
            "a fallback's tokens are another model's", "anthropic", isStream: true,
            message(
                #""input_tokens":10,"output_tokens":1"#,
                #""input_tokens":10,"output_tokens":8,"iterations":["#
                    + #"{"type":"message","model":"m-1-20260101","input_tokens":10,"#
                    + #""output_tokens":8},{"type":"fallback_message","model":"m-0","#
                    + #""input_tokens":12,"output_tokens":90}]"#)
        ) {
            tokens(10, 8)(&$0)
            $0.finishReason = "end_turn"
        },
        AnswerSample(
            "a last chunk that counts less", "gemini", isStream: true,
            [
                #"{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"modelVersion":"m-1","#
                    + #""usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":4}}"#,
                #"{"candidates":[{"finishReason":"STOP"}],"#
                    + #""usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2}}"#,
                #"{"usageMetadata":{"candidatesTokenCount":0,"trafficType":"ON_DEMAND"}}"#,
            ].map { "data: \($0)\r\n\r\n" }.joined()
        ) {
            tokens(9, 4)(&$0)
            $0.finishReason = "STOP"
        },
        AnswerSample(
            "usage that a later chunk takes back", "openai", isStream: true,
            events([
                #"{"model":"m-1","choices":[{"delta":{"content":"a"},"finish_reason":"stop"}],"#
                    + #""usage":{"prompt_tokens":9,"completion_tokens":4,"#
                    + #""prompt_tokens_details":{"cached_tokens":5}}}"#,
                #"{"model":"m-1","choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"#
                    + #""prompt_tokens_details":null}}"#,
            ])
        ) {
            tokens(9, 4)(&$0)
            $0.cacheRead = 5
        },
    ]
}
