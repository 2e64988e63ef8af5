/// The shape of a request and of its answer: what a dialect is for a translation.
///
/// OpenAI's dialect has two of them.
public enum Form: String, CaseIterable, Sendable {
    /// OpenAI's chat completions.
    case chat
    /// OpenAI's Responses.
    case responses
    /// Anthropic's Messages.
    case messages
    /// Gemini's generateContent.
    case gemini

    /// The form of a name; a vendor's name stands for the form that most of its clients use.
    public init?(name: String) {
        switch name {
        case "openai": self = .chat
        case "anthropic": self = .messages
        default: self.init(rawValue: name)
        }
    }
}
