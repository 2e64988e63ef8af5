public import Config
import Synchronization

// Several replicas with one count: the decisions are made here, by shares that were asked for
// ahead; a thread of its own takes the questions to the store and brings the answers.
extension Ledger {
    /// Keeps its limits with other replicas from now on: before the first request.
    ///
    /// `wake` is called for questions that do not wait for their turn, by any thread, and must not
    /// call the ledger.
    public func share(
        outage: LimitStoreSettings.Outage, wake: @escaping @Sendable () -> Void
    ) {
        state.withLock { $0.fleet = FleetShares(outage: outage, wake: wake) }
    }

    /// Asks about the limits of these keys from now on, and about no others.
    func adoptShared(_ keys: some Sequence<AccessKey>) {
        state.withLock { state in
            guard state.fleet != nil else { return }
            state.fleet?.adopt(keys.flatMap(\.path))
        }
    }

    /// Says whether the store can be reached.
    public func setStoreAway(_ isAway: Bool) {
        state.withLock { $0.fleet?.isAway = isAway }
    }

    /// Says that the store has answered, whatever it was asked.
    ///
    /// `now`: milliseconds since 1970.
    public func storeAnswered(now: Int) {
        state.withLock { state in
            let time = state.clock(now)
            state.fleet?.heard(at: time, own: now)
        }
    }

    /// The slots of all limits that are asked about in turn.
    public var sharedSlots: [Int] {
        state.withLock { $0.fleet?.slots ?? [] }
    }

    /// The slots whose questions do not wait for their turn: each is given out once.
    public func takeUrgentSlots() -> Set<Int> {
        state.withLock { $0.fleet?.takeUrgent() ?? [] }
    }

    /// The questions about some slots' limits: each of them has to be answered or withdrawn.
    ///
    /// `now`: milliseconds since 1970.
    /// `isEnd`: the process ends, and gives back what it does not use.
    public func questions(
        of slots: some Sequence<Int>, now: Int, isEnd: Bool = false
    ) -> [ShareQuestion] {
        state.withLock { state in
            let now = state.clock(now)
            var questions: [ShareQuestion] = []
            for slot in slots {
                let isInUse = state.buckets[slot].inFlight > 0
                guard let step = state.fleet?.stepToAsk(of: slot, isInUse: isInUse) else {
                    continue
                }
                state.buckets[slot].advance(to: now, step)
                for level in state.buckets[slot].levels(now: now, step) {
                    state.fleet?[slot, level.axis].advance(to: level.period)
                    let isKnown = state.fleet?[slot, level.axis].isKnown ?? false
                    guard
                        let asked = state.fleet?[slot, level.axis].ask(
                            taken: level.taken, of: level.limit, now: now,
                            isKept: level.axis != .concurrent, length: level.length,
                            isEnd: isEnd)
                    else { continue }
                    questions.append(
                        ShareQuestion(
                            scope: step.scope, axis: level.axis, period: level.period,
                            limit: level.limit, taken: level.taken, claim: asked.claim,
                            need: asked.need, reach: asked.reach, memory: asked.memory,
                            keep: level.keep(now), isFirst: !isKnown, slot: slot))
                }
            }
            return questions
        }
    }

    /// Takes the answer to a question, and admits the requests that waited for it.
    ///
    /// `now`: milliseconds since 1970.
    public func adopt(_ answer: ShareAnswer, to question: ShareQuestion, now: Int) {
        let ended = state.withLock { state -> [EndedWait] in
            // The answer to a question about an earlier period says nothing about this one.
            guard state.fleet?[question.slot, question.axis].period == question.period
            else { return [] }
            state.fleet?.heard(at: answer.time, own: now)
            let now = state.clock(now)
            // A request that was refused meanwhile may come again before the next turn.
            if state.fleet?[question.slot, question.axis].isOutOfReach == true {
                state.fleet?.markUrgent(question.slot)
            }
            state.fleet?[question.slot, question.axis].adopt(answer)
            guard !state.lines.isEmpty else { return [] }
            return state.admitNext(of: question.slot, now: now)
        }
        Self.call(ended)
    }

    /// Says that no answer to a question will come.
    public func withdraw(_ question: ShareQuestion) {
        state.withLock { state in
            guard state.fleet?[question.slot, question.axis].period == question.period
            else { return }
            state.fleet?[question.slot, question.axis].withdraw()
        }
    }

    /// What is counted of decisions by shares.
    public struct FleetView: Sendable {
        /// Requests refused because the store was away.
        public let refusedAway: Int
        /// Requests admitted while the store was away.
        public let admittedAway: Int
        /// Requests refused because this replica's share had no room for them.
        public let awaited: Int
    }

    /// What was decided by shares; nil where no store is.
    public func fleetView() -> FleetView? {
        state.withLock { state in
            state.fleet.map {
                FleetView(
                    refusedAway: $0.counts.refusedAway, admittedAway: $0.counts.admittedAway,
                    awaited: $0.counts.awaited)
            }
        }
    }
}
