/// Why a vendor has no answer, in no dialect.
struct AnswerFailure: Sendable, Equatable {
    enum Kind: Sendable {
        case badRequest, contextTooLong, tooLarge, auth, forbidden, billing, notFound, rateLimit
        case overloaded, server, timeout, policy
    }

    let kind: Kind
    let message: EscapedText
    /// The vendor's own word for it.
    var code: String?
    /// The whole seconds after which the client may ask again; nil where the vendor does not say.
    var retryAfter: String?
    /// The status that goes out, where it is not the one of the kind.
    var sentStatus: Int?

    /// The answer ends before its end mark.
    static let unfinished = AnswerFailure(
        kind: .server, message: EscapedText("the vendor's answer ended before it was whole"))

    /// Another answer begins in the middle of one, as where a router asked twice.
    static let spliced = AnswerFailure(
        kind: .server, message: EscapedText("the vendor's stream holds a second answer"))

    /// A call's arguments end before they are whole.
    static let brokenCall = AnswerFailure(
        kind: .server, message: EscapedText("the vendor's answer holds a call that is not whole"))
}

extension AnswerFailure {
    init(kind: Kind, message: EscapedText) {
        self.init(kind: kind, message: message, code: nil)
    }

    /// An error of OpenAI's, and of those that follow it.
    init(chat error: RawJSON, status: Int? = nil) {
        let message = Self.words(of: error)
        let code = error["code"]?.plain ?? error["code"]?.integer.map(String.init)
        let type = error["type"]?.plain
        let words = [code, type].compactMap { $0 }
        var kind = words.lazy.compactMap(Self.kind(word:)).first
        // Some give every error the type of a bad request; the status says more.
        if kind == .badRequest, let status, status > 400, status != 409, status != 422 {
            kind = Self.kind(status: status)
        }
        self.init(
            kind: Self.refined(kind ?? Self.kind(status: status ?? Int(code ?? "")), message),
            message: message, code: code)
    }

    /// An error of a Responses answer.
    init(responses error: RawJSON) {
        self.init(chat: error)
    }

    /// An error of Anthropic's.
    init(messages error: RawJSON, status: Int? = nil) {
        let message = Self.words(of: error)
        let type = error["type"]?.plain
        let kind = type.flatMap(Self.kind(word:)) ?? Self.kind(status: status)
        self.init(kind: Self.refined(kind, message), message: message, code: type)
    }

    /// An error of Google's.
    init(gemini error: RawJSON, status: Int? = nil) {
        let message = Self.words(of: error)
        let word = error["status"]?.plain
        let kind =
            word.flatMap(Self.kind(word:))
            ?? Self.kind(status: error["code"]?.integer ?? status)
        // Google says of a wrong key that the argument is invalid.
        let isKey = message.plain.contains("API key not valid")
        self.init(
            kind: isKey ? .auth : Self.refined(kind, message), message: message, code: nil)
        retryAfter = Self.delay(error)
    }

    /// Google's delay, which stands in the body, in whole seconds.
    private static func delay(_ error: RawJSON) -> String? {
        let details = error["details"]?.elements ?? []
        guard let text = details.lazy.compactMap({ $0["retryDelay"]?.plain }).first,
            text.hasSuffix("s"), let seconds = Double(text.dropLast()), seconds >= 0,
            seconds < 1e9
        else { return nil }
        return String(Int(seconds.rounded(.up)))
    }

    /// An end that a vendor gives instead of an answer.
    init(finish: String, _ message: EscapedText?, _ kind: Kind = .server) {
        self.init(
            kind: kind,
            message: message ?? EscapedText("the vendor's answer ended with \(finish)"), code: nil)
    }

    private static let words: [String: Kind] = [
        "invalid_request_error": .badRequest, "INVALID_ARGUMENT": .badRequest,
        "FAILED_PRECONDITION": .badRequest, "context_length_exceeded": .contextTooLong,
        "request_too_large": .tooLarge, "invalid_api_key": .auth, "authentication_error": .auth,
        "UNAUTHENTICATED": .auth, "permission_error": .forbidden,
        "PERMISSION_DENIED": .forbidden, "insufficient_quota": .billing,
        "billing_error": .billing, "credit_balance_exhausted": .billing,
        "model_not_found": .notFound, "not_found_error": .notFound, "NOT_FOUND": .notFound,
        "rate_limit_exceeded": .rateLimit, "rate_limit_error": .rateLimit,
        "RESOURCE_EXHAUSTED": .rateLimit, "overloaded_error": .overloaded,
        "server_is_overloaded": .overloaded, "slow_down": .overloaded,
        "service_unavailable_error": .overloaded, "UNAVAILABLE": .overloaded,
        "server_error": .server, "api_error": .server, "INTERNAL": .server,
        "timeout_error": .timeout, "DEADLINE_EXCEEDED": .timeout, "CANCELLED": .timeout,
        "content_policy_violation": .policy, "invalid_prompt": .policy, "cyber_policy": .policy,
        "bio_policy": .policy, "misalignment_policy_violation": .policy,
        "usage_limit_reached": .rateLimit,
        // The model's call, and not the request, was malformed: another vendor may do better.
        "tool_use_failed": .server,
    ]

    private static func kind(word: String) -> Kind? { words[word] }

    private static func kind(status: Int?) -> Kind {
        switch status {
        case 400, 422: .badRequest
        case 401: .auth
        case 402: .billing
        case 403: .forbidden
        case 404: .notFound
        case 413: .tooLarge
        case 429: .rateLimit
        case 503, 529: .overloaded
        case 408, 504: .timeout
        default: .server
        }
    }

    /// What an error says of itself; servers have it in one of several members.
    private static func words(of error: RawJSON) -> EscapedText {
        let detail = error["detail"]
        return error.text ?? error["message"]?.text ?? detail?.text
            ?? detail?.elements.first?["msg"]?.text ?? EscapedText("the vendor failed")
    }

    /// A context that is too long, which vendors say in words alone.
    private static func refined(_ kind: Kind, _ message: EscapedText) -> Kind {
        guard kind == .badRequest else { return kind }
        let text = message.plain.lowercased()
        let isTooLong =
            text.contains("prompt is too long") || text.contains("maximum context length")
            || text.contains("exceeds the maximum number of tokens")
            || text.contains("exceed context limit")
        return isTooLong ? .contextTooLong : kind
    }
}

extension AnswerFailure {
    /// The status for a client of a form.
    func status(for form: Form) -> Int {
        switch kind {
        case .badRequest, .contextTooLong, .policy: 400
        case .tooLarge: 413
        // The credential is the gateway's, so that the client cannot mend it.
        case .auth, .forbidden: 502
        case .billing: form == .messages ? 402 : 429
        case .notFound: form == .responses ? 400 : 404
        case .rateLimit: 429
        case .overloaded: form == .messages ? 529 : 503
        case .server: 500
        case .timeout: 504
        }
    }

    /// The body of an error for a client of a form.
    func write(for form: Form, to json: inout JSONWriter) {
        json.beginObject()
        switch form {
        case .chat, .responses:
            json.key("error")
            json.beginObject()
            json.member("message", message)
            json.member("type", literal: openAIType)
            json.nullMember("param")
            if let word = openAICode(form) {
                json.member("code", word)
            } else {
                json.nullMember("code")
            }
            json.endObject()
        case .messages:
            json.member("type", literal: "error")
            json.key("error")
            json.beginObject()
            json.member("type", literal: anthropicType)
            json.key("message")
            writeAnthropicMessage(to: &json)
            json.endObject()
        case .gemini:
            json.key("error")
            json.beginObject()
            json.member("code", sentStatus ?? status(for: .gemini))
            json.member("message", message)
            json.member("status", literal: geminiStatus)
            if let retryAfter, Int(retryAfter) != nil { writeDelay(retryAfter, to: &json) }
            json.endObject()
        }
        json.endObject()
    }

    /// Google's clients read the delay in the body, and no header.
    private func writeDelay(_ seconds: String, to json: inout JSONWriter) {
        json.key("details")
        json.beginArray()
        json.beginObject()
        json.member("@type", literal: "type.googleapis.com/google.rpc.RetryInfo")
        json.member("retryDelay", "\(seconds)s")
        json.endObject()
        json.endArray()
    }

    /// Anthropic's clients make a conversation shorter by these words alone.
    private func writeAnthropicMessage(to json: inout JSONWriter) {
        let mark = "prompt is too long"
        if kind == .contextTooLong, !message.plain.lowercased().contains(mark) {
            json.text(EscapedText("\(mark): "), message)
        } else {
            json.text(message)
        }
    }

    /// The word that OpenAI's clients act on.
    func openAICode(_ form: Form) -> String? {
        switch kind {
        case .contextTooLong: "context_length_exceeded"
        case .billing: "insufficient_quota"
        case .notFound: "model_not_found"
        case .rateLimit: "rate_limit_exceeded"
        case .overloaded:
            form == .responses ? "server_is_overloaded" : code ?? "server_is_overloaded"
        case .server: form == .responses ? "server_error" : nil
        case .timeout: "timeout"
        case .policy: code ?? "content_policy_violation"
        case .badRequest, .tooLarge, .auth, .forbidden: nil
        }
    }

    private var openAIType: StaticString {
        switch kind {
        case .badRequest, .contextTooLong, .tooLarge, .notFound, .policy: "invalid_request_error"
        case .billing: "insufficient_quota"
        case .rateLimit: "rate_limit_error"
        case .auth, .forbidden, .overloaded, .server, .timeout: "server_error"
        }
    }

    private var anthropicType: StaticString {
        switch kind {
        case .badRequest, .contextTooLong, .policy: "invalid_request_error"
        case .tooLarge: "request_too_large"
        case .billing: "billing_error"
        case .notFound: "not_found_error"
        case .rateLimit: "rate_limit_error"
        case .overloaded: "overloaded_error"
        case .auth, .forbidden, .server: "api_error"
        case .timeout: "timeout_error"
        }
    }

    private var geminiStatus: StaticString {
        switch kind {
        case .badRequest, .contextTooLong, .tooLarge, .policy: "INVALID_ARGUMENT"
        case .billing, .rateLimit: "RESOURCE_EXHAUSTED"
        case .notFound: "NOT_FOUND"
        case .overloaded: "UNAVAILABLE"
        case .auth, .forbidden, .server: "INTERNAL"
        case .timeout: "DEADLINE_EXCEEDED"
        }
    }
}
