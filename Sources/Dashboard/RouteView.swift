import Config
import Dialects
import HTTP
import JSON
import Primitives
import Routing

/// What would happen to a request: its chain, its targets in the order in which they would be
/// tried, and what each of them would be asked.
///
/// Nothing is sent.
enum RouteView {
    /// The question's head, as a client would send it.
    private static func head(_ parameters: PageParameters) throws(PageParameters.Fault) -> String {
        let method = parameters["method"] ?? "POST"
        let path = parameters["path"] ?? "/v1/chat/completions"
        let field = parameters["field"] ?? "authorization"
        guard method.utf8.allSatisfy({ 0x41...0x5A ~= $0 }), path.hasPrefix("/"),
            path.utf8.allSatisfy({ 0x21...0x7E ~= $0 })
        else {
            throw PageParameters.Fault(
                description: "a method in capitals, and a path without spaces, are needed")
        }
        let credentials = [
            "authorization": "Authorization: Bearer x\r\n", "x-api-key": "x-api-key: x\r\n",
            "x-goog-api-key": "x-goog-api-key: x\r\n", "none": "",
        ]
        guard let credential = credentials[field] else {
            throw PageParameters.Fault(
                description: "field: allowed are "
                    + credentials.keys.sorted().joined(separator: ", "))
        }
        return "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n\(credential)\r\n"
    }

    static func json(
        _ parameters: PageParameters, _ running: GatewayFacts.Running
    ) throws(PageParameters.Fault) -> JSONValue {
        let parser = RequestParser()
        let text = Array(try head(parameters).utf8)
        switch parser.parse(text.span).progress {
        case .malformed(let fault):
            return refusal("\(fault.status): \(fault.reason)")
        case .head, .incomplete, .message: break
        }
        let model: RequestModel.Finding =
            if let name = parameters["model"] { .named(name) } else { .none }
        return parser.withHead { head in
            do throws(RoutingTable.Refusal) {
                return answer(try running.routing.route(head) { model }, head, running)
            } catch {
                return refusal(explain(error))
            }
        }
    }

    private static func refusal(_ text: String) -> JSONValue {
        .members(["served": .bool(false), "reason": .string(text)])
    }

    private static func explain(_ refusal: RoutingTable.Refusal) -> String {
        switch refusal {
        case .noAPI: "404: the path is none of a vendor's API, and no chain names it"
        case .noChain: "404: no chain serves it, and no vendor takes it with the caller's own key"
        case .noVendor(let dialect): "404: no vendor speaks \(dialect.rawValue)"
        case .noTarget(let chain, let dialect, _):
            "404: chain \(chain) matches, and none of its targets serves \(dialect.rawValue)"
        case .modelUnreadable(let chain, let fault):
            "\(fault.status): chain \(chain) needs the model, which cannot be read: \(fault.reason)"
        }
    }

    private static func answer(
        _ route: RoutingTable.Route, _ head: borrowing RequestHead, _ running: GatewayFacts.Running
    ) -> JSONValue {
        let now = Instant.now()
        let wall = Int(Identifier.wallClockMilliseconds()) * 1000
        let order = order(of: route.plan, running.health, now)
        let targets = order.map { index in
            let target = route.plan.targets[index]
            let vendor = running.routing.vendors[target.vendor]
            var written = ByteBuffer()
            let whole = head.pathAndQuery
            OutboundTarget(
                api: route.plan.api, vendor: vendor.dialect, basePath: vendor.basePath,
                baseQuery: ""
            ).write(
                whole.extracting(route.prefixLength..<whole.count), dropping: .credentials,
                model: target.model, to: &written)
            let isDefault = vendor.port == (vendor.scheme == "https" ? 443 : 80)
            let port = isDefault ? "" : ":\(vendor.port)"
            return JSONValue.members([
                "vendor": .string(vendor.name),
                "url": .string("\(vendor.scheme)://\(vendor.host)\(port)\(written.bytes.text)"),
                "model": target.model.map { .string($0) } ?? .null,
                "key": .string(
                    vendor.usesOwnSecret
                        ? "the gateway's" : vendor.credential == .none ? "none" : "the caller's"),
                "health": GatewayStatus.target(target, running, now, wall),
            ])
        }
        return .members([
            "served": .bool(true), "chain": .string(route.plan.chain),
            "dialect": .string(route.dialect.rawValue),
            "attempts_max": .int(route.plan.attemptsMax), "targets": .array(targets),
            "never": GatewayStatus.skipped(route.plan),
        ])
    }

    /// The targets in the order in which they would be tried: those in cooldown after the others.
    private static func order(of plan: Plan, _ health: Health, _ now: Instant) -> [Int] {
        let all = Array(plan.targets.indices)
        return all.filter { !health.isCoolingDown(plan.targets[$0].health, now: now) }
            + all.filter { health.isCoolingDown(plan.targets[$0].health, now: now) }
    }
}
