/// Reads an answer of any form.
enum AnswerReader: ~Copyable {
    case chat(ChatAnswerReader)
    case responses(ResponsesAnswerReader)
    case messages(MessagesAnswerReader)
    case gemini(GeminiAnswerReader)

    init(_ context: AnswerContext) {
        switch context.source {
        case .chat: self = .chat(ChatAnswerReader(seed: context.seed))
        case .responses: self = .responses(ResponsesAnswerReader())
        case .messages: self = .messages(MessagesAnswerReader())
        case .gemini: self = .gemini(GeminiAnswerReader(seed: context.seed))
        }
    }

    /// Takes a whole answer.
    static func whole(_ body: RawJSON, _ context: AnswerContext) -> [AnswerEvent] {
        var events: [AnswerEvent] = []
        switch context.source {
        case .chat:
            var reader = ChatAnswerReader(seed: context.seed)
            reader.takeWhole(body, &events)
        case .responses:
            var reader = ResponsesAnswerReader()
            reader.takeWhole(body, &events)
        case .messages:
            var reader = MessagesAnswerReader()
            reader.takeWhole(body, &events)
        case .gemini:
            var reader = GeminiAnswerReader(seed: context.seed)
            reader.takeWhole(body, &events)
        }
        return events
    }

    /// Takes the data of an event.
    mutating func take(_ value: RawJSON, _ events: inout [AnswerEvent]) {
        switch consume self {
        case .chat(var reader):
            reader.take(value, &events)
            self = .chat(reader)
        case .responses(var reader):
            reader.take(value, &events)
            self = .responses(reader)
        case .messages(var reader):
            reader.take(value, &events)
            self = .messages(reader)
        case .gemini(var reader):
            reader.take(value, &events)
            self = .gemini(reader)
        }
    }

    /// Ends the stream; chat's end may be marked.
    mutating func end(isMarked: Bool, _ events: inout [AnswerEvent]) {
        switch consume self {
        case .chat(var reader):
            reader.end(isMarked: isMarked, &events)
            self = .chat(reader)
        case .responses(var reader):
            if !isMarked { reader.end(&events) }
            self = .responses(reader)
        case .messages(var reader):
            if !isMarked { reader.end(&events) }
            self = .messages(reader)
        case .gemini(var reader):
            if !isMarked { reader.end(&events) }
            self = .gemini(reader)
        }
    }

    /// Takes more of an open item's text, which was passed on already.
    mutating func keep(_ text: EscapedText, of key: Int, isArguments: Bool) {
        switch consume self {
        case .chat(var reader):
            if isArguments { reader.keep(text, of: key) }
            self = .chat(reader)
        case .responses(var reader):
            reader.keep(text, of: key)
            self = .responses(reader)
        case .messages(let reader): self = .messages(reader)
        case .gemini(let reader): self = .gemini(reader)
        }
    }

    /// Takes the usage that an event says.
    mutating func takeUsage(of event: RawJSON) {
        switch consume self {
        case .chat(var reader):
            if let usage = event["usage"] { reader.counts = TokenCounts(chat: usage) }
            self = .chat(reader)
        case .gemini(var reader):
            reader.takeUsage(of: event)
            self = .gemini(reader)
        case .responses(let reader): self = .responses(reader)
        case .messages(let reader): self = .messages(reader)
        }
    }
}
