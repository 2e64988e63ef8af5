import Config
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

/// What bounds an answer whose client has gone.
struct Detachment {
    let began: Instant
    let timer: TimerWheel.Timer
    var bytesLeft: Int
}

// Detached: where `on_client_disconnect` says so, an answer goes on after its client has gone, so
// that the record has all of it, its usage above all. The client's connection is closed at once;
// what comes is recorded and dropped. What the vendor does counts for and against it as ever.
extension RequestExchange: TimerHandler {
    /// Lets the transfer of a client that has just gone run to its end; false where it is not
    /// wanted, or there is none.
    ///
    /// If none of the request has been sent, cancel it: it would be billed and never read. One that
    /// is being sent goes on if all of it is here.
    func detach() -> Bool {
        let wasCommitted = state.isCommitted
        guard client.phase == .answering, let attempt, attempt.wasSent,
            attempt.vendor.onClientDisconnect == .drain, isUploadComplete, state.detached()
        else { return false }
        worker.metrics.unheard.add()
        worker.metrics.undeliveredBytes.add(
            client.output.count + (attempt.pipeline.hold?.bodyBytes ?? 0))
        keptAttempt = nil
        attempt.pipeline.detach()
        detachment = Detachment(
            began: worker.loop.now, timer: worker.loop.timers.create(self),
            bytesLeft: worker.settings.unheard.bytes)
        client.close(leaving: self)
        if !wasCommitted, attempt.headIsComplete { detachedHeadReceived(attempt) }
        armDetached()
        // libcurl may hand over bytes before this returns.
        attempt.resumeReceiving()
        return true
    }

    /// Whether the vendor has, or libcurl can give it, all of the request.
    private var isUploadComplete: Bool { !isStreaming || request.body.isEmpty }

    /// Counts a head that no client is given, and notes whose answer the record is of.
    ///
    /// Called from inside libcurl, too.
    func detachedHeadReceived(_ attempt: Attempt) {
        answeringAttempt = attempt
        attempt.lastVendorByte = worker.loop.now
        attempt.countHead()
        // From here the clock between bytes runs, which may be due before the one so far.
        armDetached()
    }

    /// Counts bytes that no client waits for.
    ///
    /// Called from inside libcurl, where nothing is ended: that is left to the end of the turn.
    func drop(_ count: Int) {
        guard detachment != nil else { return }
        worker.metrics.undeliveredBytes.add(count)
        detachment?.bytesLeft -= count
        if let detachment, detachment.bytesLeft < 0 { worker.needsStop(self) }
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        guard let deadline = detachedDeadline() else { return }
        if deadline.at > worker.loop.now { return armDetached() }
        stopDetached()
    }

    private func armDetached() {
        guard let detachment, let deadline = detachedDeadline() else { return }
        worker.loop.timers.arm(detachment.timer, at: deadline.at)
    }

    private func detachedDeadline() -> Deadline? {
        guard let detachment, let route, let attempt else { return nil }
        var times = Deadlines.Exchange(clocks: route.clocks, requestEnded: requestEnded)
        times.attemptBegan = attempt.began
        times.lastVendorByte = attempt.lastVendorByte
        return Deadlines.detached(
            times, since: detachment.began, atMost: worker.settings.unheard.time,
            hasHead: attempt.headIsComplete)
    }

    /// Ends what has gone on for long enough.
    func stopDetached() {
        guard detachment != nil else { return }
        recorder.explanation = "the client had gone, and the answer was not read to its end"
        end(as: .clientCancelled)
    }

    /// The answer of a client that had gone is at its end.
    func readOut(_ attempt: Attempt, _ result: TransferResult) {
        if result.code != .ok || !attempt.headIsComplete {
            recorder.explanation =
                "after the client had gone: \(result.code.name): \(result.detail)"
        }
        if !attempt.headIsComplete {
            attempt.countFailure(result.failureClass)
            recordFailure(
                of: attempt, result.failureClass.name, result, status: 0,
                reason: "after the client had gone")
            attempt.countAgainstHealth(result.failureClass, RetryAdvice(), isCertain: true)
        }
        settle()
    }
}
