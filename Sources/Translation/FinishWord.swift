/// What a vendor's word for the end of its answer means.
enum FinishWord {
    /// An end as any other: what the answer holds says which.
    case usual
    case known(Finish)
    /// The vendor failed, and says so by this word.
    case failed(AnswerFailure.Kind)
    /// A word that no table has, or none.
    case unknown

    /// The word of a chat answer, and of those vendors that follow the dialect.
    init(chat word: String) {
        switch word {
        case "stop", "eos", "stop_sequence", "end_turn": self = .usual
        case "tool_calls", "function_call", "tool_use": self = .known(.toolCalls)
        case "length", "model_length", "max_tokens": self = .known(.length)
        case "content_filter", "sensitive", "safety", "refusal": self = .known(.filtered)
        default: self = Self.failing(word)
        }
    }

    /// The word of a Messages answer.
    init(messages word: String, stopWord: EscapedText?) {
        switch word {
        case "end_turn": self = .usual
        case "tool_use": self = .known(.toolCalls)
        case "max_tokens": self = .known(.length)
        case "stop_sequence": self = .known(.stopWord(stopWord ?? .empty))
        case "refusal": self = .known(.filtered)
        case "model_context_window_exceeded": self = .known(.contextFull)
        case "pause_turn": self = .known(.paused)
        case "compaction": self = .known(.compaction)
        default: self = Self.failing(word)
        }
    }

    /// The word of a generateContent answer.
    init(gemini word: String) {
        switch word {
        case "STOP": self = .usual
        case "MAX_TOKENS", "CONTINUATION", "TOO_MANY_TOOL_CALLS": self = .known(.length)
        case "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
            "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR",
            "ESCALATION":
            self = .known(.filtered)
        default: self = .unknown
        }
    }

    /// The status of a Responses answer that is at its end.
    init(status word: String) {
        switch word {
        case "completed": self = .usual
        // Its details say more, where there are any.
        case "incomplete": self = .known(.length)
        case "queued", "in_progress": self = .failed(.server)
        default: self = Self.failing(word)
        }
    }

    /// Words by which vendors of several dialects say that they failed.
    private static func failing(_ word: String) -> FinishWord {
        switch word {
        case "error", "network_error", "server_error", "failed", "abort", "cancelled":
            .failed(.server)
        case "insufficient_system_resource": .failed(.overloaded)
        case "timeout": .failed(.timeout)
        default: .unknown
        }
    }
}

/// What an answer holds at its end.
struct AnswerContents {
    var hasAny = false
    var hasCalls = false
    var hasRefused = false

    /// The end of such an answer where the vendor names no other one.
    private var end: Finish { hasRefused ? .refused : hasCalls ? .toolCalls : .end }

    /// Why the answer ends; nil where the vendor failed, which the events say then.
    ///
    /// - `spelled`: the word as the vendor has it; nil where it says none.
    /// - `path`: where it stands. An unknown word is declared, because its meaning may be another
    ///   one; without content it is a failure, because nothing speaks for a good end.
    func finish(
        _ word: FinishWord, spelled: String?, at path: String, message: EscapedText? = nil,
        _ events: inout [AnswerEvent]
    ) -> Finish? {
        switch word {
        case .usual: return end
        case .known(let finish): return finish
        case .failed(let kind):
            events.append(.failed(AnswerFailure(finish: spelled ?? "", message, kind)))
            return nil
        case .unknown:
            guard hasAny else {
                let failure = spelled.map { AnswerFailure(finish: $0, message) } ?? .unfinished
                events.append(.failed(failure))
                return nil
            }
            events.append(.lost(Loss(kind: .changed, path: path, isHarmless: false)))
            return end
        }
    }
}
