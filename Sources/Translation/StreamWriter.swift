import Primitives

/// Writes an answer in events of any form.
enum StreamWriter: ~Copyable {
    case chat(ChatStreamWriter)
    case responses(ResponsesStreamWriter)
    case messages(MessagesStreamWriter)
    case gemini(GeminiStreamWriter)

    init(_ context: AnswerContext) {
        switch context.target {
        case .chat: self = .chat(ChatStreamWriter(context))
        case .responses: self = .responses(ResponsesStreamWriter(context))
        case .messages: self = .messages(MessagesStreamWriter(context))
        case .gemini: self = .gemini(GeminiStreamWriter(context))
        }
    }

    mutating func take(_ event: AnswerEvent, into output: inout ByteBuffer) {
        switch consume self {
        case .chat(var writer):
            writer.take(event)
            writer.take(into: &output)
            self = .chat(writer)
        case .responses(var writer):
            writer.take(event)
            writer.take(into: &output)
            self = .responses(writer)
        case .messages(var writer):
            writer.take(event)
            writer.take(into: &output)
            self = .messages(writer)
        case .gemini(var writer):
            writer.take(event)
            writer.take(into: &output)
            self = .gemini(writer)
        }
    }

    /// The short way for more of an item's text, of which an event was just written.
    mutating func lane(
        _ key: Int, isArguments: Bool, _ event: EventTemplate, from source: Form
    ) -> TextLane {
        let frame: FrameTemplate?
        var (number, keepsText) = (0, source == .responses)
        switch consume self {
        case .chat(var writer):
            frame = writer.template(of: key, isArguments: isArguments)
            self = .chat(writer)
        case .responses(var writer):
            frame = writer.template(of: key, isArguments: isArguments)
            (number, keepsText) = (writer.sequence, true)
            self = .responses(writer)
        case .messages(var writer):
            frame = writer.template(of: key)
            self = .messages(writer)
        case .gemini(var writer):
            frame = writer.template(of: key, isArguments: isArguments)
            self = .gemini(writer)
        }
        return TextLane(
            key: key, isArguments: isArguments, event, frame, number: number,
            keepsText: keepsText)
    }

    /// Takes what a lane has passed on.
    mutating func keep(_ text: EscapedText, of lane: borrowing TextLane) {
        switch consume self {
        case .chat(var writer):
            if lane.isArguments { writer.keep(text, of: lane.key) }
            self = .chat(writer)
        case .responses(var writer):
            writer.keep(text, of: lane.key, isArguments: lane.isArguments)
            writer.sequence = lane.number
            self = .responses(writer)
        case .messages(var writer):
            writer.keep(text, of: lane.key)
            self = .messages(writer)
        case .gemini(var writer):
            if lane.isArguments { writer.keep(text, of: lane.key) }
            self = .gemini(writer)
        }
    }

    /// What the answer does not say.
    var lost: [Loss] {
        switch self {
        case .chat(let writer): writer.lost
        case .responses(let writer): writer.lost
        case .messages(let writer): writer.lost
        case .gemini(let writer): writer.lost
        }
    }

    /// Whether something was written that a client sees as the answer's beginning.
    var hasBegun: Bool {
        switch self {
        case .chat(let writer): writer.hasBegun
        case .responses(let writer): writer.hasBegun
        case .messages(let writer): writer.hasBegun
        case .gemini(let writer): writer.hasBegun
        }
    }
}
