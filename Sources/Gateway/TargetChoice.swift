import ExchangeCore
import Primitives
import Reactor
import Routing

/// The choice of the target that is asked: one that is available, and that the request can be
/// translated for where it needs that.
enum TargetChoice {
    /// Chooses the first target of a route; fails where none can be asked.
    ///
    /// It may claim the probe of a target whose cooldown has ended.
    static func first(
        of route: RoutingTable.Route, for exchange: RequestExchange
    ) throws(Failure) -> Int {
        let plan = route.plan
        let now = exchange.worker.loop.now
        let index =
            exchange.snapshot.health.first(of: plan, excluding: exchange.tried, now: now) ?? 0
        guard let failure = TranslatedRequest.prepare(index, of: route, for: exchange) else {
            return index
        }
        passOver(index, route, exchange, failure)
        guard let next = next(of: route, for: exchange) else { throw failure }
        return next
    }

    /// Chooses another target; nil where none is left.
    ///
    /// It may claim a probe, too.
    static func next(of route: RoutingTable.Route, for exchange: RequestExchange) -> Int? {
        while let index = exchange.snapshot.health.next(
            of: route.plan, excluding: exchange.tried, now: exchange.worker.loop.now)
        {
            guard let failure = TranslatedRequest.prepare(index, of: route, for: exchange) else {
                return index
            }
            passOver(index, route, exchange, failure)
        }
        return nil
    }

    private static func passOver(
        _ index: Int, _ route: RoutingTable.Route, _ exchange: RequestExchange,
        _ failure: Failure
    ) {
        exchange.tried.insert(index)
        let vendor = exchange.snapshot.routing.vendors[route.plan.targets[index].vendor]
        ExchangeLog.passedOver(exchange, route, vendor, failure)
    }
}
