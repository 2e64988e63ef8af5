public import Config
public import Dialects
public import Primitives

/// The targets that serve a chain's requests of one dialect, made ready once: a target that cannot
/// serve them is skipped here, not for each request.
public final class Plan: Sendable {
    /// One target that a request of the plan's dialect may be sent to.
    public struct Target: Sendable {
        /// The vendor's index in ``RoutingTable/vendors``.
        public let vendor: Int
        /// The model sent instead of the client's.
        public let model: String?
        /// The target's index in ``Health``.
        public let health: Int
        /// Whether its vendor speaks another dialect than the plan's requests.
        public var isForeign = false
    }

    /// A target that cannot serve such requests, and why.
    public struct Skipped: Sendable, Equatable {
        /// The vendor's name.
        public let vendor: String
        /// Why, for people.
        public let reason: String
    }

    /// The chain's name; empty where the dialect alone decided.
    public let chain: String
    /// The API of the requests.
    public let api: API
    /// In order of preference; never empty.
    public let targets: [Target]
    /// Targets that the chain names and that do not serve this dialect's requests.
    public let skipped: [Skipped]
    // Beside the targets, not in them: these are read several times for each exchange, and a target
    // would be copied with its text each time.
    private let clocks: [Chain.Clocks]
    private let ownFirstContents: [Bool]
    /// Whether some target gets some requests translated.
    public let translates: Bool
    /// Whether a target is passed over where a translation loses something.
    public let refusesLosses: Bool
    /// Attempts in all.
    public let attemptsMax: Int
    /// Further tries at one target.
    public let retriesMax: Int
    /// The failures after which another target is tried.
    public let policy: FailoverPolicy
    /// Bytes held before the first content at most.
    public let holdBytesMax: Int
    /// How long they are held at most; zero is without end.
    public let holdTime: Interval
    /// After how long a silence the client of a stream gets a sign of life; zero is never.
    public let heartbeat: Interval

    /// Whether some target is asked for another model than the client's.
    public var replacesModel: Bool { targets.contains { $0.model != nil } }
    /// Whether requests go out with something of the gateway's own that others must not spend.
    public let usesOwnSecret: Bool
    /// Whether a path that some vendor resolves to another one must not be sent on.
    public let refusesDotSegments: Bool
    /// Whether a path may hold no credential: some vendor of several, or a vendor asked with a
    /// credential of the gateway's or with none, is not the one that it is meant for.
    public let refusesCredentialsInPath: Bool

    /// `vendors` are those of the targets, in the same order.
    init(
        _ chain: Chain, api: API, targets: [Target], vendors: [Vendor], skipped: [Skipped]
    ) {
        self.chain = chain.name
        self.api = api
        usesOwnSecret = vendors.contains { $0.usesOwnSecret }
        refusesCredentialsInPath =
            vendors.count > 1
            || vendors.contains { $0.usesOwnSecret || $0.credential != .client }
        refusesDotSegments = vendors.contains { vendor in
            !vendor.basePath.isEmpty || vendor.usesOwnSecret || vendor.credential != .client
        }
        self.targets = targets
        translates =
            targets.contains { $0.isForeign }
            || api.dialect == .openai && vendors.contains { $0.lacksAPI }
            || vendors.contains { $0.appliesQuirks }
        refusesLosses = chain.translateLoss == .refuse
        clocks = vendors.map { vendor in
            var clocks = chain.clocks
            clocks.adopt(vendor)
            return clocks
        }
        ownFirstContents = vendors.map { $0.firstContent != nil }
        self.skipped = skipped
        retriesMax = chain.retries
        attemptsMax =
            chain.attempts > 0 ? chain.attempts : targets.count * (1 + chain.retries)
        policy = FailoverPolicy(chain.failover)
        holdBytesMax = chain.holdBytes
        holdTime = chain.holdTime
        // Google's clients bear nothing between two events.
        heartbeat = api.dialect == .gemini ? .zero : chain.heartbeat
    }

    /// The shapes of the requests, their answers and errors.
    public var dialect: Dialect { api.dialect }

    /// The clocks of an attempt at a target: the chain's, but for those that its vendor sets.
    public func clocks(of target: Int) -> Chain.Clocks { clocks[target] }

    /// Whether a target's clock for the first content is the vendor's own: then it counts where no
    /// other target is left, too.
    public func hasOwnFirstContent(_ target: Int) -> Bool { ownFirstContents[target] }

    /// Whether another attempt could follow one at a target, by what was tried: holding a response
    /// is of use only then.
    ///
    /// `retries`: attempts at the target after its first.
    public func allowsAnother(
        after target: Int, attempts: Int, retries: Int, tried: borrowing TriedTargets
    ) -> Bool {
        guard attempts < attemptsMax else { return false }
        if retries < retriesMax { return true }
        for index in targets.indices where index != target && !tried.contains(index) {
            return true
        }
        return false
    }
}

extension Chain.Clocks {
    /// Takes over what a vendor sets for itself.
    mutating func adopt(_ vendor: Vendor) {
        connect = vendor.connect ?? connect
        firstContent = vendor.firstContent ?? firstContent
        idle = vendor.idle ?? idle
    }
}
