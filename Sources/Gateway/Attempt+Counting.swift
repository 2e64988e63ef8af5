import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// What an attempt counts for and against its vendor and its target.
extension Attempt {
    private var metrics: VendorMetrics { exchange.snapshot.metrics[route.vendor] }

    /// Counts a head, and its answer for or against its target.
    ///
    /// The answer of a chain's last target may be a refusal.
    func countHead() {
        metrics.statusClasses[min(5, status / 100)].add()
        metrics.headLatency.record(
            nanoseconds: (worker.loop.now - exchange.requestEnded).nanoseconds)
        if status >= 400 {
            let failure = AttemptVerdict.failureClass(
                status: status, isOwnCredential: vendor.hasOwnCredential)
            if route.plan.policy.movesOn(from: failure) {
                let advice = transfer.map {
                    RetryAdvice($0.head, now: Identifier.wallClockMilliseconds())
                }
                return countAgainstHealth(
                    failure, advice ?? RetryAdvice(), isCertain: status != 403)
            }
        }
        countSuccess()
    }

    /// Counts a response that was held to its end and is an answer.
    func countAnswer() {
        guard let hold = pipeline.hold else { return }
        metrics.statusClasses[min(5, status / 100)].add()
        metrics.responseBytes.add(hold.bodyBytes)
        countSuccess()
    }

    /// Counts a response that was held and goes out.
    func countRelease(of hold: Hold) {
        metrics.responseBytes.add(hold.bodyBytes)
        metrics.held.record(nanoseconds: (worker.loop.now - hold.began).nanoseconds)
    }

    private func countSuccess() {
        exchange.snapshot.health.succeeded(
            route.plan.targets[route.target].health, attemptBegan: began)
    }

    /// Counts an attempt that failed, and what it lasted.
    func countFailure(_ failureClass: FailureClass) {
        metrics.attemptFailures[failureClass.index].add()
        metrics.failedAttempt.record(nanoseconds: (worker.loop.now - began).nanoseconds)
    }

    /// Counts a failure against the target.
    func countAgainstHealth(
        _ failureClass: FailureClass, _ advice: RetryAdvice, isCertain: Bool
    ) {
        let cooldown = FailoverDecision.cooldown(
            after: failureClass, advice, isCertain: isCertain, route.plan.policy)
        let until = cooldown.map { worker.loop.now + $0 }
        let isCoolingDown = exchange.snapshot.health.failed(
            route.plan.targets[route.target].health, policy: route.plan.policy,
            now: worker.loop.now, until: until, isVendorsWord: failureClass == .status(429),
            failure: failureClass)
        if isCoolingDown { metrics.cooldowns.add() }
        if failureClass == .credential, let cooldown {
            exchange.snapshot.credentialCoolsDown?(
                route.plan.targets[route.target].health, cooldown)
        }
    }

    /// Adds relayed bytes to the vendor's counters.
    func countRelayedBytes() {
        guard uncountedBytes > 0 else { return }
        metrics.responseBytes.add(uncountedBytes)
        uncountedBytes = 0
    }
}
