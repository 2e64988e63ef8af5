import HTTP
public import JSON
public import Primitives

/// A whole answer of one form in another one.
public struct AnswerTranslation: Sendable {
    /// The status for the client.
    public let status: Int
    /// The body in the client's dialect.
    public let body: [UInt8]
    /// What it does not say.
    public let losses: [Loss]

    /// Translates the body of an answer.
    ///
    /// `asEvents`: the client asked for a stream, and the vendor answered all at once.
    public init(_ body: RawJSON, _ context: AnswerContext, asEvents: Bool = false) {
        self.init(AnswerReader.whole(body, context), context, asEvents: asEvents)
    }

    /// Translates a vendor's stream that is whole into one body: the client asked for no stream.
    ///
    /// Throws where an event is no JSON.
    public init(
        events body: borrowing ByteBuffer, _ context: AnswerContext
    ) throws(JSONScanner.Malformed) {
        var splitter = EventSplitter(bytesMax: body.count + 1)
        var data: [[UInt8]] = []
        splitter.take(body.bytes) { event in
            if event.hasData { data.append(Array(event.data.bytes)) }
        }
        splitter.end { event in if event.hasData { data.append(Array(event.data.bytes)) } }
        var reader = AnswerReader(context)
        var events: [AnswerEvent] = []
        for event in data {
            if event.span.matches("[DONE]") {
                reader.end(isMarked: true, &events)
            } else {
                reader.take(try RawJSON(parsing: event), &events)
            }
        }
        reader.end(isMarked: false, &events)
        self.init(events, context, asEvents: false)
    }

    private init(_ read: [AnswerEvent], _ context: AnswerContext, asEvents: Bool) {
        var guarded = CallGuard(context)
        var events: [AnswerEvent] = []
        guarded.take(read, &events)
        var transcript = AnswerTranscript()
        for event in events { transcript.take(event) }
        guard let finish = transcript.finish, transcript.failure == nil else {
            let failure = transcript.failure ?? .unfinished
            var json = JSONWriter()
            failure.write(for: context.target, to: &json)
            status = failure.status(for: context.target)
            (body, losses) = (json.bytes, transcript.losses.entries)
            return
        }
        status = 200
        if asEvents {
            var writer = StreamWriter(context)
            var output = ByteBuffer()
            for event in events { writer.take(event, into: &output) }
            (body, losses) = (Array(output.bytes), writer.lost)
        } else {
            var writer = AnswerWriter(context, transcript, finish)
            var json = JSONWriter()
            writer.write(to: &json)
            (body, losses) = (json.bytes, writer.transcript.losses.entries)
        }
    }
}
