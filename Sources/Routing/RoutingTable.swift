public import Config
public import Dialects
public import HTTP
import JSON
import Primitives

/// Which targets serve a request: the configuration's vendors and chains, made ready to be asked.
public struct RoutingTable: Sendable {
    /// Where a request goes.
    public struct Route: Sendable {
        /// The targets, and how to go from one to the next.
        public let plan: Plan
        /// Bytes of the path that the chain's prefix takes.
        public let prefixLength: Int
        /// The place of the current target in the plan.
        public var target = 0

        init(plan: Plan, prefixLength: Int) {
            self.plan = plan
            self.prefixLength = prefixLength
        }

        /// The current target's vendor, by its place in ``RoutingTable/vendors``.
        public var vendor: Int { plan.targets[target].vendor }
        /// The dialect in which the client speaks.
        public var dialect: Dialect { plan.dialect }
        /// The clocks of each attempt.
        public var clocks: Chain.Clocks { plan.clocks }
    }

    /// Why a request goes nowhere.
    public enum Refusal: Error, Equatable, Sendable {
        /// No vendor speaks the request's dialect.
        case noVendor(Dialect)
        /// None of the chain's targets can serve a request of this dialect.
        case noTarget(chain: String, Dialect, [Plan.Skipped])
    }

    /// All vendors, in the order of the file.
    public let vendors: [SharedVendor]
    /// Targets of all chains and dialects: how many there are, for ``Health``.
    public let targetCount: Int
    private let chains: [PreparedChain]
    private let planByDialect: [Dialect: Plan]

    private final class PreparedChain: Sendable {
        let name: String
        let prefix: [UInt8]
        let paths: [Glob]
        let models: [Glob]
        let plans: [Dialect: Plan]
        let skipped: [Dialect: [Plan.Skipped]]
        let needsModel: Bool

        init(
            _ chain: Chain, plans: [Dialect: Plan], skipped: [Dialect: [Plan.Skipped]]
        ) {
            name = chain.name
            prefix = Array(chain.prefix.utf8)
            paths = chain.paths.map(Glob.init)
            let models = chain.models.map(Glob.init)
            self.models = models
            needsModel = !models.contains { $0.matchesAll }
            self.plans = plans
            self.skipped = skipped
        }
    }

    /// A table for a configuration.
    public init(_ configuration: Configuration) {
        vendors = configuration.vendors.map(SharedVendor.init)
        var count = 0
        chains = configuration.chains.map { chain in
            Self.prepare(chain, configuration.vendors, &count)
        }
        var first: [Dialect: Plan] = [:]
        for (index, vendor) in configuration.vendors.enumerated() where first[vendor.dialect] == nil
        {
            let target = Plan.Target(vendor: index, model: nil, health: count)
            count += 1
            let chain = Chain(name: "", targets: [Chain.Target(vendor: vendor.name)])
            first[vendor.dialect] = Plan(
                chain, dialect: vendor.dialect, targets: [target], skipped: []
            )
        }
        planByDialect = first
        targetCount = count
    }

    private static func prepare(
        _ chain: Chain, _ vendors: [Vendor], _ count: inout Int
    ) -> PreparedChain {
        var plans: [Dialect: Plan] = [:]
        var skippedByDialect: [Dialect: [Plan.Skipped]] = [:]
        for dialect in Dialect.allCases {
            var targets: [Plan.Target] = []
            var skipped: [Plan.Skipped] = []
            // The client's own key is meant for one vendor: the first of the chain that takes it.
            var keyBearer: Int?
            for target in chain.targets {
                guard let index = vendors.firstIndex(where: { $0.name == target.vendor }) else {
                    continue
                }
                let vendor = vendors[index]
                if vendor.dialect != dialect {
                    let reason =
                        "it speaks \(vendor.dialect.rawValue), and requests are not translated"
                    skipped.append(Plan.Skipped(vendor: vendor.name, reason: reason))
                } else if vendor.credential == .client, keyBearer ?? index != index {
                    let reason =
                        "it has no credential of its own, and the caller's is meant for another"
                    skipped.append(Plan.Skipped(vendor: vendor.name, reason: reason))
                } else {
                    if vendor.credential == .client { keyBearer = index }
                    targets.append(
                        Plan.Target(vendor: index, model: target.model, health: count)
                    )
                    count += 1
                }
            }
            skippedByDialect[dialect] = skipped
            guard !targets.isEmpty else { continue }
            plans[dialect] = Plan(chain, dialect: dialect, targets: targets, skipped: skipped)
        }
        return PreparedChain(chain, plans: plans, skipped: skippedByDialect)
    }

    /// The plans of a chain as they will act, for people.
    public func plans(of chain: String) -> [Plan] {
        guard let entry = chains.first(where: { $0.name == chain }) else { return [] }
        return Dialect.allCases.compactMap { entry.plans[$0] }
    }

    /// The route of a request.
    ///
    /// `body` is what is known of it: whole, or empty where it streams.
    public func route(
        _ head: borrowing RequestHead, body: Span<UInt8>
    ) throws(Refusal) -> Route {
        let whole = head.path
        for chain in chains {
            guard let path = Self.strip(chain.prefix, from: whole) else { continue }
            guard chain.paths.contains(where: { $0.matches(path) }) else { continue }
            if chain.needsModel {
                let model = Self.model(path: path, body: body)
                guard let model, chain.models.contains(where: { $0.matches(model.bytes) }) else {
                    continue
                }
            }
            let dialect = Dialect(of: head, path: path)
            guard let plan = chain.plans[dialect] else {
                throw Refusal.noTarget(
                    chain: chain.name, dialect, chain.skipped[dialect] ?? []
                )
            }
            return Route(plan: plan, prefixLength: chain.prefix.count)
        }
        let dialect = Dialect(of: head, path: whole)
        guard let plan = planByDialect[dialect] else { throw Refusal.noVendor(dialect) }
        return Route(plan: plan, prefixLength: 0)
    }

    @_lifetime(copy path)
    private static func strip(_ prefix: [UInt8], from path: Span<UInt8>) -> Span<UInt8>? {
        guard !prefix.isEmpty else { return path }
        guard path.count > prefix.count, path[prefix.count] == UInt8(ascii: "/") else { return nil }
        for index in prefix.indices where path[index] != prefix[index] { return nil }
        return path.extracting(prefix.count..<path.count)
    }

    /// The model of a request: of Gemini's in the path, of the others in the body.
    private static func model(
        path: Span<UInt8>, body: Span<UInt8>
    ) -> ByteBuffer? {
        var model = ByteBuffer()
        if let place = path.modelPlace {
            model.append(path.extracting(place))
            return model
        }
        // A body that is no JSON, an upload perhaps, has no model.
        guard let place = try? JSONScanner.member("model", of: body), place.count >= 2,
            body[place.lowerBound] == UInt8(ascii: "\"")
        else { return nil }
        let inner = body.extracting(place.lowerBound + 1..<place.upperBound - 1)
        model.append(text: JSONText.unescape(inner))
        return model
    }
}
