import JSON

/// A request of one form in another one.
public struct RequestTranslation: Sendable {
    /// The body for the target.
    public let body: [UInt8]
    /// What it does not say.
    public let losses: [Loss]
    /// What is needed to translate its answer.
    public let context: AnswerContext
    /// Where it goes.
    public let outbound: OutboundForm

    /// Translates a body; refuses it where the target cannot serve it.
    ///
    /// The model is the target's; nil keeps the client's. Gemini's path says what the others'
    /// bodies do: whether the answer is a stream, and the client's name of the model.
    public init(
        _ body: RawJSON, from source: Form, to target: Form, quirks: Quirks = Quirks(),
        model: String? = nil, path: (model: String, isStreamed: Bool)? = nil
    ) throws(Refusal) {
        guard body.isObject else { throw Refusal("", "the body is no object") }
        var conversation = try Self.read(body, source)
        if let path { conversation.isStreamed = path.isStreamed }
        if source != target {
            conversation.gatherResults()
            try conversation.check(for: target)
            try conversation.dropUnsayable()
            conversation.joinTurns()
            conversation.declareFlattened()
        }
        let names = try TargetNames(
            conversation, for: target, callNameLength: quirks.callNameLength)
        let model = model ?? path?.model ?? conversation.model?.plain
        outbound = OutboundForm(
            target, model: model ?? "", isStreamed: conversation.isStreamed)
        var context = AnswerContext(conversation, body, from: target, to: source, names)
        if let path { context.model = path.model }
        self.context = context
        if source != target, target == .chat || target == .responses,
            quirks.middleSystem == .fold
        {
            let leading = conversation.takeLeadingSystem()
            conversation.foldSystem()
            conversation.turns = leading + conversation.turns
        }
        try conversation.fit(to: quirks, target)
        let written: (body: [UInt8], losses: LossList)
        switch target {
        case .chat:
            written = try ChatRequestWriter.write(conversation, names, quirks, model: model)
        case .responses:
            written = try ResponsesRequestWriter.write(conversation, names, quirks, model: model)
        case .messages:
            written = try MessagesRequestWriter.write(conversation, names, quirks, model: model)
        case .gemini:
            written = try GeminiRequestWriter.write(conversation, names, quirks)
        }
        self.body = written.body
        losses = written.losses.entries
    }

    static func read(_ body: RawJSON, _ form: Form) throws(Refusal) -> Conversation {
        switch form {
        case .chat: try ChatRequestReader.read(body)
        case .responses: try ResponsesRequestReader.read(body)
        case .messages: try MessagesRequestReader.read(body)
        case .gemini: try GeminiRequestReader.read(body)
        }
    }
}
