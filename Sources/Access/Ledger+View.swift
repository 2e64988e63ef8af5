import Config
import Primitives
import Synchronization

extension Ledger {
    /// What is used of one limit.
    public struct Use: Sendable {
        /// What the limit is on.
        public enum Kind: String, Sendable {
            case requests = "requests"
            case tokens = "tokens"
            case concurrent = "concurrent"
            /// In billionths of a dollar.
            case budget = "budget"
        }

        /// What the limit is on.
        public let kind: Kind
        /// How much is used.
        public let used: Int
        /// How much is held for calls in flight.
        public let held: Int
        /// The limit.
        public let limit: Int
        /// In how long; empty for requests in flight.
        public let per: String
    }

    /// What is known of a scope, for people.
    public struct View: Sendable {
        /// The owner of the limits.
        public let scope: Step.Scope
        /// Its limits, and what is used of them.
        public let uses: [Use]
        /// Requests in flight.
        public let inFlight: Int
        /// Requests that wait for these limits.
        public let waiting: Int
        /// Billionths of a dollar spent in the current period.
        public let spent: Int
        /// Billionths of a dollar that are held.
        public let held: Int
        /// Requests that were admitted since the process began.
        public let admitted: Int
        /// Requests that this scope's limits refused.
        public let refused: Int
        /// Tokens that were charged since then.
        public let tokens: Int
        /// Billionths of a dollar that were charged since then.
        public let nanodollars: Int
    }

    /// Remembers the limits of a step's scope; returns whether some of them were none before.
    func remember(_ step: Step) -> Bool {
        state.withLock { state in
            let before = state.steps[step.slot]
            state.steps[step.slot] = step
            return step.limitsMore(than: before)
        }
    }

    /// All scopes that were ever limited, groups first, each kind in the order in which they became
    /// known.
    ///
    /// `now`: milliseconds since 1970; without it the windows stay as the last request left them.
    public func view(now: Int? = nil) -> [View] {
        let (scopes, now) = state.withLock { state in
            (state.slots, now.map { state.clock($0) })
        }
        let order = scopes.sorted {
            ($0.key.isGroup ? 0 : 1, $0.value) < ($1.key.isGroup ? 0 : 1, $1.value)
        }
        var views: [View] = []
        views.reserveCapacity(order.count)
        // Some at a time: requests of all workers wait for as long as this has the state.
        var start = 0
        while start < order.count {
            let end = min(order.count, start + Self.viewedAtOnce)
            let range = start..<end
            let parts = state.withLock { state in range.map { state.part(at: order[$0].value) } }
            for (index, part) in zip(range, parts) {
                views.append(View(order[index].key, part, now: now))
            }
            start = end
        }
        return views
    }

    /// Scopes that are copied in one critical section: some twenty microseconds.
    private static let viewedAtOnce = 128
}

extension Step {
    /// Whether it has a limit of a kind that another one of the scope had not.
    fileprivate func limitsMore(than other: Step?) -> Bool {
        (requests != nil && other?.requests == nil) || (tokens != nil && other?.tokens == nil)
            || (budget != nil && other?.budget == nil)
    }
}

extension Step.Scope {
    fileprivate var isGroup: Bool {
        if case .group = self { return true }
        return false
    }
}
