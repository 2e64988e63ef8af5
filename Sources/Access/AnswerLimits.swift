public import Dialects

/// The names under which an API takes the limit of an answer.
///
/// A limit under another API's name is no limit: a vendor that does not know the name may pay no
/// attention to it, and write as much as the model can.
public enum AnswerLimits: Equatable, Sendable {
    /// OpenAI's chat and completions, and what is like them.
    case chat
    /// OpenAI's responses.
    case responses
    /// Anthropic's.
    case messages
    /// Gemini's, in its settings.
    case gemini
    /// None: pictures, speech, embeddings, and what is not known here.
    case none

    /// Those of a request to a target, with or without a chain's prefix.
    public init(_ dialect: Dialect, target: String) {
        switch dialect {
        case .openai:
            let path = target.prefix { $0 != "?" }.lowercased()
            let segments = path.split(separator: "/")
            switch (segments.contains("responses"), segments.contains("completions")) {
            case (true, false): self = .responses
            case (false, true): self = .chat
            // Which of the two a server takes is not known.
            case (true, true), (false, false): self = .none
            }
        case .anthropic: self = .messages
        case .gemini: self = .gemini
        }
    }

    /// Whether a name, in small letters, is one of them; `inSettings`: it stands in Gemini's
    /// `generationConfig`.
    func have(_ name: String, inSettings: Bool) -> Bool {
        guard !inSettings else {
            return self == .gemini && (name == "maxoutputtokens" || name == "max_output_tokens")
        }
        switch self {
        case .chat: return name == "max_tokens" || name == "max_completion_tokens"
        case .responses: return name == "max_output_tokens"
        case .messages: return name == "max_tokens" || name == "max_tokens_to_sample"
        case .gemini, .none: return false
        }
    }
}
