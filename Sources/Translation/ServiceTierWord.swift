/// How soon a request is served, in each dialect's words.
struct ServiceTierWord {
    /// In OpenAI's words.
    private let word: String
    private let source: Form

    init(_ setting: Setting, _ source: Form) {
        self.source = source
        let text = (setting.value.plain ?? "").lowercased()
        switch (source, text) {
        case (.messages, "standard_only"), (.gemini, "standard"): word = "default"
        default: word = text
        }
    }

    /// The word in a form; nil where its absence says the same.
    func word(in form: Form) -> String? {
        switch form {
        case .chat, .responses: word
        case .messages: word == "default" ? "standard_only" : "auto"
        case .gemini:
            switch word {
            case "flex": "flex"
            case "priority", "fast", "ultrafast": "priority"
            case "default": "standard"
            default: nil
            }
        }
    }

    /// Whether the word is one of OpenAI's that the form has not.
    func isUnknown(in form: Form) -> Bool {
        form == .chat && word == "ultrafast" && source != .chat
    }

    /// Whether the meaning is another one there.
    func isShifted(in form: Form) -> Bool {
        switch (source, form) {
        case (.chat, .responses), (.responses, .chat), (.chat, .chat): false
        case (.responses, .responses), (.messages, .messages), (.gemini, .gemini): false
        default: word != "auto"
        }
    }
}
