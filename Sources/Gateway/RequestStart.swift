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
        let decision: Metering.Decision
        do {
            decision = admit(exchange, try chooseRoute(exchange))
        } catch {
            decision = .refused(.unrouted(error, isHandshake: exchange.tunnel != nil))
        }
        switch decision {
        case .waiting: break
        case .admitted: goOn(exchange, refusal: nil)
        case .refused(let failure), .diverted(_, let failure): goOn(exchange, refusal: failure)
        }
    }

    /// Makes the first attempt of a request that is admitted, or refuses it.
    static func goOn(_ exchange: RequestExchange, refusal: Failure?) {
        let refusal = refusal ?? chooseTarget(exchange)
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

    /// Chooses the target of a request that has a route; returns why none can be asked.
    private static func chooseTarget(_ exchange: RequestExchange) -> Failure? {
        guard var route = exchange.route else { return nil }
        do throws(Failure) {
            // Last: the target may be cooling down, and this request be its probe.
            route.target = try TargetChoice.first(of: route, for: exchange)
        } catch {
            return error
        }
        exchange.route = route
        return nil
    }

    private static func chooseRoute(
        _ exchange: RequestExchange
    ) throws(RoutingTable.Refusal) -> RoutingTable.Route {
        try exchange.snapshot.routing.route(exchange.request.head) {
            exchange.tunnel?.modelFinding
                ?? exchange.intake.readContent(exchange.request).model.finding
        }
    }

    /// Whether a request may be sent to a route, which is the exchange's then, or to that of a
    /// budget which does not cover it.
    private static func admit(
        _ exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> Metering.Decision {
        if let refusal = fit(exchange, route) { return .refused(refusal) }
        let decision = Metering.admit(exchange, route)
        guard case .diverted(let chain, let failure) = decision,
            let other = exchange.snapshot.routing.divert(route, to: chain),
            exchange.caller?.key.mayUse(chain: chain) ?? false
        else { return decision }
        exchange.tried = TriedTargets()
        if fit(exchange, other) == nil {
            // Once: the budget has room for what the request costs there, or it is refused.
            let second = Metering.admit(exchange, other, isDiverted: true)
            switch second {
            case .admitted, .waiting:
                ExchangeLog.diverted(exchange, from: route)
                return second
            case .refused, .diverted: break
            }
        }
        exchange.route = route
        return .refused(failure)
    }

    /// Gives a request a route; returns why none of its targets may have the request.
    private static func fit(
        _ exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> Failure? {
        let obstacle = RequestFitness.excludeTargets(of: route, for: exchange)
        exchange.route = route
        if let refusal = RequestFitness.refusal(
            of: exchange.request, origin: exchange.origin, route.plan)
        {
            return refusal
        }
        let isPossible = route.plan.targets.indices.contains { !exchange.tried.contains($0) }
        return isPossible ? nil : obstacle
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
