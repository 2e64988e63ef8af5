import Config
import Dialects
import ExchangeCore
import HTTP
import Logging
import Primitives
import Reactor
import Routing
import Telemetry

// Admit and route: the target that a request goes to, or why it goes to none.
extension RequestExchange {
    /// Routes the request and makes the first attempt.
    func begin() {
        requestEnded = worker.loop.now
        identifier = Identifier.next(using: &worker.random)
        do {
            var route = try chooseRoute()
            let unfit = excludeUnfitTargets(of: route)
            // A single target is asked whatever its health is, and needs no probe.
            var first = tried.contains(0) ? nil : 0
            if route.plan.targets.count > 1 {
                first = snapshot.health.next(
                    of: route.plan, excluding: tried, now: worker.loop.now)
            }
            route.target = first ?? 0
            self.route = route
            recordBegin()
            if let refusal = refusal(of: route) ?? (first == nil ? unfit : nil) {
                refuse(refusal, closing: client.phase == .body)
            } else {
                snapshot.metrics[route.vendor].started.add()
                startAttempt(onFreshConnection: false)
            }
        } catch {
            recordBegin()
            refuse(Self.failure(error), closing: client.phase == .body)
        }
        client.ensureClock()
    }

    private func chooseRoute() throws(RoutingTable.Refusal) -> RoutingTable.Route {
        try snapshot.routing.route(request.head) { readContent().model.finding }
    }

    /// What the body says of its model; read once, when it is first asked for.
    private func readContent() -> RequestContent {
        if let content { return content }
        let content = request.withHead { head in
            withBody { RequestContent(head, $0.bytes, isWhole: !isStreaming) }
        }
        self.content = content
        return content
    }

    /// Why a request that has a route is refused all the same.
    private func refusal(of route: RoutingTable.Route) -> Failure? {
        if origin == .foreign, route.plan.usesOwnSecret {
            return .refused(
                403, "origin_refused",
                "a web page may not spend the gateway's own credential; its origin can be allowed "
                    + "under origins in [server]")
        }
        let isUnclear =
            route.plan.refusesDotSegments
            && request.withHead { RequestPath.hasDotSegments($0.path) }
        if isUnclear {
            return .refused(
                400, "dot_segments",
                "the path holds a segment . or .., and a vendor could take it for another path")
        }
        let isAstray =
            route.plan.refusesCredentialsInPath
            && request.withHead { Redaction.marksCredential(in: $0.path) }
        guard isAstray else { return nil }
        return .refused(
            400, "credential_in_path",
            "the path holds a credential, and not every vendor asked is the one it is meant for")
    }

    /// Leaves the targets out that cannot serve this request.
    ///
    /// Returns why the first of them cannot.
    private func excludeUnfitTargets(of route: RoutingTable.Route) -> Failure? {
        var first: Failure?
        for index in route.plan.targets.indices {
            guard let failure = unfitness(of: index, in: route) else { continue }
            tried.insert(index)
            if first == nil { first = failure }
            worker.logger.warning(
                "a target cannot serve a request and is passed over",
                metadata: [
                    "exchange": "\(logName)",
                    "chain": "\(route.plan.chain)",
                    "vendor": "\(snapshot.routing.vendors[route.plan.targets[index].vendor].name)",
                    "reason": "\(failure.explanation)",
                ])
        }
        return first
    }

    /// Why a target cannot serve this request; nil where it can.
    private func unfitness(of index: Int, in route: RoutingTable.Route) -> Failure? {
        let target = route.plan.targets[index]
        let vendor = snapshot.routing.vendors[target.vendor]
        let api = route.plan.api
        if vendor.credential == .client,
            CallerCredential.fitness(of: request.head, api: api, isBuiltIn: vendor.isBuiltIn)
                == .isForAnother
        {
            return .refused(
                401, "credential_of_another_vendor",
                "the request shows the key of another vendor than \(vendor.name), and it was "
                    + "sent nowhere")
        }
        guard target.model != nil, let reason = modelObstacle(in: route) else { return nil }
        return .refused(
            400, "model_not_replaced",
            "vendor \(vendor.name) is asked for a model of its own, which cannot be put into this "
                + "request: \(reason)")
    }

    /// What keeps another model from being put into the body; nil where nothing does.
    private func modelObstacle(in route: RoutingTable.Route) -> String? {
        let takesFiles = request.withHead { head in
            let path = head.path
            return RequestPath.takesFiles(path.extracting(route.prefixLength..<path.count))
        }
        guard request.head.hasBody, !takesFiles else { return nil }
        switch readContent().model.finding {
        case .unreadable(let reason): return reason
        case .none: return nil
        case .named:
            return isStreaming ? "the body is too large to be kept" : nil
        }
    }

    private static func failure(_ refusal: RoutingTable.Refusal) -> Failure {
        switch refusal {
        case .noAPI:
            .refused(
                404, "no_route",
                "the path is none of the vendors' APIs that are known here; a chain whose paths "
                    + "name it would route it")
        case .noChain(let dialect):
            .refused(
                404, "no_chain",
                "no chain serves this request, and no vendor of dialect \(dialect.rawValue) takes "
                    + "it with the caller's own credential; a last chain with models = [\"*\"] "
                    + "would route it")
        case .noVendor(let dialect):
            .refused(
                404, "no_vendor", "no vendor of dialect \(dialect.rawValue) is configured"
            )
        case .noTarget(let chain, let dialect, let skipped):
            .refused(
                404, "no_target",
                "chain \(chain) has no target for a request in the dialect \(dialect.rawValue): "
                    + skipped.map { "\($0.vendor): \($0.reason)" }.joined(separator: "; ")
            )
        case .modelUnreadable(let chain, let reason):
            .refused(
                400, "model_unreadable",
                "chain \(chain) goes by the model, which cannot be told: \(reason)")
        }
    }
}
