import Access
import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Transfers
import Translation

/// The response of an attempt in another dialect: from the vendor's head to the client's.
///
/// It is always held. A stream goes out with its first content, so that a failure before it keeps
/// its status; any other body with its end, because its length and its status are known then.
enum TranslatedAnswer {
    /// The head is here.
    ///
    /// Called from inside libcurl, as are the next ones.
    static func begin(
        _ attempt: Attempt, _ head: borrowing ResponseHead, _ request: TranslatedRequest
    ) {
        let hasEvents = head.mediaType == .eventStream && head.status == 200
        // A vendor may answer in another way than it was asked to.
        let isStream = hasEvents && request.context.isStreamed
        let advice = RetryAdvice(head, now: Identifier.wallClockMilliseconds())
        let translator = AnswerTranslator(
            request, vendor: attempt.vendor.name,
            awaitsMark: attempt.vendor.terminal == .strict, status: head.status,
            hasEvents: hasEvents,
            retryAfter: advice.after.map { "\(Int($0.seconds.rounded(.up)))" },
            now: attempt.worker.loop.now)
        let demands = ResponsePipeline.Demands(
            watchesContent: attempt.route.clocks.contentIdle > .zero && isStream,
            readsUsage: attempt.exchange.caller?.reservation?.demand.isWork ?? false,
            translator: translator)
        let framing = framing(of: attempt, contentLength: nil)
        let hold = Hold(
            holdReason(attempt, head, request), status: head.status, framing: framing,
            advice: advice,
            bytesMax: attempt.route.plan.holdBytesMax, now: attempt.worker.loop.now,
            awaitsEnd: !isStream)
        if isStream {
            TranslatedHead.write(
                200, client: request.client, isStream: true, retryAfter: nil, framing,
                to: &hold.head)
        }
        attempt.client.isClockChanged = true
        attempt.client.requestFlush()
        attempt.pipeline.begin(head, demands, hold: hold, now: attempt.worker.loop.now)
        attempt.exchange.headReceived(attempt)
        guard !ResponsePipeline.isReadable(head) else { return }
        var output = ByteBuffer()
        translator.fail("a content coding that is not known here", into: &output)
        adoptAnswer(attempt)
    }

    private static func holdReason(
        _ attempt: Attempt, _ head: borrowing ResponseHead, _ request: TranslatedRequest
    ) -> AttemptVerdict.HoldReason {
        let facts = AttemptVerdict.Head(
            status: head.status, mediaType: head.mediaType, contentLength: head.contentLength,
            isEncoded: head.isEncoded, isReadable: true,
            bytesMax: attempt.route.plan.holdBytesMax)
        let reason = AttemptVerdict.holdReason(
            facts, isPost: true, isWork: request.question == .answer,
            isOwnCredential: attempt.vendor.hasOwnCredential,
            attempt.route.plan.policy)
        let isStream =
            head.mediaType == .eventStream && head.status == 200 && request.context.isStreamed
        // What is gathered to one body shows nothing before its end.
        if reason == .stream, !isStream { return .answer }
        if let reason { return reason }
        guard head.status < 300 else { return .suspicion }
        return isStream ? .stream : .answer
    }

    /// A piece is here.
    static func take(_ bytes: Span<UInt8>, of attempt: Attempt, _ transfer: Transfer) {
        var plain = ByteBuffer()
        if let isReadable = attempt.pipeline.decode(bytes, to: &plain) {
            attempt.exchange.recorder.write(
                bytes, of: attempt, reads: plain.bytes, isReadable: isReadable)
            translate(plain.bytes, of: attempt, transfer)
        } else {
            attempt.exchange.recorder.write(bytes, of: attempt, reads: bytes, isReadable: true)
            translate(bytes, of: attempt, transfer)
        }
    }

    private static func translate(
        _ plain: Span<UInt8>, of attempt: Attempt, _ transfer: Transfer
    ) {
        attempt.pipeline.observe(plain, isReadable: true, now: attempt.worker.loop.now)
        var output = ByteBuffer()
        swap(&output, &attempt.worker.plain)
        _ = attempt.pipeline.filter(plain, to: &output)
        if !output.isEmpty {
            attempt.pipeline.translator?.lastOutput = attempt.worker.loop.now
            attempt.advance(output.bytes, reads: output.bytes, isReadable: true, of: transfer)
        }
        output.removeAll()
        swap(&output, &attempt.worker.plain)
        adoptAnswer(attempt)
        endFailedStream(attempt)
    }

    /// The transfer is at its end.
    static func end(_ attempt: Attempt, _ transfer: Transfer, isWhole: Bool) {
        var rest = ByteBuffer()
        attempt.pipeline.endFilter(to: &rest, isWhole: isWhole)
        if !rest.isEmpty {
            attempt.advance(rest.bytes, reads: rest.bytes, isReadable: true, of: transfer)
        }
        adoptAnswer(attempt)
    }

    /// Holds what stands for the vendor's response, in its stead.
    private static func adoptAnswer(_ attempt: Attempt) {
        guard let translator = attempt.pipeline.translator, let answer = translator.answer,
            let hold = attempt.pipeline.hold, !hold.isWhole
        else { return }
        let framing = framing(of: attempt, contentLength: answer.body.count)
        var head = ByteBuffer()
        TranslatedHead.write(
            answer.status, client: translator.client, isStream: answer.isEventStream,
            retryAfter: answer.retryAfter, framing, to: &head)
        hold.adopt(answer, framing: framing, head: head)
        if answer.isError { attempt.client.requestFlush() }
    }

    /// Breaks a stream off whose vendor failed: the client has the event that says so.
    private static func endFailedStream(_ attempt: Attempt) {
        let exchange = attempt.exchange
        guard attempt.pipeline.translator?.hasFailed ?? false, exchange.state.isCommitted,
            !exchange.writer.isComplete
        else { return }
        exchange.recorder.explanation = "the vendor's stream failed after its first content"
        exchange.writer.breakOff(to: attempt.client)
    }

    private static func framing(of attempt: Attempt, contentLength: Int?) -> ResponseFraming {
        ResponseFraming(
            status: 200, isHeadRequest: false, contentLength: contentLength,
            clientMinorVersion: attempt.exchange.request.head.minorVersion)
    }
}
