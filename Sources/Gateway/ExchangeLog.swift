import Access
import Config
import ExchangeCore
import HTTP
import Logging
import Primitives
import Routing
import Transfers

/// The lines of the operational log about an exchange: one line for each fact.
enum ExchangeLog {
    /// No response came of the last attempt.
    ///
    /// Where another attempt follows, the line about that is the only one.
    static func failure(_ exchange: RequestExchange, _ failure: Failure, _ result: TransferResult) {
        var metadata = metadata(exchange, result)
        metadata["status"] = "\(failure.status)"
        metadata["sent"] = "\(result.wasSent)"
        exchange.worker.logger.warning("a vendor gave no response", metadata: metadata)
    }

    /// A request was refused: before it was routed, by the routing, or while its body came.
    static func refused(_ exchange: RequestExchange, _ failure: Failure) {
        var path = ByteBuffer()
        let method = exchange.request.withHead { head in
            head.writeRedactedTarget(isPathAlone: true, to: &path)
            return head.method.name
        }
        exchange.worker.logger.notice(
            "a request was refused",
            metadata: [
                "exchange": "\(exchange.logName)", "status": "\(failure.status)",
                "code": "\(failure.code)", "method": "\(method)", "path": "\(path.bytes.text)",
                "reason": "\(failure.explanation)",
            ])
    }

    /// A budget does not cover a request, which goes to the budget's own chain instead.
    static func diverted(_ exchange: RequestExchange, from route: RoutingTable.Route) {
        exchange.worker.logger.info(
            "a budget does not cover a request, another chain serves it",
            metadata: [
                "exchange": "\(exchange.logName)", "key": "\(exchange.caller?.key.name ?? "")",
                "chain": "\(route.plan.chain)", "next": "\(exchange.route?.plan.chain ?? "")",
            ])
    }

    /// A response broke off after its beginning had gone out.
    ///
    /// `reason`: why, where libcurl saw nothing wrong.
    static func brokenOff(
        _ exchange: RequestExchange, _ outcome: Outcome, _ result: TransferResult,
        _ reason: String?
    ) {
        var metadata = metadata(exchange, result)
        metadata["outcome"] = "\(outcome.name)"
        if let reason { metadata["reason"] = "\(reason)" }
        exchange.worker.logger.warning("a response broke off", metadata: metadata)
    }

    /// An attempt failed, and another follows: at the same target, or at the next.
    static func failover(
        _ exchange: RequestExchange, _ message: Logger.Message, _ failureClass: FailureClass,
        _ failure: Failure, _ attempt: Attempt
    ) {
        exchange.worker.logger.warning(
            message,
            metadata: [
                "exchange": "\(exchange.logName)", "chain": "\(exchange.route?.plan.chain ?? "")",
                "vendor": "\(attempt.vendor.name)", "next": "\(exchange.vendor?.name ?? "")",
                "class": "\(failureClass.name)", "attempt": "\(attempt.number)",
                "reason": "\(failure.explanation)",
            ])
    }

    /// A clock of the exchange ran out.
    static func outOfTime(
        _ exchange: RequestExchange, _ clock: Clock, _ decision: ExchangeState.StopDecision
    ) {
        exchange.worker.logger.warning(
            "an exchange ran out of time",
            metadata: [
                "exchange": "\(exchange.logName)", "vendor": "\(exchange.vendor?.name ?? "")",
                "clock": "\(clock.outcome.name)",
                "committed": "\(decision == .breakOff(clock.outcome))",
            ])
    }

    /// A target cannot serve the request, and is not asked.
    static func passedOver(
        _ exchange: RequestExchange, _ route: RoutingTable.Route, _ vendor: SharedVendor,
        _ failure: Failure
    ) {
        exchange.worker.logger.warning(
            "a target cannot serve a request and is passed over",
            metadata: [
                "exchange": "\(exchange.logName)", "chain": "\(route.plan.chain)",
                "vendor": "\(vendor.name)", "reason": "\(failure.explanation)",
            ])
    }

    private static func metadata(
        _ exchange: RequestExchange, _ result: TransferResult
    ) -> Logger.Metadata {
        [
            "exchange": "\(exchange.logName)", "vendor": "\(exchange.vendor?.name ?? "")",
            "curl": "\(result.code.name)", "detail": "\(result.detail)",
        ]
    }
}
