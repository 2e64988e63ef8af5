import Config
import Dialects
import ExchangeCore
import HTTP
import Logging
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Attempt: the request goes to a vendor, and the exchange acts on the attempt's end.
extension RequestExchange {
    /// Sends the request to the route's current target.
    func startAttempt(onFreshConnection isFresh: Bool) {
        guard let route else { return }
        state.attemptBegan()
        snapshot.metrics[route.vendor].attempts.add()
        let attempt = Attempt(self, route: route)
        self.attempt = attempt
        attempt.start(onFreshConnection: isFresh)
    }

    /// The head of an attempt's response is here, and held where it may be no answer.
    ///
    /// Called from inside libcurl.
    func headReceived(_ attempt: Attempt) {
        switch state.headReceived(holds: attempt.pipeline.hold != nil) {
        case .relay:
            answeringAttempt = attempt
            attempt.relayHead()
            committed(attempt)
        case .hold, .ignore:
            break
        }
    }

    /// From here the request is never sent again.
    func committed(_ attempt: Attempt) {
        answeringAttempt = attempt
        attempt.lastVendorByte = worker.loop.now
        attempt.countHead()
        // The body goes as soon as the vendor has it all, which matters to long streams after long
        // prompts.
        if attempt.releaseSentBody() { returnBody() }
        if let translated = attempt.translated {
            // No other attempt follows.
            translated.releaseBody()
            self.translated = nil
            if heartbeat == nil, translated.changesForm { heartbeat = Heartbeat(translating: self) }
            intake.dropBody(of: request)
        }
    }

    /// Carries out the decision about the end of an attempt's transfer.
    func ended(_ attempt: Attempt, _ result: TransferResult) {
        guard attempt === self.attempt else { return }
        let isWhole = result.code == .ok && attempt.headIsComplete
        if state.isHolding, attempt.pipeline.showsError {
            // Its end came in the turn that found the failure.
            if isWhole { attempt.pipeline.hold?.isWhole = true }
            return actOnHold()
        }
        let lacksTerminal = attempt.pipeline.lacksTerminal()
        let endsOpen = tunnel?.vendorEnded() ?? false
        let decision = state.transferEnded(
            result, vendor: attempt.vendor.name, headIsComplete: attempt.headIsComplete,
            violation: attempt.headViolation, canRepeat: !intake.isStreaming,
            lacksTerminal: lacksTerminal, isAtMark: attempt.pipeline.hasMarkedEnd,
            endsOpen: endsOpen)
        switch decision {
        case .finish:
            writer.end(to: client)
        case .breakOff(let outcome):
            let reason: String? =
                result.code == .ok && lacksTerminal
                ? "the stream ended without its terminal marker" : nil
            ExchangeLog.brokenOff(self, outcome, result, reason)
            recorder.explanation = reason ?? "\(result.code.name): \(result.detail)"
            breakOff()
        case .failed(let failureClass, let failure):
            attemptFailed(failureClass, failure, result: result)
        case .heldWhole:
            heldWhole(attempt, result, lacksTerminal: lacksTerminal)
        case .retryFresh:
            snapshot.metrics[attempt.route.vendor].staleRetries.add()
            recorder.writeFailure(
                of: attempt, "stale", result, status: 0, reason: "a pooled connection was dead")
            startAttempt(onFreshConnection: true)
        case .readOut:
            DetachedAnswer.ended(attempt, result)
            settle()
        case .nothing:
            break
        }
    }

    /// The response will not be whole: the client gets an error event where that is possible.
    func breakOff() {
        writer.breakOff(to: client) { output in
            guard let answeringAttempt else { return }
            let failure = Failure.streamBroke(vendor: answeringAttempt.vendor.name)
            answeringAttempt.pipeline.writeErrorEvent(
                OwnAnswer.error(failure, self), to: &output)
        }
    }

    // MARK: Hold

    /// Lets what is held go out, unchanged and in one write: the commit.
    func releaseHold() {
        guard let attempt, let hold = attempt.pipeline.hold, !attempt.pipeline.showsError,
            state.committed()
        else { return }
        attempt.pipeline.endHold()
        keptAttempt = nil
        answeringAttempt = attempt
        client.isClockChanged = true
        attempt.countRelease(of: hold)
        attempt.relay(hold)
        committed(attempt)
    }

    /// Ends a transfer whose held events say that the vendor failed.
    ///
    /// From the top level of a turn.
    func actOnHold() {
        guard let attempt, let hold = attempt.pipeline.hold, attempt.pipeline.showsError,
            state.heldIsFailure()
        else { return }
        attempt.cancel()
        keptAttempt = attempt
        let failure = Failure.noAnswer(vendor: attempt.vendor.name, "an error event")
        attemptFailed(
            attempt.showsRefusedCredential ? .credential : .streamError, failure, hold.advice)
    }

    /// The held response is at its end.
    ///
    /// `lacksTerminal`: it is a stream that had to end in a marker, and did not, so that it is not
    /// whole whatever it holds.
    private func heldWhole(_ attempt: Attempt, _ result: TransferResult, lacksTerminal: Bool) {
        guard let hold = attempt.pipeline.hold else { return }
        keptAttempt = attempt
        switch attempt.verdict(on: hold, lacksTerminal: lacksTerminal) {
        case .answer:
            guard state.heldIsAnswer() else { return }
            attempt.countAnswer()
            deliverKept()
        case .failed(let failureClass, let what, let isCertain):
            guard state.heldIsFailure() else { return }
            attemptFailed(
                failureClass, .noAnswer(vendor: attempt.vendor.name, what), hold.advice,
                isCertain: isCertain, result: lacksTerminal ? result : nil)
        }
    }

    /// Passes the kept response on as it was.
    func deliverKept() {
        guard let attempt = keptAttempt, let hold = attempt.pipeline.hold else { return }
        keptAttempt = nil
        answeringAttempt = attempt
        attempt.relay(hold)
        // An answer that was cut short by us is not whole, and must not look it. One that became an
        // event of an error is at its end.
        if writer.isComplete {
            client.requestFlush()
        } else if hold.isWhole {
            writer.end(to: client)
        } else {
            writer.breakOff(to: client)
        }
        if client.phase != .answering { client.enter(.answering) }
    }
}
