import Access
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Routing

/// What a key may ask for, decided by what a vendor may read in a request, in whatever way it does.
///
/// A request that two vendors may read differently is refused: one of them would do what the key
/// may not ask for, or what nothing was reserved for.
enum ModelCheck {
    struct Refusal: Error {
        let failure: Failure
    }

    /// Why the path of a request is refused for its key; nil where it is not.
    static func refusalOfPath(
        of exchange: RequestExchange, _ route: RoutingTable.Route, _ key: AccessKey
    ) -> Failure? {
        guard key.isMetered || key.restrictsModels || key.restrictsChains else { return nil }
        if key.isMetered || key.restrictsModels, Metering.isOutOfSight(exchange, route) {
            return key.isMetered ? .uncounted(key: key.name) : .unseenModel(key: key.name)
        }
        if exchange.request.withHead({ RequestPath.hasDotSegments($0.path) }) {
            return .refused(
                400, "dot_segments",
                "the path holds a segment . or .., and what the key \(key.name) may do depends on "
                    + "the path")
        }
        let routing = exchange.snapshot.routing
        guard key.restrictsChains,
            exchange.request.withHead({ routing.dependsOnSpelling($0, route) })
        else { return nil }
        return .refused(
            400, "path_unclear",
            "the key \(key.name) may use certain chains alone, and the path, written in another "
                + "way, leads to another chain")
    }

    /// Refuses a body that is not read as every vendor reads it, where what the key may do depends
    /// on it.
    static func checkBody(
        of exchange: RequestExchange, _ route: RoutingTable.Route, _ key: AccessKey,
        isBilled: Bool
    ) throws(Refusal) {
        let dependsOnModel =
            key.restrictsModels || key.restrictsChains && route.isChosenByModel
        guard dependsOnModel || isBilled, exchange.request.head.hasBody,
            !takesFiles(exchange, route)
        else { return }
        if let fault = fault(of: exchange, route) {
            throw Refusal(
                failure: .refused(
                    fault.status, "body_unreadable",
                    "what the key \(key.name) may do depends on the request's body, and "
                        + fault.reason))
        }
        guard key.restrictsChains, route.isChosenByModel,
            case .unreadable(let fault) = finding(of: exchange, route)
        else { return }
        throw Refusal(failure: .unreadableModel(fault, key: key.name))
    }

    /// Why a vendor may read something else in a body than is read here; nil where none does.
    private static func fault(
        of exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> BodyFault? {
        guard !exchange.intake.isStreaming else {
            return pathModel(of: exchange, route).isDecided
                ? nil
                : BodyFault(
                    .size,
                    "it is larger than replay_limit in [server], or than there is memory for, so "
                        + "that it is not read as a whole")
        }
        let request = exchange.request
        let fault = request.withHead { head -> BodyFault? in
            let types = head.list(of: .contentType)
            return exchange.intake.withBody(of: request) { body in
                guard head.isEncoded, body.count > 0 else {
                    return RequestModel.doubt(about: body.bytes, contentType: types.span)
                }
                var plain = ByteBuffer()
                return RequestContent.decode(head, body.bytes, isWhole: true, to: &plain)
                    ?? RequestModel.doubt(about: plain.bytes, contentType: types.span)
            }
        }
        if let fault { return fault }
        return Metering.requestBound(exchange, route).isReadable
            ? nil : "it begins as JSON and is none, and some vendors read more of it"
    }

    /// The model that a request asks for; empty where it names none.
    static func model(
        of exchange: RequestExchange, _ route: RoutingTable.Route, _ key: AccessKey
    ) throws(Refusal) -> String {
        let model: String
        switch finding(of: exchange, route) {
        case .named(let name): model = name
        case .none: model = ""
        case .unreadable(let fault):
            throw Refusal(failure: .unreadableModel(fault, key: key.name))
        }
        if key.restrictsModels { try check(model, exchange, route, key) }
        return model
    }

    /// Refuses a request that may have a model work which its key may not ask for: the one that it
    /// names, those that it names besides, and the one of its vendor's choice where it names none.
    private static func check(
        _ model: String, _ exchange: RequestExchange, _ route: RoutingTable.Route,
        _ key: AccessKey
    ) throws(Refusal) {
        func refuse(_ explanation: String) -> Refusal {
            Refusal(failure: .forbidden("model_not_allowed", explanation))
        }
        guard Metering.isWork(exchange) else {
            // To count, or to ask about a model, names one all the same.
            if model.isEmpty || key.mayUse(model: model) { return }
            throw refuse("the key \(key.name) may not ask for model \(model)")
        }
        let chosen = route.plan.targets.map { $0.model ?? model }
        guard !model.isEmpty || chosen.allSatisfy({ !$0.isEmpty && key.mayUse(model: $0) }) else {
            throw refuse(
                "the key \(key.name) may ask for certain models alone, and the request names none")
        }
        // A stream passes on before it is read, and its path decides.
        let named =
            exchange.intake.isStreaming ? [] : Metering.requestBound(exchange, route).models
        // Gemini's lists write a model as a resource.
        let names =
            [model]
            + named.sorted().map { $0.hasPrefix("models/") ? String($0.dropFirst(7)) : $0 }
        for name in names where !name.isEmpty && !key.mayUse(model: name) {
            throw refuse("the key \(key.name) may not ask for model \(name)")
        }
    }

    /// The model that the path, the query and the body of a request agree on.
    private static func finding(
        of exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> RequestModel.Finding {
        if takesFiles(exchange, route) { return .none }
        let request = exchange.request
        let target = pathModel(of: exchange, route)
        if case .unreadable = target.finding { return target.finding }
        let inBody =
            request.head.hasBody
            ? exchange.intake.readContent(request).model.finding : RequestModel.Finding.none
        // Gemini's own paths decide, and what their bodies name besides is looked at by itself.
        let isGemini =
            route.plan.api == .gemini && target.isDecided && isOutsideBody(exchange, route)
        switch (target.finding, inBody) {
        case (.named(let name), .named(let other)) where name != other && !isGemini:
            return .unreadable("the target names one model and the body another")
        // What cannot be looked into says nothing where the path decides.
        case (_, .unreadable(let fault)) where fault.kind == .content || !target.isDecided:
            return inBody
        case (.none, _): return inBody
        case (let finding, _): return finding
        }
    }

    /// Whether the route was chosen by a model that the target names.
    private static func isOutsideBody(
        _ exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> Bool {
        exchange.request.withHead { head in
            let path = head.path.extracting(route.prefixLength..<head.path.count)
            return RoutingTable.modelOutsideBody(head, path, route.plan.api) != nil
        }
    }

    private static func pathModel(
        of exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> PathModel {
        exchange.request.withHead { head in
            let target = head.pathAndQuery
            return PathModel(
                target.extracting(route.prefixLength..<target.count).text,
                isGemini: route.plan.api == .gemini)
        }
    }

    /// Whether a request's body is a file, which names no model.
    private static func takesFiles(
        _ exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> Bool {
        exchange.request.withHead { head in
            RequestPath.takesFiles(head.path.extracting(route.prefixLength..<head.path.count))
        }
    }
}

extension Failure {
    fileprivate static func unreadableModel(_ fault: BodyFault, key: String) -> Failure {
        .refused(
            fault.status, "model_unreadable",
            "what the key \(key) may do depends on the model, which cannot be read: "
                + fault.reason)
    }
}
