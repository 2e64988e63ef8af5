import Config
public import Dialects
public import Translation

extension SharedVendor {
    /// The form in which it is asked for a client of a form: the client's own where it has that.
    public func form(for client: Form) -> Form {
        switch self.dialect {
        case .anthropic: return .messages
        case .gemini: return .gemini
        case .openai:
            if client == .responses, self.apis.contains(.responses) { return .responses }
            return self.apis.contains(.chat) ? .chat : .responses
        }
    }

    /// Whether requests of its own dialect may be written anew: for the API that it has, or with
    /// its quirks.
    public var rewritesRequests: Bool {
        self.appliesQuirks
            || self.dialect == .openai && self.apis.count < Vendor.OpenAIAPI.allCases.count
    }
}

extension API {
    /// The forms of its requests that other dialects have, too.
    public var forms: [Form] {
        switch self {
        case .openai: [.chat, .responses]
        case .geminiCompatible: [.chat]
        case .anthropic: [.messages]
        case .gemini: [.gemini]
        }
    }
}
