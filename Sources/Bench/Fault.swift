/// What was wrong with an answer, by a name that a report can be searched for.
///
/// An answer with a fault is an error, never a sample.
public enum Fault: Hashable, Sendable, CustomStringConvertible {
    /// No answer, by libcurl's name for the reason.
    case noAnswer(String)
    /// Another status than 200.
    case status(Int)
    /// The connection ended inside the answer.
    case brokenOff(String)
    /// The answer said that there was an error.
    case errorEvent
    /// The stream ended in order, and its last event was not its end.
    case missingTerminal
    /// Chunks of the vendor's are not there.
    case missingChunk
    /// Chunks came that the vendor did not send.
    case extraChunk
    /// All of the text is there, but in other pieces than those of the vendor.
    case mergedChunks
    /// The text is another than the vendor's.
    case wrongText
    /// The answer has no text.
    case empty
    /// The body is no chat completion.
    case notACompletion
    /// A stream that the vendor spread over time came at once.
    case bufferedStream
    /// The vendor broke the stream off, and the gateway ended it as a whole one.
    case falselyComplete

    /// The name.
    public var description: String {
        switch self {
        case .noAnswer(let code): "no_answer (\(code))"
        case .status(let code): "status_\(code)"
        case .brokenOff(let code): "broken_off (\(code))"
        case .errorEvent: "error_event"
        case .missingTerminal: "missing_terminal"
        case .missingChunk: "missing_chunk"
        case .extraChunk: "extra_chunk"
        case .mergedChunks: "merged_chunks"
        case .wrongText: "wrong_text"
        case .empty: "empty"
        case .notACompletion: "not_a_completion"
        case .bufferedStream: "buffered_stream"
        case .falselyComplete: "falsely_complete"
        }
    }
}
