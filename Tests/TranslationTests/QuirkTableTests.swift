import Testing

@testable import Translation

/// What is known of models, as facts say it: a row of the table that is lost shows here.
@Suite("The table of models")
struct QuirkTableTests {
    private static func request(
        _ members: String, to target: Form, model: String, from source: Form = .chat
    ) throws -> (body: RawJSON, lost: [String]) {
        let translation = try RequestTranslation(
            try Census.body(source, members), from: source, to: target,
            quirks: QuirkTable.quirks(of: model, target), model: model)
        return (RawJSON(walked: translation.body[...]), translation.losses.map(\.description))
    }

    @Test(
        "keeps temperature from OpenAI's models that think",
        arguments: ["o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-mini", "gpt-5.1", "gpt-6"])
    func sampling(_ model: String) throws {
        for target in [Form.responses, .chat] {
            let (body, lost) = try Self.request(
                #""max_tokens":99,"temperature":0.5"#, to: target, model: model, from: .messages)
            #expect(body["temperature"] == nil)
            #expect(lost == ["-temperature"])
        }
        let (body, lost) = try Self.request(
            #""logprobs":true,"frequency_penalty":0.5"#, to: .responses, model: model)
        #expect(body["include"]?.elements.count == 1)
        #expect(Set(lost) == ["-logprobs", "-frequency_penalty"])
    }

    @Test("leaves temperature to newer ones without effort", arguments: ["gpt-5.1", "gpt-6"])
    func unthinking(_ model: String) throws {
        let (body, lost) = try Self.request(
            #""temperature":0.5,"reasoning_effort":"none""#, to: .responses, model: model)
        #expect(body["temperature"]?.spelling == "0.5")
        #expect(lost.isEmpty)
    }

    @Test("leaves all to models that sample", arguments: ["gpt-4o", "gpt-4.1", "olmo-2", "m"])
    func plain(_ model: String) throws {
        let (body, lost) = try Self.request(
            #""temperature":0.5,"stop_sequences":["a"],"system":"S""#, to: .chat, model: model,
            from: .messages)
        #expect(body["temperature"]?.spelling == "0.5")
        #expect(body["stop"]?.elements.count == 1)
        #expect(body["messages"]?.elements.first?["role"]?.plain == "system")
        #expect(lost.isEmpty)
    }

    @Test("keeps stop words from models that take none", arguments: ["o3", "o4-mini-2025-04-16"])
    func stop(_ model: String) throws {
        let (body, lost) = try Self.request(
            #""stop_sequences":["a"]"#, to: .chat, model: model, from: .messages)
        #expect(body["stop"] == nil)
        #expect(lost == ["-stop_sequences"])
    }

    @Test("asks for no effort beside functions where chat refuses it")
    func toolEffort() throws {
        let tools = #""tools":[{"name":"f","input_schema":{"type":"object"}}]"#
        let asks = #"\#(tools),"output_config":{"effort":"high"}"#
        for model in ["gpt-5.4", "gpt-5.5-pro", "gpt-5.6", "gpt-6-astra"] {
            let (body, lost) = try Self.request(asks, to: .chat, model: model, from: .messages)
            #expect(body["reasoning_effort"]?.plain == "none")
            #expect(lost == ["~output_config.effort"])
            let other = try Self.request(asks, to: .responses, model: model, from: .messages)
            #expect(other.body["reasoning"]?["effort"]?.plain == "high")
        }
        let (body, lost) = try Self.request(tools, to: .chat, model: "gpt-5.6", from: .messages)
        #expect(body["reasoning_effort"]?.plain == "none")
        #expect(lost == ["+reasoning_effort"])
    }

    @Test(
        "asks for efforts that are known",
        arguments: [
            (Form.messages, "claude-opus-4-6", "xhigh", "high"),
            (.messages, "claude-sonnet-4-6", "max", "max"),
            (.messages, "claude-opus-4-8", "xhigh", "xhigh"),
            (.responses, "gpt-5.4", "max", "xhigh"), (.responses, "gpt-5.6", "max", "max"),
            (.responses, "o3", "max", "high"), (.responses, "gpt-5", "minimal", "minimal"),
            (.responses, "gpt-5.1", "minimal", "low"), (.responses, "gpt-5.1", "none", "none"),
            (.responses, "gpt-5", "none", "minimal"), (.responses, "o3", "none", "low"),
            (.responses, "gpt-5-pro", "low", "high"), (.responses, "gpt-5.4", "none", "none"),
            (.responses, "gpt-5.1-codex", "none", "low"),
            (.responses, "gpt-5.3-codex", "none", "low"),
            (.responses, "gpt-5.5-pro", "none", "medium"),
            (.responses, "gpt-5.5-pro", "low", "medium"),
        ])
    func efforts(_ target: Form, _ model: String, _ asked: String, _ written: String) throws {
        let (body, lost) = try Self.request(
            #""max_tokens":9999,"reasoning_effort":"\#(asked)""#, to: target, model: model)
        let effort = (body["output_config"] ?? body["reasoning"])?["effort"]?.plain
        #expect(effort == written)
        #expect(lost.contains("~reasoning_effort") == (asked != written))
    }

    @Test("asks OpenAI's models for efforts instead of budgets, and of rest that they do not know")
    func budgets() throws {
        let cases = [
            ("gpt-5.1", #""thinking":{"type":"enabled","budget_tokens":2000}"#, "low"),
            ("gpt-5", #""thinking":{"type":"enabled","budget_tokens":2000}"#, "minimal"),
            ("gpt-5", #""thinking":{"type":"disabled"}"#, "minimal"),
            ("gpt-5.1", #""thinking":{"type":"disabled"}"#, "none"),
            ("gpt-5.5", #""thinking":{"type":"disabled"}"#, "none"),
            ("gpt-5.3-codex", #""thinking":{"type":"disabled"}"#, "low"),
            ("o3", #""thinking":{"type":"disabled"}"#, "low"),
        ]
        for (model, wish, effort) in cases {
            let (body, lost) = try Self.request(
                #""max_tokens":9999,\#(wish)"#, to: .chat, model: model, from: .messages)
            #expect(body["reasoning_effort"]?.plain == effort)
            #expect(lost.isEmpty == (effort == "none"))
        }
    }

    @Test("asks no model to think that does not", arguments: ["gpt-4o-mini", "gpt-4.1"])
    func thoughtless(_ model: String) throws {
        for (wish, losses) in [
            (#""thinking":{"type":"adaptive"},"output_config":{"effort":"low"}"#, 2),
            (#""thinking":{"type":"disabled"}"#, 0),
        ] {
            let members = #""max_tokens":9999,\#(wish)"#
            let chat = try Self.request(members, to: .chat, model: model, from: .messages)
            #expect(chat.body["reasoning_effort"] == nil && chat.lost.count == losses)
            let other = try Self.request(members, to: .responses, model: model, from: .messages)
            #expect(other.body["reasoning"] == nil && other.lost.count == losses)
            #expect(other.body["include"] == nil)
        }
    }

    @Test("asks Anthropic's models for what they take")
    func anthropic() throws {
        let fable = try Self.request(
            #""max_tokens":99,"reasoning_effort":"none""#, to: .messages, model: "claude-fable-5")
        #expect(fable.body["thinking"] == nil)
        #expect(fable.lost == ["-reasoning_effort"])
        for model in ["claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-1"] {
            let both = #""max_tokens":9999,"temperature":0.5,"top_p":0.9"#
            let plain = try Self.request(both, to: .messages, model: model)
            #expect(plain.body["temperature"] != nil && plain.body["top_p"] == nil)
            let thinking = try Self.request(
                #"\#(both),"reasoning_effort":"low""#, to: .messages, model: model)
            #expect(thinking.body["thinking"] != nil)
            #expect(thinking.body["temperature"] == nil && thinking.body["top_p"] == nil)
        }
        let format = """
            "max_tokens":99,"response_format":{"type":"json_schema","json_schema":\
            {"name":"o","schema":{"type":"object"}}}
            """
        #expect(throws: Refusal.self) {
            try Self.request(format, to: .messages, model: "claude-3-haiku-20240307")
        }
        #expect(throws: Never.self) {
            try Self.request(format, to: .messages, model: "claude-sonnet-4-5")
        }
    }

    @Test("asks Gemini's models to think as they can")
    func gemini() throws {
        let off = #""thinking":{"type":"disabled"}"#
        for (model, budget) in [("gemini-2.5-pro", 128), ("gemini-2.5-flash", 0)] {
            let (body, lost) = try Self.request(off, to: .gemini, model: model, from: .messages)
            let config = body["generationConfig"]?["thinkingConfig"]
            #expect(config?["thinkingBudget"]?.integer == budget)
            #expect(lost == (budget > 0 ? ["~thinking"] : []))
        }
        let (body, lost) = try Self.request(
            #""thinking":{"type":"enabled","budget_tokens":2000}"#, to: .gemini,
            model: "gemini-2.0-flash", from: .messages)
        #expect(body["generationConfig"]?["thinkingConfig"] == nil)
        #expect(lost == ["-thinking.budget_tokens", "-thinking"])
    }

    @Test(
        "an own request thinks and samples as the model does",
        arguments: [
            // Thinking beside temperature and its kin.
            (
                "claude-sonnet-4-5", #""thinking":{"type":"enabled","budget_tokens":2000}"#,
                #""temperature":0.5,"top_k":5,"top_p":0.9"#,
                #"{"type":"enabled","budget_tokens":2000}"#,
                ["-temperature", "-top_k", "-top_p"]
            ),
            (
                "claude-sonnet-4-5", #""thinking":{"type":"enabled","budget_tokens":2000}"#,
                #""temperature":1.0"#, #"{"type":"enabled","budget_tokens":2000}"#, []
            ),
            (
                "claude-sonnet-4-5", #""thinking":{"type":"disabled"}"#, #""temperature":0.5"#,
                #"{"type":"disabled"}"#, []
            ),
            (
                "m", #""thinking":{"type":"adaptive"}"#, #""temperature":0.5"#,
                #"{"type":"adaptive"}"#, []
            ),
            ("claude-opus-4-8", #""system":"S""#, #""temperature":0.5"#, nil, ["-temperature"]),
            // The way of thinking.
            (
                "claude-opus-4-8", #""thinking":{"type":"enabled","budget_tokens":2000}"#,
                #""system":"S""#,
                #"{"type":"adaptive"}"#, ["~thinking.budget_tokens"]
            ),
            (
                "claude-sonnet-4-5", #""thinking":{"type":"adaptive"}"#, #""system":"S""#,
                #"{"type":"enabled","budget_tokens":9998}"#, ["~thinking"]
            ),
            (
                "claude-sonnet-4-5", #""thinking":{"type":"adaptive"}"#,
                #""tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"any"}"#,
                nil, ["-thinking"]
            ),
            (
                "claude-3-haiku-1", #""thinking":{"type":"enabled","budget_tokens":2000}"#,
                #""system":"S""#,
                nil, ["-thinking.budget_tokens", "-thinking"]
            ),
            (
                "claude-fable-5", #""thinking":{"type":"disabled"}"#, #""system":"S""#, nil,
                ["-thinking"]
            ),
        ] as [(String, String, String, String?, [String])])
    func own(
        _ model: String, _ thinking: String, _ other: String, _ written: String?, _ lost: [String]
    ) throws {
        let (body, losses) = try Self.request(
            #""max_tokens":9999,\#(thinking),\#(other)"#, to: .messages, model: model,
            from: .messages)
        #expect(body["thinking"]?.spelling == written)
        #expect(losses == lost)
    }

    @Test("gives calls the names that a model takes, each its own, the same in every turn")
    func callNames() throws {
        let call = { (id: String) in
            #"{"type":"tool_use","id":"\#(id)","name":"f","input":{}}"#
        }
        let result = { (id: String) in
            #"{"type":"tool_result","tool_use_id":"\#(id)","content":""}"#
        }
        let ids = ["toolu_1", "abcdefgh1", "toolu-1"]
        let messages = """
            "max_tokens":99,"messages":[{"role":"user","content":"a"},\
            {"role":"assistant","content":[\
            \(ids.map(call).joined(separator: ","))]},{"role":"user","content":[\
            \(ids.map(result).joined(separator: ","))]}]
            """
        let (body, lost) = try Self.request(
            messages, to: .chat, model: "mistral-large", from: .messages)
        let turns = try #require(body["messages"]?.elements)
        let calls = turns.flatMap {
            $0["tool_calls"]?.elements.compactMap { $0["id"]?.plain } ?? []
        }
        #expect(calls.count == 3 && calls[1] == "abcdefgh1" && Set(calls).count == 3)
        #expect(calls.allSatisfy { $0.utf8.count == 9 && !$0.contains("_") })
        #expect(turns.compactMap { $0["tool_call_id"]?.plain } == calls)
        #expect(lost.isEmpty)
        let again = try Self.request(messages, to: .chat, model: "mistral-large", from: .messages)
        #expect(again.body.spelling == body.spelling)
    }
}
