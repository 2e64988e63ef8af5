import JSON

/// A whole answer of one form in another one.
public struct AnswerTranslation: Sendable {
    /// The status for the client.
    public let status: Int
    /// The body in the client's dialect.
    public let body: [UInt8]
    /// What it does not say.
    public let losses: [Loss]

    /// Translates the body of an answer.
    public init(_ body: RawJSON, _ context: AnswerContext) {
        var guarded = CallGuard(context.tools)
        var events: [AnswerEvent] = []
        guarded.take(AnswerReader.whole(body, context), &events)
        var transcript = AnswerTranscript()
        for event in events { transcript.take(event) }
        var json = JSONWriter()
        if let finish = transcript.finish, transcript.failure == nil {
            var writer = AnswerWriter(context, transcript, finish)
            writer.write(to: &json)
            status = 200
            losses = writer.transcript.losses.entries
        } else {
            let failure = transcript.failure ?? .unfinished
            failure.write(for: context.target, to: &json)
            status = failure.status(for: context.target)
            losses = transcript.losses.entries
        }
        self.body = json.bytes
    }
}
