import Config
import Logging
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Fail over: an attempt came to nothing before anything of it went out, and another may follow.
// From the top level of a turn.
extension Connection {
    /// Counts a failed attempt, and carries out what the exchange decides to follow it.
    ///
    /// `advice` is what the vendor itself said about being asked again; `isCertain`, whether a
    /// credential is surely at fault, so that it is benched at once.
    func attemptFailed(
        _ failureClass: FailureClass, _ failure: Failure, _ advice: RetryAdvice = RetryAdvice(),
        isCertain: Bool = true, result: TransferResult? = nil
    ) {
        guard let route, let vendor else { return }
        countFailure(failureClass, route)
        teeAttemptFailed(
            failureClass.name, result, status: lastAnswer?.status ?? 0,
            reason: failure.explanation)
        // What the gateway has no room for is none of the target's faults.
        if failure.fault != .gateway {
            noteHealth(failureClass, advice, route, isCertain: isCertain)
        }
        tried.insert(route.target)
        let sequel = sequel(failureClass, advice, route)
        let decision = exchange.attemptFailed(
            failure, sequel, attemptsMax: route.plan.attemptsMax
        )
        switch decision {
        case .retry(let wait):
            logFailover("a vendor failed, it is tried again", failureClass, failure, vendor.name)
            resumeAt = worker.loop.now + wait
            ensureClock()
        case .moveOn(let target):
            self.route?.target = target
            logFailover("a vendor failed, the next is tried", failureClass, failure, vendor.name)
            edition.metrics[route.vendor].movedOn.add()
            edition.metrics[self.route?.vendor ?? route.vendor].started.add()
            attempt(onFreshConnection: false)
        case .vendorsAnswer:
            if let result { logFailure(failure, result) }
            deliverLastAnswer()
        case .answer(let failure):
            if let result { logFailure(failure, result) }
            let isUploading = phase == .body
            if isUploading { lingersAfterResponse = true }
            answer(failure, closing: isUploading)
        case .nothing:
            break
        }
    }

    /// The wait before a further try at the same target is over.
    func resumeAttempts() {
        resumeAt = nil
        guard exchange.isWaiting else { return }
        attempt(onFreshConnection: false)
        ensureClock()
    }

    private func sequel(
        _ failureClass: FailureClass, _ advice: RetryAdvice, _ route: RoutingTable.Route
    ) -> Exchange.Sequel {
        var sequel = Exchange.Sequel(
            hasVendorsAnswer: lastAnswer != nil,
            isVendorsAnswerWhole: lastAnswer?.isWhole ?? true
        )
        if case .stream = bodyMode { return sequel }
        guard route.plan.policy.movesOn(from: failureClass) else { return sequel }
        if exchange.retries < route.plan.retriesMax, failureClass != .credential,
            advice.isWelcome ?? true
        {
            sequel.retryAfter = Backoff.wait(
                before: exchange.retries + 1, asked: advice.after, using: &worker.random
            )
        }
        // Asked last: to be told a target whose bench has ended is to become its probe.
        if sequel.retryAfter == nil, exchange.countedAttempts < route.plan.attemptsMax {
            sequel.next = edition.health.next(
                of: route.plan, excluding: tried, now: worker.loop.now
            )
        }
        return sequel
    }

    /// Counts an attempt that came to nothing, and what it lasted.
    func countFailure(_ failureClass: FailureClass, _ route: RoutingTable.Route) {
        let metrics = edition.metrics[route.vendor]
        metrics.attemptFailures[failureClass.index].add()
        metrics.failedAttempt.record(
            nanoseconds: (worker.loop.now - attemptBegan).nanoseconds
        )
    }

    /// Counts a failure against the current target.
    func noteHealth(
        _ failureClass: FailureClass, _ advice: RetryAdvice, _ route: RoutingTable.Route,
        isCertain: Bool
    ) {
        var until: Instant?
        if failureClass == .credential, isCertain {
            let bench = Interval(nanoseconds: route.plan.policy.benching.nanoseconds)
            if bench > .zero { until = worker.loop.now + bench }
        } else if failureClass == .status(429), let after = advice.after, after > .zero {
            // The vendor's own word of when to come back, within reason.
            until = worker.loop.now + min(after, .seconds(300))
        }
        let health = route.plan.targets[route.target].health
        let isBenched = edition.health.failed(
            health, policy: route.plan.policy, now: worker.loop.now, until: until
        )
        if isBenched { edition.metrics[route.vendor].benched.add() }
    }

    private func logFailover(
        _ message: Logger.Message, _ failureClass: FailureClass, _ failure: Failure,
        _ vendor: String
    ) {
        worker.logger.warning(
            message,
            metadata: [
                "exchange": "\(identifier.map(\.description) ?? "")",
                "chain": "\(route?.plan.chain ?? "")", "vendor": "\(vendor)",
                "next": "\(self.vendor?.name ?? "")", "class": "\(failureClass.name)",
                "attempt": "\(exchange.attempts)", "reason": "\(failure.explanation)",
            ]
        )
    }
}
