import ExchangeCore
import Primitives
import Reactor
import Routing

extension FailoverDecision {
    /// What follows an exchange's attempt that has failed.
    ///
    /// It may claim the probe of the target that it names.
    /// `mayPay`: whether the caller's budgets have room for what the attempt may have cost.
    static func next(
        for exchange: RequestExchange, _ route: RoutingTable.Route, _ failureClass: FailureClass,
        _ failure: Failure, _ advice: RetryAdvice, mayPay: Bool
    ) -> FailoverDecision {
        let worker = exchange.worker
        let facts = Facts(
            failureClass, failure, advice: advice, attempts: exchange.state.countedAttempts,
            retries: exchange.state.retries, canRepeat: !exchange.intake.isStreaming && mayPay,
            keptAnswerIsWhole: exchange.keptAttempt?.pipeline.hold?.isWhole)
        return after(facts, Allowance(route.plan)) {
            Backoff.wait(before: $0, asked: advice.after, using: &worker.random)
        } next: {
            TargetChoice.next(of: route, for: exchange)
        }
    }
}

extension RequestExchange {
    /// Whether another attempt could follow the current one.
    var mayTryAnother: Bool {
        // A body that was streamed away cannot be sent again.
        guard let route, !intake.isStreaming else { return false }
        return route.plan.allowsAnother(
            after: route.target, attempts: state.countedAttempts, retries: state.retries,
            tried: tried)
    }
}
