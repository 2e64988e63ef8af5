import Access
import Config
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Detached: where `on_client_disconnect` says so, an answer goes on after its client has gone, so
// that the record has all of it, its usage above all. The client's connection is closed at once.
// The answer is recorded and dropped. Its end counts for and against the vendor as usual.
extension DetachedAnswer {
    /// Lets the transfer of a client that has just gone run to its end; false where it is not
    /// wanted, or there is none.
    ///
    /// If none of the request has been sent, cancel it: it would be billed and never read. One that
    /// is being sent goes on if all of it is here. A tunnel has no end without its client.
    static func begin(_ exchange: RequestExchange) -> Bool {
        let client = exchange.client
        let wasCommitted = exchange.state.isCommitted
        guard client.phase == .answering, exchange.tunnel == nil, let attempt = exchange.attempt,
            attempt.wasSent, attempt.vendor.onClientDisconnect == .continue,
            isUploadComplete(exchange), exchange.state.detached()
        else { return false }
        exchange.worker.metrics.detached.add()
        exchange.worker.metrics.undeliveredBytes.add(
            client.output.count + (attempt.pipeline.hold?.bodyBytes ?? 0))
        exchange.keptAttempt = nil
        attempt.pipeline.detach()
        let detached = DetachedAnswer(exchange)
        exchange.detached = detached
        client.close(leaving: exchange)
        if !wasCommitted, attempt.headIsComplete { headReceived(attempt) }
        detached.arm()
        // libcurl may hand over bytes before this returns.
        attempt.resumeReceiving()
        return true
    }

    /// Whether the vendor has, or libcurl can give it, all of the request.
    private static func isUploadComplete(_ exchange: RequestExchange) -> Bool {
        !exchange.intake.isStreaming || exchange.request.body.isEmpty
    }

    /// Takes a head that comes once the client has gone.
    ///
    /// Called from inside libcurl.
    static func headReceived(_ attempt: Attempt, _ head: borrowing ResponseHead) {
        let isCharged = attempt.exchange.caller?.reservation?.demand.isWork ?? false
        attempt.pipeline.beginDetached(head, attempt.answerDialect, readsUsage: isCharged)
        headReceived(attempt)
    }

    /// Counts a head that no client is given, and remembers whose answer the record is of.
    ///
    /// Called from inside libcurl, too.
    private static func headReceived(_ attempt: Attempt) {
        let exchange = attempt.exchange
        exchange.answeringAttempt = attempt
        attempt.lastVendorByte = exchange.worker.loop.now
        attempt.countHead()
        // From here the clock between bytes runs, which may be due before the one so far.
        exchange.detached?.arm()
    }

    /// Ends a detached answer that has reached a bound.
    static func stop(_ exchange: RequestExchange) {
        guard exchange.detached != nil else { return }
        exchange.recorder.explanation =
            "the client had gone, and the answer was not read to its end"
        exchange.end(as: .clientCancelled)
    }
}
