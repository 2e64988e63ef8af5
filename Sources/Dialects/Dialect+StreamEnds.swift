public import HTTP
import JSON
import Primitives

// How a stream of events says that it is at its end, and which streams do.
extension Dialect {
    /// Whether the answers that are streamed from a path end in a marker known here.
    ///
    /// The marker of other streams, such as speech or images, is unknown: any end counts. The
    /// target is the client's, whatever prefix it has.
    public func marksStreamEnds(target: Span<UInt8>) -> Bool {
        let question = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
        let path = target.extracting(0..<question)
        return switch self {
        case .openai:
            // Completions of chats and of texts; a response that is created, or taken up again.
            path.hasSuffix("/completions") || path.hasSuffix("/responses")
                || path.firstRange(of: "/responses/") != nil
        case .anthropic:
            path.hasSuffix("/messages")
        case .gemini:
            path.firstRange(of: ":streamGenerateContent") != nil
        }
    }

    /// Whether an event says that its stream is at its end, well or not: the terminal marker that
    /// records look for, or an error.
    public func endsStream(_ event: borrowing ServerSentEvent) -> Bool {
        if event.name.bytes.matches("error") { return true }
        return endsStream(event.data.bytes)
    }

    /// Whether the data of an event, or bare text at the end of a stream, says so.
    public func endsStream(_ data: Span<UInt8>) -> Bool {
        guard mayEndStream(data) else { return false }
        if data.matches("[DONE]") { return true }
        var text = JSONOutline()
        guard outline(data, in: &text) else { return false }
        var facts = AnswerFacts()
        facts.read(text, self)
        return facts.sawTerminal || !facts.errorKind.isEmpty
    }

    /// Found by a search: most events are neither an end nor an error, and are not parsed.
    private func mayEndStream(_ data: Span<UInt8>) -> Bool {
        guard self == .gemini else { return saysSomethingToKeep(data) }
        return data.firstRange(of: "\"finishReason\"") != nil
            || data.firstRange(of: "\"blockReason\"") != nil
            || data.firstRange(of: "\"error\"") != nil
    }
}
