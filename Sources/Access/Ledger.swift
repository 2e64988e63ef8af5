import Synchronization

// DESIGN
//
// One ledger for all workers of a process: a budget that each worker had a share of could be spent
// by none of them alone. A decision looks at all limits up to the root and then changes all of them
// or none, in one critical section of well under a microsecond; no worker waits for anything but
// that. The ledger outlives a reading of the configuration: scopes are known by their names.

/// What was used, and what is held, of all limits.
public final class Ledger: Sendable {
    /// Whether a request is admitted.
    public enum Decision: Sendable {
        case admitted(Reservation)
        case refused(LimitRefusal)
    }

    private struct State {
        var slots: [Step.Scope: Int] = [:]
        var buckets: [Bucket] = []
        var counts: [Counts] = []
    }

    /// What was counted of a scope since the process began.
    private struct Counts {
        var admitted = 0
        var refused = 0
        var tokens = 0
        var nanodollars = 0
    }

    /// What is known of a scope, for people.
    public struct View: Sendable {
        /// The owner of the limits.
        public let scope: Step.Scope
        /// Requests in flight.
        public let inFlight: Int
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

    /// All scopes that were ever limited, as they are now, in the order in which they became known.
    public func view() -> [View] {
        state.withLock { state in
            state.slots.sorted { $0.value < $1.value }.map { scope, slot in
                let bucket = state.buckets[slot]
                let counts = state.counts[slot]
                return View(
                    scope: scope, inFlight: bucket.inFlight, spent: bucket.money.spent,
                    held: bucket.money.held, admitted: counts.admitted, refused: counts.refused,
                    tokens: counts.tokens, nanodollars: counts.nanodollars)
            }
        }
    }

    private let state = Mutex(State())

    /// A ledger of nothing.
    public init() {}

    /// The state of a scope's limits.
    func bucket(of scope: Step.Scope) -> Bucket {
        let slot = slot(of: scope)
        return state.withLock { $0.buckets[slot] }
    }

    /// The index of a scope's state; the same for the same scope for as long as the process lives.
    func slot(of scope: Step.Scope) -> Int {
        state.withLock { state in
            if let known = state.slots[scope] { return known }
            state.slots[scope] = state.buckets.count
            state.buckets.append(Bucket())
            state.counts.append(Counts())
            return state.buckets.count - 1
        }
    }

    /// Admits a request by all limits of a path, or refuses it and changes nothing.
    ///
    /// `now`: milliseconds since 1970.
    public func admit(_ demand: Demand, _ path: [Step], now: Int) -> Decision {
        guard !path.isEmpty else {
            return .admitted(Reservation(path: path, began: now, demand: demand))
        }
        return state.withLock { state in
            var refusal: LimitRefusal?
            var refusing = 0
            for step in path {
                state.buckets[step.slot].advance(to: now, step)
                guard
                    let found = state.buckets[step.slot].refusal(of: demand, now: now, step)
                else { continue }
                guard refusal.map({ $0.rank < found.rank }) ?? true else { continue }
                refusal = found
                refusing = step.slot
            }
            if let refusal {
                state.counts[refusing].refused += 1
                return .refused(refusal)
            }
            for step in path {
                state.buckets[step.slot].admit(demand, step)
                state.counts[step.slot].admitted += 1
            }
            return .admitted(Reservation(path: path, began: now, demand: demand))
        }
    }

    /// Takes over what was used in the past, in the order of time.
    ///
    /// `isNew`: it was not known before, and counts for every limit; else only for limits that have
    /// counted nothing yet.
    func restore(_ charges: [(charge: PastCharge, path: [Step])], isNew: Bool) {
        state.withLock { state in
            var counted: [Int: Bucket.Counted] = [:]
            for (charge, path) in charges {
                for step in path {
                    let known =
                        isNew
                        ? Bucket.Counted()
                        : counted[step.slot] ?? state.buckets[step.slot].counted
                    counted[step.slot] = known
                    state.buckets[step.slot].restore(charge, step, besides: known)
                }
            }
        }
    }

    /// Puts what a request used in the stead of what was held for it: once for each reservation.
    public func settle(_ reservation: Reservation, _ charge: Charge, now: Int) {
        guard !reservation.path.isEmpty else { return }
        state.withLock { state in
            for step in reservation.path {
                state.buckets[step.slot].settle(reservation, charge, now: now, step)
                state.counts[step.slot].tokens += charge.tokens
                state.counts[step.slot].nanodollars += charge.nanodollars
            }
        }
    }
}
