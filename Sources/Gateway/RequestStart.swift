import Access
import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry

/// Route and admit: the target that a request goes to, or why it goes to none.
enum RequestStart {
    /// Routes a request, admits it, and makes the first attempt.
    static func begin(_ exchange: RequestExchange) {
        let worker = exchange.worker
        exchange.requestEnded = worker.loop.now
        exchange.identifier = Identifier.next(using: &worker.random)
        let refusal: Failure?
        do {
            refusal = admit(exchange, try chooseRoute(exchange))
        } catch {
            refusal = .unrouted(error, isHandshake: exchange.tunnel != nil)
        }
        exchange.recorder.writeBegin(exchange)
        if let refusal = refusal ?? unrecorded(exchange) {
            exchange.refuse(refusal, closing: exchange.client.phase == .body)
        } else if let route = exchange.route {
            exchange.heartbeat = Heartbeat(exchange)
            exchange.snapshot.metrics[route.vendor].started.add()
            exchange.startAttempt(onFreshConnection: false)
        }
        exchange.client.ensureClock()
    }

    private static func chooseRoute(
        _ exchange: RequestExchange
    ) throws(RoutingTable.Refusal) -> RoutingTable.Route {
        try exchange.snapshot.routing.route(exchange.request.head) {
            exchange.tunnel?.modelFinding
                ?? exchange.intake.readContent(exchange.request).model.finding
        }
    }

    /// Why a request with a route is refused; nil where it may be sent to the exchange's route.
    private static func admit(
        _ exchange: RequestExchange, _ chosen: RoutingTable.Route
    ) -> Failure? {
        var route = chosen
        let obstacle = RequestFitness.excludeTargets(of: route, for: exchange)
        exchange.route = route
        if let refusal = RequestFitness.refusal(
            of: exchange.request, origin: exchange.origin, route.plan)
        {
            return refusal
        }
        let isPossible = route.plan.targets.indices.contains { !exchange.tried.contains($0) }
        if let obstacle, !isPossible { return obstacle }
        if let refusal = Metering.admit(exchange, route) { return refusal }
        // Last: the target may be cooling down, and this request be its probe.
        route.target =
            exchange.snapshot.health.first(
                of: route.plan, excluding: exchange.tried, now: exchange.worker.loop.now) ?? 0
        exchange.route = route
        return nil
    }

    /// Why a request that was admitted is refused all the same: its budget's ledger is the record,
    /// and there is no room in that.
    private static func unrecorded(_ exchange: RequestExchange) -> Failure? {
        guard let caller = exchange.caller, caller.key.hasBudget,
            caller.reservation?.demand.isWork ?? false, exchange.recorder.number == nil
        else { return nil }
        return .unrecordable
    }
}
