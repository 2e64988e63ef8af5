extension Call {
    /// The arguments as the text that OpenAI's dialects have.
    var argumentsText: EscapedText {
        switch arguments {
        case .object(let object): object.quoted
        case .text(let text) where kind == .custom: EscapedText(bytes: Self.wrapped(text)[...])
        case .text(let text): text.isEmpty ? EscapedText("{}") : text
        }
    }

    /// The arguments as the object that the other dialects have.
    func argumentsObject() throws(Refusal) -> RawJSON {
        if let object { return object }
        switch arguments {
        case .object(let object): return object
        case .text(let text):
            if kind == .custom { return RawJSON(walked: Self.wrapped(text)[...]) }
            guard !text.isEmpty else { return RawJSON(literal: "{}") }
            guard let object = RawJSON.object(of: text) else {
                throw Refusal(argumentsPath, "the arguments are no JSON object")
            }
            return object
        }
    }

    /// Free text as the one argument of a function.
    private static func wrapped(_ text: EscapedText) -> [UInt8] {
        Array("{\"input\":\"".utf8) + text.inner + Array("\"}".utf8)
    }
}
