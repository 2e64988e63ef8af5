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
    /// Counts a failed attempt, and carries out what is decided to follow it.
    ///
    /// `advice` is what the vendor itself said about being asked again; `isCertain`, whether a
    /// credential is surely at fault, so that its cooldown begins at once.
    func attemptFailed(
        _ failureClass: FailureClass, _ failure: Failure, _ advice: RetryAdvice = RetryAdvice(),
        isCertain: Bool = true, result: TransferResult? = nil
    ) {
        guard let attempt, var route else { return }
        attempt.countFailure(failureClass)
        recordFailure(
            of: attempt, failureClass.name, result,
            status: keptAttempt?.pipeline.hold?.status ?? 0, reason: failure.explanation)
        // What the gateway has no room for is none of the target's faults.
        if failure.fault != .gateway {
            attempt.countAgainstHealth(failureClass, advice, isCertain: isCertain)
        }
        tried.insert(route.target)
        guard state.isFailing else { return }
        let decision = decision(failureClass, failure, advice, route)
        guard state.follow(decision) else { return }
        self.attempt = nil
        switch decision {
        case .retry(let wait):
            logFailover("a vendor failed, it is tried again", failureClass, failure, attempt)
            resumeAt = worker.loop.now + wait
            client.ensureClock()
        case .moveOn(let target):
            let before = route.vendor
            route.target = target
            self.route = route
            logFailover("a vendor failed, the next is tried", failureClass, failure, attempt)
            snapshot.metrics[before].movedOn.add()
            snapshot.metrics[route.vendor].started.add()
            startAttempt(onFreshConnection: false)
        case .vendorsAnswer:
            if let result { logFailure(failure, result) }
            deliverKept()
        case .answer(let failure):
            if let result { logFailure(failure, result) }
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
            clock, vendor: vendor?.name ?? "", after: allowance(of: clock))
        if decision != .nothing {
            worker.logger.warning(
                "an exchange ran out of time",
                metadata: [
                    "exchange": "\(logName)", "vendor": "\(vendor?.name ?? "")",
                    "clock": "\(clock.outcome.name)",
                    "committed": "\(decision == .breakOff(clock.outcome))",
                ])
        }
        if case .answer = decision, clock == .total {
            // The attempt that was under way failed, and no other follows.
            attempt?.countFailure(.timeout)
        }
        stop(decision)
    }

    /// Ends the transfer and carries out what was decided about being stopped.
    func stop(_ decision: ExchangeState.StopDecision) {
        attempt?.cancel()
        resumeAt = nil
        switch decision {
        case .answer(let failure):
            answerWhileUploading(failure)
        case .failed(let failureClass, let failure):
            attempt?.pipeline.endHold()
            attemptFailed(failureClass, failure)
        case .breakOff:
            breakOff()
        case .nothing:
            break
        }
    }

    private func answerWhileUploading(_ failure: Failure) {
        let isUploading = client.phase == .body
        if isUploading { writer.lingersAfterwards = true }
        answer(failure, closing: isUploading)
    }

    private func decision(
        _ failureClass: FailureClass, _ failure: Failure, _ advice: RetryAdvice,
        _ route: RoutingTable.Route
    ) -> FailoverDecision {
        let facts = FailoverDecision.Facts(
            failureClass, failure, advice: advice, attempts: state.countedAttempts,
            retries: state.retries, canRepeat: !isStreaming,
            keptAnswerIsWhole: keptAttempt?.pipeline.hold?.isWhole)
        let allowance = FailoverDecision.Allowance(
            attemptsMax: route.plan.attemptsMax, retriesMax: route.plan.retriesMax,
            policy: route.plan.policy)
        return FailoverDecision.after(facts, allowance) {
            Backoff.wait(before: $0, asked: advice.after, using: &worker.random)
        } next: {
            snapshot.health.next(of: route.plan, excluding: tried, now: worker.loop.now)
        }
    }

    /// Whether another attempt could follow the current one.
    func canFollow(_ route: RoutingTable.Route) -> Bool {
        guard route.plan.hasAlternatives, state.countedAttempts < route.plan.attemptsMax,
            // A body that was streamed away cannot be sent again.
            !isStreaming
        else { return false }
        if state.retries < route.plan.retriesMax { return true }
        for index in route.plan.targets.indices
        where index != route.target && !tried.contains(index) { return true }
        return false
    }

    private func allowance(of clock: Clock) -> Interval {
        switch clock {
        case .firstContent: route?.clocks.firstContent ?? .zero
        case .idle: route?.clocks.idle ?? .zero
        case .contentIdle: route?.clocks.contentIdle ?? .zero
        case .total: route?.clocks.total ?? .zero
        default: worker.settings.server.slowClientTimeout
        }
    }

    private func logFailover(
        _ message: Logger.Message, _ failureClass: FailureClass, _ failure: Failure,
        _ attempt: Attempt
    ) {
        worker.logger.warning(
            message,
            metadata: [
                "exchange": "\(logName)", "chain": "\(route?.plan.chain ?? "")",
                "vendor": "\(attempt.vendor.name)", "next": "\(vendor?.name ?? "")",
                "class": "\(failureClass.name)", "attempt": "\(attempt.number)",
                "reason": "\(failure.explanation)",
            ])
    }
}
