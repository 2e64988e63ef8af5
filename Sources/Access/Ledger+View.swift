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
        let scopes = state.withLock { $0.slots }
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

/// What the ledger has of a scope.
private struct ScopeState {
    let bucket: Bucket
    let step: Step?
    let counts: Ledger.Counts
    let waiting: Int
}

extension Ledger.State {
    fileprivate func part(at slot: Int) -> ScopeState {
        ScopeState(
            bucket: buckets[slot], step: steps[slot], counts: counts[slot],
            waiting: lines[slot]?.count ?? 0)
    }
}

extension Ledger.View {
    fileprivate init(_ scope: Step.Scope, _ part: ScopeState, now: Int?) {
        var bucket = part.bucket
        if let now, let step = part.step { bucket.advance(to: now, step) }
        self.init(
            scope: scope, uses: part.step.map { bucket.uses(of: $0, now: now ?? 0) } ?? [],
            inFlight: bucket.inFlight, waiting: part.waiting, spent: bucket.money.spent,
            held: bucket.money.held, admitted: part.counts.admitted,
            refused: part.counts.refused, tokens: part.counts.tokens,
            nanodollars: part.counts.nanodollars)
    }
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
