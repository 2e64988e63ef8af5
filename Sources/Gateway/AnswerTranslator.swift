import Dialects
import ExchangeCore
import HTTP
import JSON
import Primitives
import Translation

/// The stage that says a vendor's response in the client's dialect: a stream as it comes, any other
/// body at its end.
///
/// An object of its own, because few responses need one.
final class AnswerTranslator {
    /// What stands for a response that is no stream, or that fails before its first content.
    struct Answer {
        let status: Int
        let body: [UInt8]
        let isError: Bool
        /// Whether the body is one of events.
        var isEventStream = false
        /// What the vendor's own words say of another try.
        var facts = ErrorFacts()
        /// The seconds after which the client may ask again.
        var retryAfter: String?
    }

    /// Bytes of a vendor's response at most: the answer to a stream's end is kept, too.
    private static let bytesMax = 64 << 20

    /// The form of the client, and that of the vendor.
    let client: Form
    let vendor: Form
    private let question: TranslatableCall.Question
    private let vendorName: String
    private let awaitsMark: Bool
    private let hasEvents: Bool
    private let context: AnswerContext
    /// The status of the vendor, and its `retry-after`.
    private let status: Int
    private let retryAfter: String?
    private var stream: StreamTranslation?
    private var body = ByteBuffer()
    private var bytes = 0
    private var lost: [Loss]
    /// What the client gets in the stead of what was held; nil as long as there is none.
    private(set) var answer: Answer?
    /// When the client was last given something.
    var lastOutput: Instant
    /// Whether the vendor failed, and the answer says so.
    private(set) var hasFailed = false

    /// A stage for a response with a status.
    ///
    /// - `awaitsMark`: whether a stream of the vendor's is whole with its mark alone.
    /// - `hasEvents`: whether it is one that succeeds, of events. It goes out as it comes where the
    ///   client asked for a stream, and as one body where it did not.
    init(
        _ request: TranslatedRequest, vendor name: String, awaitsMark: Bool, status: Int,
        hasEvents: Bool, retryAfter: String?, now: Instant
    ) {
        self.awaitsMark = awaitsMark
        lastOutput = now
        client = request.client
        vendor = request.vendor
        question = request.question
        vendorName = name
        context = request.context
        lost = request.losses
        self.status = status
        self.retryAfter = retryAfter
        self.hasEvents = hasEvents
        stream =
            hasEvents && request.context.isStreamed ? StreamTranslation(request.context) : nil
    }

    /// Whether the response goes out as it comes.
    var isStream: Bool { stream != nil }
    /// The status that the client gets.
    var clientStatus: Int { answer?.status ?? (isStream ? 200 : status) }
    /// Whether the client has the stream's end mark: nothing may follow.
    var hasMarkedEnd: Bool { stream?.isOver == true && !hasFailed }
    /// Whether the stream has ended without its end, or with an error.
    var lacksEnd: Bool { isStream && (stream?.isOver == false || hasFailed) }
    /// Whether bytes of a body came that is not passed on before its end.
    var awaitsEnd: Bool { !isStream && bytes > 0 }
    /// What request and answer do not say, so far.
    var losses: [Loss] { lost + (stream?.losses ?? []) }

    /// The head has gone out: what fails from here on is an event.
    func headWentOut() {
        stream?.mayFailEarly = false
    }

    /// Takes a piece of the vendor's response.
    func take(_ piece: Span<UInt8>, into output: inout ByteBuffer) {
        guard answer == nil else { return }
        bytes += piece.count
        guard bytes <= Self.bytesMax else {
            body.release()
            return fail("an answer that is too large to be translated", into: &output)
        }
        guard isStream else { return body.append(piece) }
        stream?.take(piece, into: &output)
        observeStream()
    }

    /// Takes the end of the vendor's response; `isWhole`: it is all here.
    func end(isWhole: Bool, into output: inout ByteBuffer) {
        guard answer == nil else { return }
        if isStream {
            // Nothing went out: the end of the transfer says what happened.
            guard isWhole || stream?.mayFailEarly == false else { return }
            // Where the vendor's streams must end in their mark, the body's end is none.
            stream?.end(isWhole: isWhole && !(awaitsMark && vendor == .chat), into: &output)
            observeStream()
        } else if isWhole {
            var gathered = ByteBuffer()
            swap(&gathered, &body)
            answer = translate(Array(gathered.bytes))
        }
    }

    /// The response cannot be translated.
    func fail(_ what: String, into output: inout ByteBuffer) {
        hasFailed = true
        guard stream?.mayFailEarly == false else { return answer = noAnswer(what) }
        stream?.fail("the vendor sent \(what)", into: &output)
    }

    /// Ends a stream, of which the client has a part, with an error for a reason in words.
    func breakOff(_ reason: String, into output: inout ByteBuffer) {
        hasFailed = true
        stream?.fail(reason, into: &output)
    }

    private func observeStream() {
        guard stream?.hasFailed == true else { return }
        hasFailed = true
        guard let early = stream?.earlyFailure, answer == nil else { return }
        let facts = ErrorFacts(early.source.span)
        let seconds = facts.retryAfter.map { "\(Int($0.seconds.rounded(.up)))" }
        answer = Answer(
            status: early.status, body: early.body, isError: true, facts: facts,
            retryAfter: retryAfter ?? seconds)
    }

    private func translate(_ body: [UInt8]) -> Answer {
        guard 200..<300 ~= status else { return translate(error: body) }
        do throws(JSONScanner.Malformed) {
            if hasEvents, question == .answer {
                var events = ByteBuffer(capacity: body.count)
                events.append(body.span)
                return adopt(try AnswerTranslation(events: events, context), of: body)
            }
            let value = try RawJSON(parsing: body)
            if question == .count { return translate(count: value) }
            let asEvents = context.isStreamed
            return adopt(
                AnswerTranslation(value, context, asEvents: asEvents), of: body,
                isEventStream: asEvents)
        } catch {
            return noAnswer("a body that is no JSON")
        }
    }

    private func adopt(
        _ translation: AnswerTranslation, of body: [UInt8], isEventStream: Bool = false
    ) -> Answer {
        lost += translation.losses
        let isError = translation.status != 200
        hasFailed = isError
        return Answer(
            status: translation.status, body: translation.body, isError: isError,
            isEventStream: isEventStream && !isError,
            facts: isError ? ErrorFacts(body.span) : ErrorFacts(), retryAfter: retryAfter)
    }

    private func translate(count value: RawJSON) -> Answer {
        guard let body = CountTranslation.answer(value, from: vendor, to: client) else {
            return noAnswer("a count without its number")
        }
        return Answer(status: 200, body: body, isError: false)
    }

    private func translate(error body: [UInt8]) -> Answer {
        let error = ErrorTranslation(
            status: status, body: body, retryAfter: retryAfter, from: vendor,
            to: client)
        return Answer(
            status: status < 400 ? 502 : error.status, body: error.body, isError: true,
            facts: ErrorFacts(body.span), retryAfter: error.retryAfter)
    }

    private func noAnswer(_ what: String) -> Answer {
        hasFailed = true
        let failure = Failure.noAnswer(vendor: vendorName, what)
        var text = ByteBuffer()
        client.dialect.errorBody(
            DialectError(
                status: failure.status, code: failure.code, message: failure.message,
                identifier: context.seed), to: &text)
        return Answer(status: failure.status, body: Array(text.bytes), isError: true)
    }
}
