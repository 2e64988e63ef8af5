public import Primitives

/// The shape of a vendor's requests and answers.
public enum Dialect: String, CaseIterable, Sendable {
    /// OpenAI's API and the many that follow it.
    case openai = "openai"
    /// Anthropic's Messages API.
    case anthropic = "anthropic"
    /// Google's Gemini API.
    case gemini = "gemini"

    /// The dialect's number in journals: never given to another.
    public var number: Int {
        switch self {
        case .openai: 0
        case .anthropic: 1
        case .gemini: 2
        }
    }

    /// The dialect of a number; nil for one that none has.
    public init?(number: Int) {
        guard let dialect = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = dialect
    }

    /// An event that the SDKs of this dialect raise an error for in the middle of a stream.
    ///
    /// Anthropic's look at the event's name, OpenAI's and Google's at an `error` member.
    public func errorEvent(_ error: DialectError, to output: inout ByteBuffer) {
        if self == .anthropic { output.append("event: error\n") }
        output.append("data: ")
        errorBody(error, to: &output)
        output.append(self == .gemini ? "\r\n\r\n" : "\n\n")
    }

    /// The body of an error as the SDKs of this dialect read it.
    public func errorBody(_ error: DialectError, to output: inout ByteBuffer) {
        switch self {
        case .openai: writeOpenAIError(error, to: &output)
        case .anthropic: writeAnthropicError(error, to: &output)
        case .gemini: writeGeminiError(error, to: &output)
        }
    }
}

/// An error of the gateway's own, before it takes a dialect's shape.
public struct DialectError: Sendable {
    /// The HTTP status.
    public let status: Int
    /// A stable word for programs: `vendor_unreachable`, `vendor_timeout`, ….
    public let code: String
    /// What happened, whose fault it is and why, for people.
    public let message: String
    /// The exchange's name; empty when there is none.
    public let identifier: String
    /// The limit that refuses the request; nil where none does.
    public let limit: LimitNotice?
    /// Whether the client is Codex, which has words of its own for a spent budget.
    public let isForCodex: Bool

    /// An error of these parts.
    public init(
        status: Int, code: String, message: String, identifier: String,
        limit: LimitNotice? = nil, isForCodex: Bool = false
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.identifier = identifier
        self.limit = limit
        self.isForCodex = isForCodex
    }
}
