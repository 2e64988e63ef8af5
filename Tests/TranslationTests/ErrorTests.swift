import JSON
import Testing

@testable import Translation

/// Each class of failure as each dialect says it, for each client: statuses, words and delays.
@Suite("Errors of all pairs")
struct ErrorTests {
    /// A status, a body or a part of one.
    typealias Spelling = (status: Int, text: String)

    struct Row: CustomStringConvertible, Sendable {
        let description: String
        /// How vendors say it.
        let chat: [Spelling]
        let messages: [Spelling]
        let gemini: [Spelling]
        /// What clients get.
        let wanted: [Form: Spelling]
    }

    private static func openAI(
        _ status: Int, _ type: String, _ code: String? = nil, _ message: String = "why"
    ) -> Spelling {
        let code = code.map { "\"\($0)\"" } ?? "null"
        return (
            status,
            #"{"error":{"message":"\#(message)","type":"\#(type)","param":null,"code":\#(code)}}"#
        )
    }

    private static func anthropic(
        _ status: Int, _ type: String, _ message: String = "why"
    ) -> Spelling {
        (status, #"{"type":"error","error":{"type":"\#(type)","message":"\#(message)"}}"#)
    }

    private static func google(
        _ status: Int, _ word: String, _ message: String = "why"
    ) -> Spelling {
        (status, #"{"error":{"code":\#(status),"message":"\#(message)","status":"\#(word)"}}"#)
    }

    private static func wanted(
        _ chat: Spelling, _ responses: Spelling, _ messages: Spelling, _ gemini: Spelling
    ) -> [Form: Spelling] {
        [.chat: chat, .responses: responses, .messages: messages, .gemini: gemini]
    }

    private static let invalid = (400, "invalid_request_error")

    static let rows: [Row] = [
        Row(
            description: "a bad request", chat: [openAI(400, "invalid_request_error")],
            messages: [anthropic(400, "invalid_request_error")],
            gemini: [google(400, "INVALID_ARGUMENT"), google(400, "FAILED_PRECONDITION")],
            wanted: wanted(invalid, invalid, invalid, (400, "INVALID_ARGUMENT"))),
        Row(
            description: "a context that is too long",
            chat: [
                openAI(400, "invalid_request_error", "context_length_exceeded"),
                openAI(400, "invalid_request_error", nil, "maximum context length is 9 tokens"),
            ],
            messages: [
                anthropic(400, "invalid_request_error", "prompt is too long: 10 > 9 maximum"),
                anthropic(
                    400, "invalid_request_error",
                    "input length and `max_tokens` exceed context limit: 1 + 2 > 2"),
            ],
            gemini: [
                google(
                    400, "INVALID_ARGUMENT",
                    "The input token count (9) exceeds the maximum number of tokens allowed (8).")
            ],
            wanted: wanted(
                (400, "\"code\":\"context_length_exceeded\""),
                (400, "\"code\":\"context_length_exceeded\""),
                (400, "prompt is too long"), (400, "INVALID_ARGUMENT"))),
        Row(
            description: "a body that is too large", chat: [openAI(413, "invalid_request_error")],
            messages: [anthropic(413, "request_too_large")],
            gemini: [google(413, "X")],
            wanted: wanted(
                (413, "invalid_request_error"), (413, "invalid_request_error"),
                (413, "request_too_large"), (413, "INVALID_ARGUMENT"))),
        Row(
            description: "a credential that is refused",
            chat: [
                openAI(401, "invalid_request_error", "invalid_api_key"),
                openAI(401, "authentication_error"), openAI(403, "permission_error"),
            ],
            messages: [
                anthropic(401, "authentication_error"), anthropic(403, "permission_error"),
            ],
            gemini: [
                google(401, "UNAUTHENTICATED"), google(403, "PERMISSION_DENIED"),
                google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
            ],
            wanted: wanted(
                (502, "server_error"), (502, "server_error"), (502, "api_error"),
                (502, "INTERNAL"))),
        Row(
            description: "a balance that is spent",
            chat: [openAI(429, "insufficient_quota", "insufficient_quota")],
            messages: [anthropic(402, "billing_error")], gemini: [],
            wanted: wanted(
                (429, "insufficient_quota"), (429, "insufficient_quota"), (402, "billing_error"),
                (429, "RESOURCE_EXHAUSTED"))),
        Row(
            description: "a model that is not there",
            chat: [
                openAI(404, "invalid_request_error", "model_not_found"),
                openAI(400, "invalid_request_error", "model_not_found"),
            ],
            messages: [anthropic(404, "not_found_error", "model: x")],
            gemini: [google(404, "NOT_FOUND")],
            wanted: wanted(
                (404, "model_not_found"), (400, "model_not_found"), (404, "not_found_error"),
                (404, "NOT_FOUND"))),
        Row(
            description: "a limit of requests",
            chat: [
                openAI(429, "requests", "rate_limit_exceeded"), openAI(429, "tokens"),
                openAI(429, "usage_limit_reached"),
            ],
            messages: [anthropic(429, "rate_limit_error")],
            gemini: [google(429, "RESOURCE_EXHAUSTED")],
            wanted: wanted(
                (429, "rate_limit_exceeded"), (429, "rate_limit_exceeded"),
                (429, "rate_limit_error"), (429, "RESOURCE_EXHAUSTED"))),
        Row(
            description: "a vendor that is overloaded",
            chat: [
                openAI(503, "server_error", "server_is_overloaded"), openAI(503, "x", "slow_down"),
            ],
            messages: [anthropic(529, "overloaded_error")], gemini: [google(503, "UNAVAILABLE")],
            wanted: wanted(
                (503, "server_error"), (503, "server_is_overloaded"), (529, "overloaded_error"),
                (503, "UNAVAILABLE"))),
        Row(
            description: "a vendor that failed", chat: [openAI(500, "server_error")],
            messages: [anthropic(500, "api_error")], gemini: [google(500, "INTERNAL")],
            wanted: wanted(
                (500, "server_error"), (500, "\"code\":\"server_error\""), (500, "api_error"),
                (500, "INTERNAL"))),
        Row(
            description: "a vendor that took too long", chat: [openAI(504, "x")],
            messages: [anthropic(504, "timeout_error")],
            gemini: [google(504, "DEADLINE_EXCEEDED"), google(499, "CANCELLED")],
            wanted: wanted(
                (504, "timeout"), (504, "timeout"), (504, "timeout_error"),
                (504, "DEADLINE_EXCEEDED"))),
        Row(
            description: "a policy",
            chat: [
                openAI(400, "invalid_request_error", "content_policy_violation"),
                openAI(400, "invalid_request_error", "cyber_policy"),
                openAI(400, "invalid_request_error", "bio_policy"),
                openAI(400, "invalid_request_error", "misalignment_policy_violation"),
            ], messages: [], gemini: [],
            wanted: wanted(
                (400, "policy"), (400, "policy"), (400, "invalid_request_error"),
                (400, "INVALID_ARGUMENT"))),
        Row(
            description: "a call that the model malformed",
            chat: [openAI(400, "invalid_request_error", "tool_use_failed")], messages: [],
            gemini: [],
            wanted: wanted(
                (500, "server_error"), (500, "server_error"), (500, "api_error"),
                (500, "INTERNAL"))),
        Row(
            description: "a page of something in front of the vendor",
            chat: [(502, "<html>"), (502, "")], messages: [(502, "<html>")],
            gemini: [(502, "[]")],
            wanted: wanted(
                (502, "server_error"), (502, "server_error"), (502, "api_error"),
                (502, "INTERNAL"))),
    ]

    @Test("have the client's status and words", arguments: rows)
    func classes(_ row: Row) throws {
        let sources: [(Form, [Spelling])] = [
            (.chat, row.chat), (.responses, row.chat), (.messages, row.messages),
            (.gemini, row.gemini + row.gemini.map { ($0.status, "[\($0.text)]") }),
        ]
        for (source, spellings) in sources {
            for spelling in spellings {
                for target in Form.allCases where target != source {
                    let error = ErrorTranslation(
                        status: spelling.status, body: Array(spelling.text.utf8), retryAfter: "7",
                        from: source, to: target)
                    let text = String(decoding: error.body, as: UTF8.self)
                    let wanted = try #require(row.wanted[target])
                    #expect(
                        error.status == wanted.status && text.contains(wanted.text),
                        "\(source)>\(target): \(spelling) is \(error.status) \(text)")
                    #expect(error.retryAfter == "7")
                    try checkShape(text, error.status, target)
                    let isKnown = spelling.text.contains("why")
                    #expect(!isKnown || text.contains("why"))
                }
            }
        }
    }

    /// The members that the SDKs of a dialect read, of the types that they want.
    private func checkShape(_ text: String, _ status: Int, _ form: Form) throws {
        let body = try JSONValue(parsing: text)
        let error = try #require(body["error"])
        #expect(error["message"]?.text?.isEmpty == false)
        switch form {
        case .chat, .responses:
            #expect(error["type"]?.text != nil && error["param"] == .null)
            #expect(error["code"] != nil)
        case .messages: #expect(body["type"]?.text == "error" && error["type"]?.text != nil)
        case .gemini:
            #expect(error["code"]?.integer == status && error["status"]?.text != nil)
            // Google's clients look for the delay here.
            let delay = error["details"]?.elements?.first?["retryDelay"]
            #expect(delay?.text == "7s")
        }
    }

    @Test("say a delay that stands in the body, rounded up, in each client's way")
    func delays() throws {
        let body = #"""
            {"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"x"},{"@type":"y","retryDelay":"34.07s"}]}}
            """#
        for target in [Form.chat, .responses, .messages] {
            let error = ErrorTranslation(
                status: 429, body: Array(body.utf8), retryAfter: nil, from: .gemini, to: target)
            #expect(error.retryAfter == "35")
        }
        for odd in ["", "x", "1e99s", "-1s", "nans"] {
            let error = ErrorTranslation(
                status: 429, body: Array(body.replacing("34.07s", with: odd).utf8),
                retryAfter: nil, from: .gemini, to: .chat)
            #expect(error.retryAfter == nil, "\(odd)")
        }
        let plain = ErrorTranslation(
            status: 429, body: Array("{}".utf8), retryAfter: nil, from: .messages, to: .gemini)
        #expect(!String(decoding: plain.body, as: UTF8.self).contains("details"))
    }
}
