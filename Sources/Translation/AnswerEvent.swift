/// What happens in an answer, in no dialect.
enum AnswerEvent: Sendable {
    /// The vendor began, by its own names.
    case started(id: EscapedText?, model: EscapedText?)
    /// What was read for the answer, where the vendor says so at its beginning.
    case counted(TokenCounts)
    case opened(AnswerItem)
    /// More of a text, a refusal, or reasoning.
    case text(key: Int, EscapedText)
    /// How likely the tokens of the text were that comes next.
    case odds(key: Int, [TokenOdds], path: String)
    /// The next text of reasoning is a piece of its own.
    case pieceEnded(key: Int)
    /// More of a call's arguments, as the inside of a JSON string.
    case arguments(key: Int, EscapedText)
    /// What only the vendor reads, of an open item.
    case sealed(key: Int, Sealed, path: String)
    /// A source that a text names.
    case citation(key: Int, Citation, path: String)
    /// The item is whole, or was cut off where the answer's length ended.
    case closed(key: Int, isCut: Bool)
    case finished(Finish, TokenCounts)
    case failed(AnswerFailure)
    /// The vendor works, and has nothing to say.
    case alive
    case lost(Loss)
}

/// A piece of an answer.
struct AnswerItem: Sendable {
    enum Kind: Sendable {
        case text, refusal, reasoning
        case call(id: String, name: String)
    }

    /// The item's number in this answer.
    let key: Int
    let kind: Kind
    /// Where it stands in the vendor's answer.
    let path: String
    /// The arguments, where they come whole with the call.
    var arguments: EscapedText?
    /// Whether a call's arguments are free text to the vendor, and not an object.
    var isFreeText = false
    /// Gemini's proof of the reasoning before a call or a text.
    var sealed: Sealed?

    var isCall: Bool {
        if case .call = kind { true } else { false }
    }
}

/// A page that an answer names as its source.
struct Citation: Sendable {
    let url: EscapedText
    let title: EscapedText?
    /// The characters of the item's text that rest on it; nil where the vendor does not say.
    var range: Range<Int>?
    /// How many characters the texts before the item have: some dialects have one text of all.
    var before = 0

    /// The same characters of all texts of the answer as one.
    var wholeRange: Range<Int>? {
        range.map { $0.lowerBound + before..<$0.upperBound + before }
    }
}

/// Why an answer ends.
enum Finish: Sendable, Equatable {
    case end
    /// The model refuses in words of its own, and has said all of them.
    case refused
    case stopWord(EscapedText)
    case toolCalls
    case length
    /// The model's window is full.
    case contextFull
    /// The vendor cuts the answer off because of what it says, or the model refuses.
    case filtered
    /// The vendor's own tools would go on.
    case paused
    case compaction

    /// The member that only Anthropic's answers have.
    var ownPath: String? {
        if case .stopWord = self { "stop_sequence" } else { nil }
    }

    /// Whether the last item may be unfinished.
    var isCut: Bool {
        switch self {
        case .length, .contextFull, .paused, .compaction: true
        default: false
        }
    }
}

/// What an answer cost, each number where the vendor says it.
struct TokenCounts: Sendable, Equatable {
    /// All that was read, from caches too.
    var input: Int?
    var cacheRead: Int?
    var cacheWrite: Int?
    /// All that was written, reasoning too.
    var output: Int?
    var reasoning: Int?

    var isEmpty: Bool { self == TokenCounts() }
    /// What was read anew.
    var uncached: Int? { input.map { max(0, $0 - (cacheRead ?? 0) - (cacheWrite ?? 0)) } }
    var total: Int { (input ?? 0) + (output ?? 0) }
}
