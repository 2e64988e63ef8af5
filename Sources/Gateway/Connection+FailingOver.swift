import Config
import ExchangeCore
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
        guard exchange.isFailing else { return }
        let decision = decision(failureClass, failure, advice, route)
        guard exchange.follow(decision) else { return }
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
        }
    }

    /// The wait before a further try at the same target is over.
    func resumeAttempts() {
        resumeAt = nil
        guard exchange.isFailing else { return }
        attempt(onFreshConnection: false)
        ensureClock()
    }

    private func decision(
        _ failureClass: FailureClass, _ failure: Failure, _ advice: RetryAdvice,
        _ route: RoutingTable.Route
    ) -> FailoverDecision {
        var canRepeat = false
        if case .keep = bodyMode { canRepeat = true }
        let facts = FailoverDecision.Facts(
            failureClass, failure, advice: advice, attempts: exchange.countedAttempts,
            retries: exchange.retries, canRepeat: canRepeat,
            keptAnswerIsWhole: lastAnswer?.isWhole)
        let allowance = FailoverDecision.Allowance(
            attemptsMax: route.plan.attemptsMax, retriesMax: route.plan.retriesMax,
            policy: route.plan.policy)
        return FailoverDecision.after(facts, allowance) {
            Backoff.wait(before: $0, asked: advice.after, using: &worker.random)
        } next: {
            edition.health.next(of: route.plan, excluding: tried, now: worker.loop.now)
        }
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
        let cooldown = FailoverDecision.cooldown(
            after: failureClass, advice, isCertain: isCertain, route.plan.policy)
        let until = cooldown.map { worker.loop.now + $0 }
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
