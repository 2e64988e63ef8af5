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

    /// Remembers the limits of a step's scope.
    func remember(_ step: Step) {
        state.withLock { $0.steps[step.slot] = step }
    }

    /// All scopes that were ever limited, groups first, each kind in the order in which they became
    /// known.
    ///
    /// `now`: milliseconds since 1970; without it the windows stay as the last request left them.
    public func view(now: Int? = nil) -> [View] {
        state.withLock { state in
            let scopes = state.slots.sorted {
                ($0.key.isGroup ? 0 : 1, $0.value) < ($1.key.isGroup ? 0 : 1, $1.value)
            }
            return scopes.map { scope, slot in
                var bucket = state.buckets[slot]
                let step = state.steps[slot]
                if let now, let step { bucket.advance(to: now, step) }
                let counts = state.counts[slot]
                return View(
                    scope: scope, uses: step.map { bucket.uses(of: $0, now: now ?? 0) } ?? [],
                    inFlight: bucket.inFlight, waiting: state.lines[slot]?.count ?? 0,
                    spent: bucket.money.spent, held: bucket.money.held,
                    admitted: counts.admitted, refused: counts.refused, tokens: counts.tokens,
                    nanodollars: counts.nanodollars)
            }
        }
    }
}

extension Step.Scope {
    fileprivate var isGroup: Bool {
        if case .group = self { return true }
        return false
    }
}

extension Bucket {
    /// What is used of the limits of a step.
    fileprivate func uses(of step: Step, now: Int) -> [Ledger.Use] {
        var uses: [Ledger.Use] = []
        func add(_ kind: Ledger.Use.Kind, _ window: RateWindow, _ limit: RateWindow.Limit?) {
            guard let limit else { return }
            uses.append(
                Ledger.Use(
                    kind: kind, used: window.used(now, limit), held: window.held,
                    limit: limit.count, per: "\(Interval.milliseconds(Int64(limit.length)))"))
        }
        add(.requests, requests, step.requests)
        add(.tokens, tokens, step.tokens)
        if let limit = step.concurrent {
            uses.append(
                Ledger.Use(kind: .concurrent, used: inFlight, held: 0, limit: limit, per: ""))
        }
        if let budget = step.budget {
            uses.append(
                Ledger.Use(
                    kind: .budget, used: money.spent, held: money.held,
                    limit: budget.nanodollars, per: budget.period.rawValue))
        }
        return uses
    }
}
