import Config
import ExchangeCore
import Logging
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Fail over: an attempt failed before anything of it went out, and another may follow. From the top
// level of a turn.
extension RequestExchange {
    /// Counts a failed attempt, and carries out the failover decision.
    ///
    /// `advice` is what the vendor itself said about another try; `isCertain`, whether a
    /// credential is surely at fault, so that its cooldown begins at once.
    func attemptFailed(
        _ failureClass: FailureClass, _ failure: Failure, _ advice: RetryAdvice = RetryAdvice(),
        isCertain: Bool = true, result: TransferResult? = nil
    ) {
        guard let attempt, var route else { return }
        attempt.countFailure(failureClass)
        let mayPay = Metering.attemptFailed(attempt, failureClass)
        recorder.writeFailure(
            of: attempt, failureClass.name, result,
            status: keptAttempt?.status ?? 0, reason: failure.explanation)
        // A failure for lack of room in the gateway is no fault of the target.
        if failure.fault != .gateway {
            attempt.countAgainstHealth(failureClass, advice, isCertain: isCertain)
        }
        tried.insert(route.target)
        guard state.isFailing else { return }
        let decision = FailoverDecision.next(
            for: self, route, failureClass, failure, advice, mayPay: mayPay)
        guard state.apply(decision) else { return }
        self.attempt = nil
        switch decision {
        case .retry(let wait):
            ExchangeLog.failover(
                self, "a vendor failed, it is tried again", failureClass, failure, attempt)
            resumeAt = worker.loop.now + wait
            client.ensureClock()
        case .moveOn(let target):
            let before = route.vendor
            route.target = target
            self.route = route
            ExchangeLog.failover(
                self, "a vendor failed, the next is tried", failureClass, failure, attempt)
            snapshot.metrics[before].movedOn.add()
            snapshot.metrics[route.vendor].started.add()
            startAttempt(onFreshConnection: false)
        case .vendorsAnswer:
            if let result { ExchangeLog.failure(self, failure, result) }
            deliverKept()
        case .answer(let failure):
            if let result { ExchangeLog.failure(self, failure, result) }
            answerWhileUploading(failure)
        }
    }

    /// The wait before a further try at the same target is over.
    func resumeAttempts() {
        resumeAt = nil
        guard state.isFailing else { return }
        startAttempt(onFreshConnection: false)
        client.ensureClock()
    }

    /// A clock of the exchange ran out.
    func clockExpired(_ clock: Clock) {
        let decision = state.clockExpired(
            clock, vendor: vendor?.name ?? "",
            after: Limits.interval(of: clock, route, worker.settings.server))
        if decision != .nothing { ExchangeLog.outOfTime(self, clock, decision) }
        if clock == .tunnelIdle { recorder.explanation = "tunnel_idle: no byte passed either way" }
        if case .answer = decision, clock == .total {
            // The attempt that was under way failed, and no other follows.
            attempt?.countFailure(.timeout)
        }
        stop(decision)
    }

    /// Ends the transfer and carries out the decision about the stop.
    func stop(_ decision: ExchangeState.StopDecision) {
        attempt?.cancel()
        resumeAt = nil
        switch decision {
        case .answer(let failure):
            answerWhileUploading(failure)
        case .failed(let failureClass, let failure):
            attempt?.pipeline.endHold()
            attemptFailed(failureClass, failure)
        case .breakOff(let outcome):
            // Of a tunnel nothing follows: neither side would see its end.
            if let tunnel, tunnel.isOpen { return tunnel.end(as: outcome) }
            if !writer.isBrokenOff { breakOff() }
        case .nothing:
            break
        }
    }

    private func answerWhileUploading(_ failure: Failure) {
        answer(failure, closing: client.phase == .body)
    }
}
