import Config
import Synchronization

// DESIGN
//
// What was counted in one interval says nothing about another: of a budget by day no budget by
// month can be made, nor one of an hour of one of a minute. So a scope whose intervals a reading of
// the configuration changes gets another state, and the sums of the past are added to it, as to
// that of a limit that is new. Calls in flight hold what they hold in the state that they were
// admitted by. What both states have to know of them goes from the one to its heir: that they are
// in flight, and in the end what they used.

extension Ledger {
    /// Gives another state to each scope whose limits count in other intervals than before; returns
    /// whether there was any.
    func renew(_ limits: (Step.Scope) -> LimitSettings?) -> Bool {
        state.withLock { state in
            var isAny = false
            for (scope, slot) in state.slots {
                guard let before = state.steps[slot], let limits = limits(scope),
                    Step(scope, slot: slot, limits).countsOtherwise(than: before)
                else { continue }
                isAny = true
                state.slots[scope] = state.buckets.count
                state.heirs[slot] = state.buckets.count
                state.buckets.append(Bucket(inFlight: state.buckets[slot].inFlight))
                state.counts.append(state.counts[slot])
                state.steps.append(nil)
            }
            return isAny
        }
    }
}
