import Config
import Dialects
import ExchangeCore
import HTTP
import Logging
import Primitives
import Reactor
import Routing
import Telemetry

// Route: the target that a request goes to, or why it goes to none.
extension RequestExchange {
    /// Routes the request and makes the first attempt.
    func begin() {
        requestEnded = worker.loop.now
        identifier = Identifier.next(using: &worker.random)
        do {
            var route = try chooseRoute()
            let obstacle = RequestFitness.excludeTargets(of: route, for: self)
            let first = snapshot.health.first(
                of: route.plan, excluding: tried, now: worker.loop.now)
            route.target = first ?? 0
            self.route = route
            recorder.writeBegin(self)
            let refusal = RequestFitness.refusal(of: request, origin: origin, route.plan)
            if let refusal = refusal ?? (first == nil ? obstacle : nil) {
                refuse(refusal, closing: client.phase == .body)
            } else {
                heartbeat = Heartbeat(self)
                snapshot.metrics[route.vendor].started.add()
                startAttempt(onFreshConnection: false)
            }
        } catch {
            recorder.writeBegin(self)
            refuse(
                .unrouted(error, isHandshake: tunnel != nil), closing: client.phase == .body)
        }
        client.ensureClock()
    }

    private func chooseRoute() throws(RoutingTable.Refusal) -> RoutingTable.Route {
        try snapshot.routing.route(request.head) {
            tunnel?.modelFinding ?? intake.readContent(request).model.finding
        }
    }
}
