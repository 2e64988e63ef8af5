import Synchronization

extension Ledger {
    /// What is held of one scope's limits by calls of another process.
    struct HeldElsewhere {
        let slot: Int
        let calls: Int
        let tokens: Int
        let nanodollars: Int
        /// The budget's period in which the money was held: a later one has forgotten it.
        let period: Int
    }

    /// Counts what a process beside this one holds, in the stead of what it held before.
    ///
    /// `source`: which of its journals says so. `now`: milliseconds since 1970.
    func hold(_ charges: [(charge: HeldCharge, path: [Step])], of source: String, now: Int) {
        state.withLock { state in
            for held in state.elsewhere.removeValue(forKey: source) ?? [] {
                state.buckets[held.slot].release(held)
            }
            var all: [HeldElsewhere] = []
            for (charge, path) in charges {
                for step in path {
                    state.buckets[step.slot].advance(to: now, step)
                    all.append(state.buckets[step.slot].hold(charge, step))
                }
            }
            if !all.isEmpty { state.elsewhere[source] = all }
        }
    }

    /// Counts nothing any more of what processes beside this one held: the reader of their journals
    /// says it anew.
    public func forgetHeld() {
        state.withLock { state in
            for held in state.elsewhere.values.joined() { state.buckets[held.slot].release(held) }
            state.elsewhere = [:]
        }
    }
}

extension Bucket {
    /// Counts calls of another process as if they were in flight here.
    mutating func hold(_ charge: HeldCharge, _ step: Step) -> Ledger.HeldElsewhere {
        let held = Ledger.HeldElsewhere(
            slot: step.slot, calls: charge.calls,
            tokens: step.tokens == nil ? 0 : charge.tokens,
            nanodollars: step.budget == nil ? 0 : charge.nanodollars, period: money.start)
        change(held, by: 1)
        return held
    }

    /// Counts them no more.
    mutating func release(_ held: Ledger.HeldElsewhere) { change(held, by: -1) }
}
