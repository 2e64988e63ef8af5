import JSON

/// A vendor's error in another dialect.
public struct ErrorTranslation: Sendable {
    /// The status for the client.
    public let status: Int
    /// The body in the client's dialect.
    public let body: [UInt8]
    /// The seconds after which the client may ask again; nil where the vendor does not say.
    public let retryAfter: String?

    /// Translates an error's status and its body; the header is the vendor's `retry-after`.
    public init(
        status: Int, body: [UInt8], retryAfter header: String?, from source: Form, to target: Form
    ) {
        let value = Self.parse(body)
        let error = (value?.elements.first ?? value)?["error"] ?? value
        var failure: AnswerFailure
        if let error {
            switch source {
            case .chat, .responses: failure = AnswerFailure(chat: error, status: status)
            case .messages: failure = AnswerFailure(messages: error, status: status)
            case .gemini: failure = AnswerFailure(gemini: error, status: status)
            }
        } else {
            let none = RawJSON(literal: "{}")
            failure = AnswerFailure(chat: none, status: status)
        }
        failure.retryAfter = header ?? failure.retryAfter
        // A gateway's failure in front of the vendor stays one.
        let isPlain = failure.kind == .server && 500..<600 ~= status && status != 529
        self.status = isPlain ? status : failure.status(for: target)
        failure.sentStatus = self.status
        var json = JSONWriter()
        failure.write(for: target, to: &json)
        self.body = json.bytes
        retryAfter = failure.retryAfter
    }

    private static func parse(_ body: [UInt8]) -> RawJSON? {
        do throws(JSONScanner.Malformed) {
            return try RawJSON(parsing: body)
        } catch {
            return nil
        }
    }
}
