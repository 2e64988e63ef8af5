/// A request in no dialect: what a model is asked, and how.
///
/// Every part knows where it stands in the client's body, so that a loss can be named.
struct Conversation: Sendable {
    /// The form that it was read from.
    let form: Form
    /// The model as the client names it; nil where the body has none.
    var model: EscapedText?
    /// Whether the client wants a stream.
    var isStreamed = false
    /// Whether a chat client wants the usage at a stream's end.
    var wantsUsage = false
    var turns: [Turn] = []
    var tools: [Tool] = []
    var choice: ToolChoice?
    /// Whether the model may call several tools at once, as the client said it.
    var parallel: Stated<Bool>?
    var reasoning = ReasoningWish()
    var format: OutputFormat?
    var settings: [Setting] = []
    var losses = LossList()

    init(_ form: Form) {
        self.form = form
    }

    /// The value of a setting; nil where the client has not set it.
    func setting(_ field: Field) -> Setting? {
        settings.first { $0.field == field }
    }
}

/// A value, and where the client's body states it.
struct Stated<Value: Sendable>: Sendable {
    let value: Value
    let path: String
}

/// One contribution to a conversation.
struct Turn: Sendable {
    /// What contributes it.
    enum Role: Sendable {
        case system, user, assistant
        /// The results of calls, which some dialects have as the user's.
        case results
    }

    var role: Role
    var parts: [Part]
    let path: String
    /// Members that only the source's dialect knows.
    var extras: [Extra] = []
    /// The role as a chat client or a Responses client spelled it: `developer`.
    var spelling: String?
}

/// A member that has no neutral form.
struct Extra: Sendable {
    let name: String
    let path: String
    let value: RawJSON
    /// Whether the answer is the same without it.
    var isHarmless = false
    /// Whether it says what is so without it, so that its absence is no loss.
    var isTrivial = false
    /// Whether it stands deeper than the others, where its own dialect's writer has no slot for it.
    var isNested = false
}

/// A piece of a turn.
struct Part: Sendable {
    /// What it is; the large ones behind a reference, because parts are sorted and passed on.
    enum Kind: Sendable {
        /// A text; bare where the dialect wrote it without a list of parts around it.
        case text(EscapedText, isBare: Bool)
        indirect case media(Media)
        case refusal(EscapedText)
        indirect case reasoning(Reasoning)
        indirect case call(Call)
        indirect case result(CallResult)
        /// A tool that the vendor ran, or a thing that only the vendor reads.
        indirect case hosted(RawJSON)
    }

    var kind: Kind
    let path: String
    var extras: [Extra] = []
    /// The part as its dialect spells it, where its text is only what others can have of it.
    var raw: RawJSON?

    /// The text of a text part; nil for any other.
    var text: EscapedText? {
        guard case .text(let text, _) = kind else { return nil }
        return text
    }

    /// The call of a call part; nil for any other.
    var call: Call? {
        guard case .call(let call) = kind else { return nil }
        return call
    }

    /// The result of a result part; nil for any other.
    var result: CallResult? {
        guard case .result(let result) = kind else { return nil }
        return result
    }
}

/// An image, a document, a sound or a film.
struct Media: Sendable {
    enum Kind: Sendable {
        case image, document, audio, video
    }

    /// Where its bytes are.
    enum Source: Sendable {
        case inline(type: EscapedText, data: EscapedText)
        case url(EscapedText)
        /// A file at the vendor of the client's dialect.
        case file(EscapedText)
        case text(EscapedText)
    }

    let kind: Kind
    var source: Source
    /// How closely an image is looked at, in OpenAI's words.
    var detail: EscapedText?
    /// Where that stands.
    var detailPath = ""
    /// The type, where the source does not say it.
    var type: EscapedText?
    /// The name of a document.
    var title: EscapedText?
    /// Where that stands.
    var titlePath = ""
}

/// What a model thought before it answered.
struct Reasoning: Sendable {
    /// The pieces that may be read.
    var visible: [EscapedText] = []
    /// What only one vendor reads.
    var sealed: Sealed?
}

/// Reasoning, or the proof of it, that only the vendor that wrote it can read.
struct Sealed: Sendable, Equatable {
    /// What it seals.
    enum Kind: String, Sendable {
        /// A signature of the visible text.
        case signature
        /// The reasoning itself, without a visible text.
        case redacted
        /// The reasoning of an item of OpenAI's.
        case encrypted
        /// Gemini's, which belongs to a part.
        case thought
        /// Nothing: the vendor seals no reasoning, and the text must not go to one that does.
        case none
    }

    /// The dialect whose vendors read it.
    let form: Form
    let kind: Kind
    var value: EscapedText
    /// The item's name, where the vendor asks for it again.
    var item: EscapedText?
    /// The visible text that it was written for.
    var text: EscapedText?

    /// Whether a vendor of a form reads it.
    func isFor(_ form: Form) -> Bool { self.form == form && kind != .none }
}

/// A model's wish to have a tool called.
struct Call: Sendable {
    enum Kind: Sendable {
        case function
        /// Free text instead of arguments.
        case custom
    }

    var id: String
    var name: String
    /// The group of tools that the name belongs to.
    var namespace: String?
    var kind = Kind.function
    var arguments: Arguments
    /// The object that a text of arguments spells, once it was read.
    var object: RawJSON?
    /// Gemini's proof of the reasoning before it.
    var sealed: Sealed?
    /// Where the call's name for itself stands.
    var idPath = ""
    /// Where its arguments stand.
    var argumentsPath = ""
    /// The call as its dialect spells it, where it has a shape of its own there.
    var raw: RawJSON?
}

/// The arguments of a call, as the source spells them.
enum Arguments: Sendable {
    /// A JSON object.
    case object(RawJSON)
    /// A text that should be a JSON object, or is free text for a custom tool.
    case text(EscapedText)
}

/// A call's result.
struct CallResult: Sendable {
    /// The call that it answers; empty where the dialect pairs by name.
    var id: String
    /// The tool's name, where the source says it.
    var name: String?
    var parts: [Part]
    /// Whether the call failed, as the source says it.
    var failed: Stated<Bool>?
    /// Gemini's object, as it stands.
    var object: RawJSON?
    var isCustom = false
    /// The result as its dialect spells it, where it has a shape of its own there.
    var raw: RawJSON?
}
