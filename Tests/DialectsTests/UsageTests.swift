import Dialects
import Primitives
import Support
import Testing

@Suite("Usage")
struct UsageTests {
    private static func facts(
        _ dialect: Dialect, _ text: String, isStream: Bool = false
    ) -> AnswerFacts {
        var observer = AnswerObserver(dialect: dialect, isEventStream: isStream)
        observer.take(Array(text.utf8).span, at: .now())
        observer.end(at: .now())
        return observer.facts
    }

    /// Spellings of numbers that no call can have, or that are none.
    private static let hostile = [
        "-1", "1.5", "1e400", "-1e400", "1e-400", "99999999999999999999999999", "\"12\"", "true",
        "null", "[]", "{}", "[[[[1]]]]", "{\"a\":{\"a\":{\"a\":1}}}",
        String(repeating: "9", count: 100_000), "1099511627777",
    ]

    @Test("numbers that no call can have are none, under every name", arguments: hostile)
    func hostileNumbers(_ number: String) {
        let names = [
            "prompt_tokens", "completion_tokens", "total_tokens", "cost", "cost_in_usd_ticks",
            "estimated_cost", "cached_tokens", "prompt_eval_count", "input_tokens",
            "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
            "promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount",
            "cachedContentTokenCount", "total_input_tokens", "inputTokens",
        ]
        let fields = names.map { "\"\($0)\":\(number)" }.joined(separator: ",")
        let details = #""promptTokensDetails":[{"modality":"AUDIO","tokenCount":\#(number)}]"#
        let usage = "{\(fields),\(details),\"cost_details\":\(number),\"iterations\":[\(number)]}"
        for (dialect, text) in [
            (Dialect.openai, #"{"choices":[],"usage":\#(usage)}"#),
            (.anthropic, #"{"type":"message","usage":\#(usage)}"#),
            (.gemini, #"{"usageMetadata":\#(usage)}"#),
            (.gemini, #"{"object":"interaction","usage":\#(usage)}"#),
            (.openai, #"{"prompt_eval_count":\#(number),"eval_count":\#(number),"done":true}"#),
        ] {
            let usage = Self.facts(dialect, text).usageFields.usage(of: dialect)
            for kind in TokenKind.allCases { #expect(usage.count(of: kind) == 0) }
        }
    }

    @Test("the largest numbers there can be add up without a trap")
    func largest() {
        let most = 1 << 40
        let names = [
            "input_tokens", "output_tokens", "cache_read_input_tokens",
            "cache_creation_input_tokens", "promptTokenCount", "toolUsePromptTokenCount",
            "thoughtsTokenCount", "candidatesTokenCount", "prompt_tokens", "completion_tokens",
            "reasoning_tokens", "cached_tokens", "prompt_cache_miss_tokens", "inputTokens",
            "total_input_tokens", "total_tool_use_tokens", "total_output_tokens",
            "total_thought_tokens",
        ]
        let fields = names.map { "\"\($0)\":\(most)" }.joined(separator: ",")
        for (dialect, text) in [
            (Dialect.openai, #"{"choices":[],"usage":{\#(fields)}}"#),
            (.anthropic, #"{"type":"message","usage":{\#(fields)}}"#),
            (.gemini, #"{"usageMetadata":{\#(fields)}}"#),
        ] {
            let usage = Self.facts(dialect, text).usageFields.usage(of: dialect)
            #expect((usage.input ?? 0) >= most)
            for kind in TokenKind.allCases { #expect(usage.count(of: kind) >= 0) }
        }
    }

    @Test("of a name that is repeated the last number counts, and no zero behind it")
    func repeated() {
        let facts = Self.facts(
            .openai,
            #"{"choices":[],"usage":{"prompt_tokens":5,"prompt_tokens":7,"#
                + #""prompt_tokens":0,"completion_tokens":1}}"#)
        #expect(facts.usageFields.usage(of: .openai).input == 7)
    }

    @Test("an account of zeros does not replace the one before it")
    func zeros() {
        let facts = Self.facts(
            .openai,
            #"data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1}}"# + "\n\n"
                + #"data: {"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}"#
                + "\n\n", isStream: true)
        #expect(facts.usageText == #"{"prompt_tokens":5,"completion_tokens":1}"#)
        #expect(facts.usageFields.usage(of: .openai).input == 5)
    }

    @Test(
        "an answer that something else follows is not understood",
        arguments: ["x", "\"a\"", "}", "]", "<html>"])
    func followed(_ rest: String) {
        let text = #"{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":5}}"#
        #expect(Self.facts(.openai, "\(text)\r\n ").isUnderstood)
        #expect(!Self.facts(.openai, text + rest).isUnderstood)
    }

    @Test("nesting without end is walked over, or refused")
    func nesting() {
        for depth in [30, 63, 64, 65, 300, 600, 100_000] {
            let deep =
                String(repeating: "{\"a\":[", count: depth / 2)
                + String(repeating: "]}", count: depth / 2)
            let facts = Self.facts(
                .openai, #"{"x":\#(deep),"usage":{"prompt_tokens":5,"completion_tokens":1}}"#)
            let input = facts.usageFields.usage(of: .openai).input
            #expect(input == (depth < 512 ? 5 : nil), "\(depth)")
        }
    }

    @Test("an account is closed by the end it comes with, and by no opening or chunk on the way")
    func closing() throws {
        let chunk =
            #"data: {"choices":[{"delta":{"content":"a"}}],"usage":"#
            + #"{"prompt_tokens":3,"completion_tokens":1}}"# + "\n\n"
        let finish = #"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"# + "\n\n"
        let alone = #"data: {"choices":[],"usage":{"prompt_tokens":3}}"# + "\n\n"
        let start =
            #"data: {"type":"message_start","message":{"usage":"#
            + #"{"input_tokens":3,"output_tokens":1}}}"# + "\n\n"
        let delta =
            #"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":"#
            + #"{"output_tokens":9}}"# + "\n\n"
        let onTheWay =
            #"data: {"type":"message_delta","delta":{},"usage":{"output_tokens":4}}"#
            + "\n\n"
        let part =
            #"data: {"candidates":[{"content":{"parts":[]}}],"usageMetadata":"#
            + #"{"promptTokenCount":3}}"# + "\n\n"
        let last =
            #"data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":"#
            + #"{"promptTokenCount":3}}"# + "\n\n"
        let cases: [(Dialect, String, Bool)] = [
            (.openai, chunk, false), (.openai, chunk + finish, false), (.openai, alone, true),
            (.openai, chunk + finish + alone, true), (.openai, finish + chunk, true),
            (.openai, chunk + "data: [DONE]\n\n", true), (.openai, finish, false),
            (.anthropic, start, false), (.anthropic, start + onTheWay, false),
            (.anthropic, start + delta, true), (.gemini, part, false), (.gemini, part + last, true),
            (.gemini, last + part, false),
        ]
        for (dialect, stream, isFinal) in cases {
            let facts = Self.facts(dialect, stream, isStream: true)
            #expect(facts.isUsageFinal == isFinal, "\(stream)")
        }
    }

    @Test("what a stream states before its answer is written is no account of a whole one")
    func openings() {
        func event(_ json: String) -> String { "data: \(json)\n\n" }
        let start = event(
            #"{"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":1}}}"#)
        func delta(_ usage: String) -> String {
            event(
                #"{"type":"message_delta","delta":{"stop_reason":"end_turn"}\#(usage)}"#)
                + event(#"{"type":"message_stop"}"#)
        }
        func response(_ type: String, _ status: String, _ usage: String) -> String {
            let response = #"{"object":"response","status":"\#(status)","usage":\#(usage)}"#
            return event(#"{"type":"response.\#(type)","response":\#(response)}"#)
        }
        let zeros = #"{"input_tokens":0,"output_tokens":0}"#
        let some = #"{"input_tokens":3,"output_tokens":9}"#
        func chunk(_ finish: String, _ usage: String) -> String {
            event(#"{"candidates":[{"content":{"parts":[]}\#(finish)}]\#(usage)}"#)
        }
        let counted = #","usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}"#
        let stop = #","finishReason":"STOP""#
        let cases: [(Dialect, String, Bool)] = [
            (.anthropic, start + delta(""), false),
            (.anthropic, start + delta(#","usage":null"#), false),
            (.anthropic, start + delta(#","usage":{"output_tokens":"5"}"#), false),
            (.anthropic, start + delta(#","usage":{"output_tokens":-4}"#), false),
            (.anthropic, start + delta(#","usage":{"output_tokens":0}"#), true),
            (.anthropic, start + delta(#","usage":{"output_tokens":9}"#), true),
            (
                .openai,
                response("created", "in_progress", zeros)
                    + response("completed", "completed", "null"), false
            ),
            (
                .openai,
                response("created", "in_progress", zeros)
                    + response("completed", "completed", some), true
            ),
            (.gemini, chunk("", counted) + chunk(stop, ""), false),
            (.gemini, chunk("", counted) + chunk(stop, counted), true),
            (.gemini, chunk(stop, "") + event(#"{"a":1\#(counted)}"#), true),
        ]
        for (dialect, stream, isAccount) in cases {
            let facts = Self.facts(dialect, stream, isStream: true)
            let account = facts.account(in: dialect, target: "/", isWhole: true)
            #expect((account != nil) == isAccount, "\(stream)")
        }
    }

    @Test("the tokens of other models are kept apart, by model")
    func others() throws {
        for sample in AnswerSample.all where sample.name.contains("another model's") {
            let facts = Self.facts(
                .anthropic, String(decoding: sample.body, as: UTF8.self), isStream: true)
            let others = ModelUsage.others(in: facts.usageText, besides: facts.model)
            let other = try #require(others.first)
            #expect(others.count == 1)
            #expect(other.model == (sample.name.contains("advisor") ? "big" : "m-0"))
            #expect(other.usage.output == (sample.name.contains("advisor") ? 200 : 90))
        }
        #expect(ModelUsage.others(in: #"{"input_tokens":1}"#, besides: "m").isEmpty)
        #expect(ModelUsage.others(in: "\"iterations\"[", besides: "m").isEmpty)
    }
}
