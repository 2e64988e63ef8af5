import Testing

@testable import Translation

@Suite("Questions how many tokens a request has")
struct CountTests {
    /// A request of each form that says more than what counts.
    private static let requests: [Form: String] = [
        .responses:
            #"{"model":"m","instructions":"S","input":"q","temperature":1.0,"store":false,"#
            + #""max_output_tokens":50,"tools":[{"type":"function","name":"f","#
            + #""parameters":{"type":"object","properties":{"a":{"type":"string"}}}}]}"#,
        .messages:
            #"{"model":"m","system":"S","messages":[{"role":"user","content":"q"}],"#
            + #""tools":[{"name":"f","input_schema":{"type":"object","#
            + #""properties":{"a":{"type":"string"}}}}]}"#,
        .gemini:
            #"{"generateContentRequest":{"model":"models/m","#
            + #""systemInstruction":{"parts":[{"text":"S"}]},"#
            + #""contents":[{"role":"user","parts":[{"text":"q"}]}],"#
            + #""generationConfig":{"maxOutputTokens":5},"tools":[{"functionDeclarations":["#
            + #"{"name":"f","parametersJsonSchema":{"type":"object","#
            + #""properties":{"a":{"type":"string"}}}}]}]}}"#,
    ]

    private static let countedForms = Form.allCases.filter(CountTranslation.exists)

    @Test("have the prompt and the tools, and nothing that does not count", arguments: countedForms)
    func questions(_ source: Form) throws {
        #expect(Self.countedForms == [.responses, .messages, .gemini])
        let text = try #require(Self.requests[source])
        let body = CountTranslation.request(try RawJSON(parsing: Array(text.utf8)))
        for target in Self.countedForms where target != source {
            let path = source == .gemini ? (model: "m", isStreamed: false) : nil
            let request = try RequestTranslation(
                body, from: source, to: target, model: "n", path: path)
            let question = try RawJSON(
                parsing: try CountTranslation.body(request.body, in: target, model: "n"))
            let text = String(decoding: question.bytes, as: UTF8.self)
            #expect(text.contains("\"S\"") && text.contains("\"q\"") && text.contains("\"f\""))
            let name = question["generateContentRequest"]?["model"] ?? question["model"]
            #expect(name?.plain == (target == .gemini ? "models/n" : "n"))
            let names = Set(question.members.map(\.name))
            switch target {
            case .messages:
                #expect(names == ["model", "messages", "system", "tools"])
            case .responses, .chat:
                #expect(
                    names.isSubset(of: ["model", "input", "instructions", "tools", "reasoning"]))
            case .gemini: #expect(names == ["generateContentRequest"])
            }
            // What the target's answer would need, and its count does not, is no loss.
            let losses = CountTranslation.losses(request.losses, in: target)
            #expect(!losses.contains { $0.path == "max_tokens" })
        }
    }

    @Test("are answered in the client's form")
    func answers() throws {
        let spelled: [Form: String] = [
            .responses: #"{"object":"response.input_tokens","input_tokens":14}"#,
            .messages: #"{"input_tokens":14}"#, .gemini: #"{"totalTokens":14}"#,
        ]
        for source in Self.countedForms {
            let body = try RawJSON(parsing: Array(try #require(spelled[source]).utf8))
            for target in Self.countedForms {
                let answer = CountTranslation.answer(body, from: source, to: target)
                #expect(answer.map { String(decoding: $0, as: UTF8.self) } == spelled[target])
            }
            for odd in ["{}", "[]", "{\"input_tokens\":\"1\",\"totalTokens\":1.5}"] {
                let body = try RawJSON(parsing: Array(odd.utf8))
                #expect(CountTranslation.answer(body, from: source, to: .messages) == nil)
            }
        }
    }

    @Test("go to the paths of the dialects")
    func paths() {
        #expect(CountTranslation.path(in: .messages, model: "m") == "/v1/messages/count_tokens")
        #expect(CountTranslation.path(in: .responses, model: "m") == "/v1/responses/input_tokens")
        #expect(
            CountTranslation.path(in: .gemini, model: "a/b") == "/v1beta/models/a%2Fb:countTokens")
    }
}
