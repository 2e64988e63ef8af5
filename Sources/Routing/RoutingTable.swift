public import Config
public import Dialects
public import HTTP
public import Primitives
public import Translation

/// The choice of targets for a request: the configuration's vendors and chains, made ready.
public final class RoutingTable: Sendable {
    /// Where a request goes.
    public struct Route: Sendable {
        /// The targets, and how to go from one to the next.
        public let plan: Plan
        /// Bytes of the path that the chain's prefix takes.
        public let prefixLength: Int
        /// Whether the request's model had a say in the choice of the chain.
        public internal(set) var isChosenByModel = false
        /// The index of the current target in the plan.
        public var target = 0

        init(plan: Plan, prefixLength: Int) {
            self.plan = plan
            self.prefixLength = prefixLength
        }

        /// The current target's vendor, by its index in ``RoutingTable/vendors``.
        public var vendor: Int { plan.targets[target].vendor }
        /// The dialect in which the client speaks.
        public var dialect: Dialect { plan.dialect }
        /// The clocks of an attempt at the current target.
        public var clocks: Chain.Clocks { plan.clocks(of: target) }
    }

    /// Why a request goes nowhere.
    public enum Refusal: Error, Equatable, Sendable {
        /// The path is none of a vendor's API, and no chain names it.
        case noAPI
        /// There are chains, none of them serves the request, and no vendor takes it with the
        /// caller's own credential.
        case noChain(Dialect)
        /// No vendor speaks the request's dialect.
        case noVendor(Dialect)
        /// None of the chain's targets can serve a request of this dialect.
        case noTarget(chain: String, Dialect, [Plan.Skipped])
        /// A chain needs the model, which cannot be read; without a name, it is an alias's.
        case modelUnreadable(chain: String, BodyFault)
    }

    /// All vendors, in the order of the file.
    public let vendors: [SharedVendor]
    /// Targets of all chains and dialects: how many there are, for ``Health``.
    public let targetCount: Int
    /// Finds the gateway's own secrets in what is to be written down.
    public let mask: SecretMask
    /// Whether a request to some vendor carries anything of the gateway's own.
    public let usesOwnSecret: Bool
    /// Whether some vendor's addresses become the gateway's.
    public let rewritesURLs: Bool
    /// Whether some answers are translated, so that any client may send back what another dialect's
    /// vendor gave it.
    public let leavesEnvelopes: Bool
    /// Whether handshakes for WebSockets may go to vendors.
    public let hasTunnels: Bool
    /// The models that the gateway lists itself.
    public let models: ModelCatalog
    private let quirks: [QuirkRow]
    private let chains: [PreparedChain]
    private let plansByAPI: [API: Plan]

    /// A table for a configuration.
    public init(_ configuration: Configuration) {
        vendors = configuration.vendors.map(SharedVendor.init)
        mask = SecretMask(configuration.ownSecrets)
        usesOwnSecret = configuration.vendors.contains { $0.usesOwnSecret }
        rewritesURLs = configuration.vendors.contains { $0.rewritesURLs }
        var count = 0
        chains = AliasChains(configuration).entries.map { entry in
            PreparedChain(
                entry.chain, configuration.vendors, &count, isAlias: entry.isAlias)
        }
        hasTunnels = configuration.server.tunnels == .known
        models = ModelCatalog(configuration)
        quirks = configuration.quirks.map(QuirkRow.init)
        var plans: [API: Plan] = [:]
        for api in API.allCases {
            // A request that no chain names is the caller's own business: if there are chains, it
            // never goes out with a credential of ours.
            let vendor = configuration.vendors.firstIndex { vendor in
                vendor.dialect == api.home
                    && (configuration.chains.isEmpty
                        || vendor.credential == .client && !vendor.usesOwnSecret)
            }
            guard let vendor else { continue }
            let target = Plan.Target(vendor: vendor, model: nil, health: count)
            count += 1
            let name = configuration.vendors[vendor].name
            var chain = Chain(name: "", targets: [Chain.Target(vendor: name)])
            chain.clocks = .withoutChain
            plans[api] = Plan(
                chain, api: api,
                targets: [target], vendors: [configuration.vendors[vendor]], skipped: [])
        }
        plansByAPI = plans
        leavesEnvelopes = (chains.flatMap { $0.plans.values } + plans.values)
            .contains { $0.translates }
        targetCount = count
    }

    /// What a vendor's model takes that is asked in a form.
    public func quirks(of model: String, at vendor: SharedVendor, _ form: Form) -> Quirks {
        var quirks = QuirkTable.quirks(of: model, form)
        for row in self.quirks where row.matches(vendor.name, model) {
            row.settings.apply(to: &quirks)
        }
        return quirks
    }

    /// The targets that are a vendor's, as ``Health`` numbers them.
    public func targets(of vendor: Int) -> [Int] {
        (chains.flatMap { $0.plans.values } + plansByAPI.values).flatMap(\.targets)
            .filter { $0.vendor == vendor }.map(\.health)
    }

    /// The plans of a chain, to be printed.
    public func plans(of chain: String) -> [Plan] {
        guard let entry = chains.first(where: { $0.name == chain && !$0.isAlias }) else {
            return []
        }
        return API.allCases.compactMap { entry.plans[$0] }
    }

    /// The plans of requests that no chain serves, by dialect, to be shown.
    public var plansWithoutChain: [Plan] { API.allCases.compactMap { plansByAPI[$0] } }

    /// The paths on which a chain cannot serve a WebSocket: the model decides there, and it is
    /// named only in a message.
    ///
    /// An empty name stands for requests that no chain serves.
    public func pathsWithoutSockets(_ chain: String) -> [String] {
        let entry = chains.first { $0.name == chain && !$0.isAlias }
        guard entry != nil || chain.isEmpty else { return [] }
        return Self.lateModels.compactMap { api, path in
            guard let plan = entry?.plans[api] ?? (chain.isEmpty ? plansByAPI[api] : nil) else {
                return nil
            }
            if let entry, !entry.matches(path: path.utf8.span) { return nil }
            let isDecided =
                plan.targets.allSatisfy { $0.model != nil || $0.isForeign }
                || chains.prefix { $0 !== entry }.contains {
                    $0.needsModel && $0.hasPrefix(of: entry) && $0.matches(path: path.utf8.span)
                } || entry?.needsModel ?? false
            return isDecided ? path : nil
        }
    }

    /// Paths of WebSockets that name their model in a message.
    private static let lateModels: [(API, String)] = [
        (.openai, "/v1/responses"), (.gemini, "/ws/google.ai.generativelanguage.…"),
    ]

    /// Whether the route of a request with this head, or the body for its target, depends on its
    /// model, so that the body is read first.
    public func needsModel(of head: borrowing RequestHead) -> Bool {
        let whole = head.path
        for chain in chains {
            guard let path = chain.strip(whole), chain.matches(path: path) else { continue }
            guard let api = chain.api(of: head, path: path) else { continue }
            guard !RequestPath.takesFiles(path) else { return false }
            let isInBody = Self.modelOutsideBody(head, path, api) == nil
            guard chain.needsModel else {
                guard let plan = chain.plans[api] else { return false }
                return plan.translates || isInBody && plan.replacesModel
            }
            if isInBody || chain.plans[api]?.translates == true { return true }
        }
        return false
    }

    /// Whether a WebSocket handshake with this head opens a tunnel: vendors speak WebSocket on its
    /// path, or a chain that may serve it has tunnels on all of its paths.
    public func opensTunnel(_ head: borrowing RequestHead) -> Bool {
        let whole = head.path
        for chain in chains {
            guard let path = chain.strip(whole), chain.matches(path: path),
                chain.api(of: head, path: path) != nil
            else { continue }
            if chain.opensTunnels || RequestPath.speaksWebSocket(path) { return true }
            // The first chain that matches serves it, unless its models do not match.
            guard chain.needsModel else { return false }
        }
        return RequestPath.speaksWebSocket(whole)
    }

    /// The dialect in which a request is answered where it has no route; nil where its path is
    /// no vendor's.
    public func dialect(of head: borrowing RequestHead) -> Dialect? {
        let whole = head.path
        for chain in chains {
            guard let path = chain.strip(whole), chain.matches(path: path) else { continue }
            if let api = chain.api(of: head, path: path) { return api.dialect }
        }
        return API(of: head, path: whole)?.dialect
    }

    /// The route of a request.
    ///
    /// `model` is asked for when a chain needs it, once at most; it reads the body.
    public func route(
        _ head: borrowing RequestHead, model: () -> RequestModel.Finding
    ) throws(Refusal) -> Route {
        let whole = head.path
        var found: RequestModel.Finding?
        for chain in chains {
            guard let path = chain.strip(whole), chain.matches(path: path) else { continue }
            guard let api = chain.api(of: head, path: path) else { continue }
            if chain.needsModel {
                let finding = Self.modelOutsideBody(head, path, api) ?? found ?? model()
                found = finding
                switch finding {
                case .none: continue
                // A body without a readable model asks for no alias; a WebSocket may do so later.
                case .unreadable where chain.isAlias && !head.isWebSocketHandshake: continue
                case .unreadable(let fault):
                    throw .modelUnreadable(chain: chain.isAlias ? "" : chain.name, fault)
                case .named(let name):
                    guard chain.matches(model: name) else { continue }
                }
            }
            guard let plan = chain.plans[api] else {
                throw Refusal.noTarget(
                    chain: chain.name, api.dialect, chain.skipped[api] ?? []
                )
            }
            var route = Route(plan: plan, prefixLength: chain.prefixLength)
            route.isChosenByModel = found != nil
            return route
        }
        guard let api = API(of: head, path: whole) else { throw Refusal.noAPI }
        if let plan = plansByAPI[api] {
            var route = Route(plan: plan, prefixLength: 0)
            route.isChosenByModel = found != nil
            return route
        }
        throw chains.allSatisfy(\.isAlias)
            ? Refusal.noVendor(api.home) : Refusal.noChain(api.dialect)
    }

    /// Whether the spelling of a request's path has a say in the choice of its chain: a server that
    /// reads the path more leniently takes it for one of another chain's.
    public func dependsOnSpelling(_ head: borrowing RequestHead, _ route: Route) -> Bool {
        let whole = head.path
        guard RequestPath.loosest(whole) != nil else { return false }
        for chain in chains {
            guard let path = chain.strip(whole) else { continue }
            if chain.matches(path: path) != chain.matchesLoosely(path: path) { return true }
            if chain.name == route.plan.chain { return false }
        }
        return false
    }

    /// The route of a request that another chain serves than the first that matches it, whatever
    /// that chain's own patterns say; nil where it has no target for such requests.
    public func divert(_ route: Route, to chain: String) -> Route? {
        guard let entry = chains.first(where: { $0.name == chain && !$0.isAlias }),
            let plan = entry.plans[route.plan.api]
        else { return nil }
        var other = Route(plan: plan, prefixLength: route.prefixLength)
        other.isChosenByModel = route.isChosenByModel
        return other
    }

    /// The model that the target of a request names: a path of Gemini's, or the query of a session
    /// of OpenAI's; none for a file, and nil where the body names it.
    ///
    /// `path` is the request's, without what a chain's prefix takes of it.
    public static func modelOutsideBody(
        _ head: borrowing RequestHead, _ path: Span<UInt8>, _ api: API
    ) -> RequestModel.Finding? {
        if RequestPath.takesFiles(path) { return RequestModel.Finding.none }
        switch api {
        case .openai, .geminiCompatible:
            return SessionModel.name(in: head.pathAndQuery).map { .named($0) }
        case .anthropic: return nil
        case .gemini:
            guard let range = path.modelRange else { return nil }
            let plain = path.extracting(range).percentDecoded()
            return .named(String(decoding: plain, as: UTF8.self))
        }
    }
}
