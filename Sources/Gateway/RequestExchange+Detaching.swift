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
extension RequestExchange {
    /// Lets the transfer of a client that has just gone run to its end; false where it is not
    /// wanted, or there is none.
    ///
    /// If none of the request has been sent, cancel it: it would be billed and never read. One that
    /// is being sent goes on if all of it is here.
    func detach() -> Bool {
        let wasCommitted = state.isCommitted
        guard client.phase == .answering, let attempt, attempt.wasSent,
            attempt.vendor.onClientDisconnect == .continue, isUploadComplete, state.detached()
        else { return false }
        worker.metrics.detached.add()
        worker.metrics.undeliveredBytes.add(
            client.output.count + (attempt.pipeline.hold?.bodyBytes ?? 0))
        keptAttempt = nil
        attempt.pipeline.detach()
        let detached = DetachedAnswer(self)
        self.detached = detached
        client.close(leaving: self)
        if !wasCommitted, attempt.headIsComplete { detachedHeadReceived(attempt) }
        detached.arm()
        // libcurl may hand over bytes before this returns.
        attempt.resumeReceiving()
        return true
    }

    /// Whether the vendor has, or libcurl can give it, all of the request.
    private var isUploadComplete: Bool { !intake.isStreaming || request.body.isEmpty }

    /// Counts a head that no client is given, and remembers whose answer the record is of.
    ///
    /// Called from inside libcurl, too.
    func detachedHeadReceived(_ attempt: Attempt) {
        answeringAttempt = attempt
        attempt.lastVendorByte = worker.loop.now
        attempt.countHead()
        // From here the clock between bytes runs, which may be due before the one so far.
        detached?.arm()
    }

    /// Ends a detached answer that has reached a bound.
    func stopDetached() {
        guard detached != nil else { return }
        recorder.explanation = "the client had gone, and the answer was not read to its end"
        end(as: .clientCancelled)
    }
}
