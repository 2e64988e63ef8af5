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
        /// It waits, at most so many milliseconds, for its turn at the limits of a scope.
        case waiting(Ticket, atMost: Int)
    }

    /// What was counted of a scope since the process began.
    struct Counts {
        var admitted = 0
        var refused = 0
        var tokens = 0
        var nanodollars = 0
    }

    let state = Mutex(LedgerState())
    private let isRebuilding = Atomic<Bool>(false)

    /// Whether all of the past is known: before that no budget is spent.
    public var isWhole: Bool { !isRebuilding.load(ordering: .acquiring) }

    /// Charges of an earlier process are still to be read.
    public func beginRebuilding() { isRebuilding.store(true, ordering: .releasing) }

    /// All charges of earlier processes are here.
    public func endRebuilding() { isRebuilding.store(false, ordering: .releasing) }

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
            state.steps.append(nil)
            return state.buckets.count - 1
        }
    }

    /// Admits a request by all limits of a path, or refuses it and changes nothing.
    ///
    /// `now`: milliseconds since 1970. `key` and `ended`: whose request it is, and what is
    /// called, on any thread, when its wait ends; without that it never waits.
    public func admit(
        _ demand: Demand, _ path: [Step], now: Int, key: String = "",
        ended: WaitEnd.Receiver? = nil
    ) -> Decision {
        guard !path.isEmpty else {
            return .admitted(Reservation(path: path, began: now, latest: now, demand: demand))
        }
        let (decision, waits) = state.withLock { state -> (Decision, [EndedWait]) in
            let now = state.clock(now)
            // A request that comes while others wait does not pass them.
            let waits =
                state.lines.isEmpty
                ? []
                : path.flatMap { step in
                    state.admitNext(of: step.slot, now: now)
                }
            let found = state.refusal(of: demand, path, now: now)
            state.fleet?.count(found?.refusal)
            let busy = state.lines.isEmpty ? nil : path.first { state.lines[$0.slot] != nil }
            guard let step = found?.step ?? busy else {
                return (.admitted(state.take(demand, path, now: now)), waits)
            }
            let refusal = found?.refusal ?? step.fullQueue
            if let ended, let queue = step.queue, refusal.passes(within: queue.wait),
                let displaced = state.makeRoom(at: step, max: queue.max, for: key, now: now)
            {
                let ticket = state.wait(demand, path, at: step, key: key, ended: ended)
                return (.waiting(ticket, atMost: queue.wait), waits + displaced)
            }
            state.counts[step.slot].refused += 1
            return (.refused(refusal), waits)
        }
        Self.call(waits)
        return decision
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

    /// Holds more for a request in flight: what an attempt of it may have used in vain.
    ///
    /// It is held whether there is room or not, because it may be used. Returns what is held now,
    /// and whether the budgets have room for it, so that another attempt may follow.
    public func hold(
        _ more: Charge, besides reservation: Reservation, now: Int
    ) -> (reservation: Reservation, hasRoom: Bool) {
        guard more.tokens > 0 || more.nanodollars > 0 else { return (reservation, true) }
        let hasRoom = state.withLock { state in
            let now = state.clock(now)
            var hasRoom = true
            for step in reservation.path {
                state.buckets[step.slot].hold(more, reservation, step)
                if !state.hasRoom(in: step, now: now) { hasRoom = false }
            }
            return hasRoom
        }
        return (reservation.holding(more), hasRoom)
    }

    /// Puts what a request used in the stead of what was held for it: once for each reservation.
    public func settle(_ reservation: Reservation, _ charge: Charge, now: Int) {
        guard !reservation.path.isEmpty else { return }
        let ended = state.withLock { state -> [EndedWait] in
            let now = state.clock(now)
            for step in reservation.path {
                state.buckets[step.slot].settle(reservation, charge, now: now, step)
                if !state.heirs.isEmpty {
                    state.settleHeirs(of: step.slot, reservation, charge, now: now)
                }
                state.counts[step.slot].tokens += charge.tokens
                state.counts[step.slot].nanodollars += charge.nanodollars
            }
            guard !state.lines.isEmpty else { return [] }
            return reservation.path.flatMap { state.admitNext(of: $0.slot, now: now) }
        }
        Self.call(ended)
    }
}
