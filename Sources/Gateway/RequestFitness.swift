import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Routing

// Admit: a request with a route may still be refused, or fit only some of its targets.

/// Whether a request may go where its route leads.
enum RequestFitness {
    /// Why every target refuses a request; nil where one may take it.
    static func refusal(
        of request: RequestParser, origin: CallerPolicy.Origin, _ plan: Plan
    ) -> Failure? {
        if origin == .foreign, plan.usesOwnSecret {
            return .refused(
                403, "origin_refused",
                "a web page may not spend the gateway's own credential; its origin can be allowed "
                    + "under origins in [server]")
        }
        if plan.refusesDotSegments, request.withHead({ RequestPath.hasDotSegments($0.path) }) {
            return .refused(
                400, "dot_segments",
                "the path holds a segment . or .., and a vendor could take it for another path")
        }
        if request.withHead({ SessionModel.isAmbiguous(in: $0.pathAndQuery) }) {
            return .refused(
                400, "several_models", "the query names more than one model, and only one is meant")
        }
        guard plan.refusesCredentialsInPath,
            request.withHead({ Redaction.marksCredential(in: $0.path) })
        else { return nil }
        return .refused(
            400, "credential_in_path",
            "the path holds a credential, and not every vendor asked is the one it is meant for")
    }

    /// Leaves the targets out that cannot serve a request.
    ///
    /// Returns why the first of them cannot.
    static func excludeTargets(
        of route: RoutingTable.Route, for exchange: RequestExchange
    ) -> Failure? {
        var first: Failure?
        for index in route.plan.targets.indices {
            guard let failure = obstacle(to: index, exchange, route) else { continue }
            exchange.tried.insert(index)
            if first == nil { first = failure }
            let vendor = route.plan.targets[index].vendor
            ExchangeLog.passedOver(
                exchange, route, exchange.snapshot.routing.vendors[vendor], failure)
        }
        return first
    }

    /// Why one target cannot serve a request; nil where it can.
    private static func obstacle(
        to index: Int, _ exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> Failure? {
        let target = route.plan.targets[index]
        let vendor = exchange.snapshot.routing.vendors[target.vendor]
        if exchange.snapshot.routing.rewritesURLs,
            exchange.request.withHead({ OwnAddress.leadsElsewhere($0.query, than: vendor) })
        {
            return .refused(
                404, "address_of_another_vendor",
                "the address was made of one of another vendor's than \(vendor.name)")
        }
        if route.plan.translates, let need = TranslatedRequest.Need(index, route, exchange) {
            let obstacle = need.obstacle(exchange)
            if need.isForeign || obstacle != nil { return obstacle }
        }
        if vendor.credential == .client,
            CallerCredential.fitness(
                of: exchange.request.head, api: route.plan.api, isBuiltIn: vendor.isBuiltIn)
                == .isForAnother
        {
            return .refused(
                401, "credential_of_another_vendor",
                "the request shows the key of another vendor than \(vendor.name), and it was "
                    + "sent nowhere")
        }
        if target.model != nil, let tunnel = exchange.tunnel {
            return tunnel.model.isEmpty ? .webSocketModel(chain: route.plan.chain) : nil
        }
        guard target.model != nil, let fault = modelObstacle(exchange, route) else { return nil }
        return .refused(
            fault.status, "model_not_replaced",
            "vendor \(vendor.name) is asked for a model of its own, which cannot be put into this "
                + "request: \(fault.reason)")
    }

    /// Why another model cannot be put into the body; nil where it can.
    private static func modelObstacle(
        _ exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> BodyFault? {
        let request = exchange.request
        let isElsewhere = request.withHead { head in
            let path = head.path
            // Files name none, and a session's target does.
            return RequestPath.takesFiles(path.extracting(route.prefixLength..<path.count))
                || route.dialect == .openai && SessionModel.name(in: head.pathAndQuery) != nil
        }
        guard request.head.hasBody, !isElsewhere else { return nil }
        switch exchange.intake.readContent(request).model.finding {
        case .unreadable(let fault): return fault
        case .none: return nil
        case .named:
            return exchange.intake.isStreaming
                ? BodyFault(.size, "the body is too large to be kept; see replay_limit in [server]")
                : nil
        }
    }
}
