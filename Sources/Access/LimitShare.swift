// DESIGN
//
// Several replicas keep one limit by shares of it. What a replica has used and holds never exceeds
// its share, and the store hands out no more shares than the limit is: so all together never use
// more than the limit, whichever of them can reach the store. A share is asked for ahead, and a
// decision never waits for it. It means the same for money in a period, for a rate in its window
// and for requests in flight: a part of what may be used or held at one time.
//
// Only the replica itself makes its share smaller, before it says so to the store. The store
// does so alone for one that was silent for longer than a lease.

/// A replica's part of one limit that several replicas share.
struct LimitShare: Equatable, Sendable {
    /// What a request means for a share.
    enum Verdict: Equatable, Sendable {
        /// There is room.
        case admitted
        /// All replicas together have used, or hold, too much of the limit.
        case full
        /// The limit may have room, and this replica's share of it has none: more is asked for.
        case awaited
    }

    /// The part of a share that may be used before the store is asked again: what a process used
    /// and never said is lost to the count when it is killed.
    private static let unsaidParts = 8
    /// Turns for which what a refused request lacked is kept for it.
    private static let reservedTurnsMax = 3
    /// An amount that the store counts exactly.
    static let amountMax = 1 << 53

    /// What may be used and held here at one time.
    private(set) var granted = 0
    /// What the other replicas had used or held when each of them last said so.
    private(set) var elsewhere = 0
    /// Replicas that share the limit, this one included.
    private(set) var replicas = 1
    /// What the others lack.
    private(set) var shortage = ShareAnswer.Shortage.none
    /// The most that a refused request asked for since the store was last asked.
    private(set) var need = 0
    /// Whether a request was admitted since then.
    private(set) var isUsed = false
    /// What a refused request asked for and may have when it comes again, and how often the store
    /// is asked before that is given up.
    private var reserved = 0
    private var reservedTurns = 0
    /// What was used and held when the store was last asked.
    private var said = 0
    /// Whether a question is on its way.
    private(set) var isAsking = false
    /// Whether the store has answered since this process, or the period, began.
    private(set) var isKnown = false
    /// The beginning of the budget's period that this is a share of; 0 for other limits.
    private(set) var period = 0

    /// Whether so much more may be used, with so much used and held already, of a limit.
    func verdict(on amount: Int, taken: Int, of limit: Int) -> Verdict {
        // Subtracted, because a request may ask for more than a sum could hold.
        if amount <= min(granted, limit) - taken { return .admitted }
        return amount > limit - taken - elsewhere ? .full : .awaited
    }

    /// Observes what a request asked for.
    ///
    /// Returns whether the store should be asked now, and not in its turn.
    /// `isKept`: what is used outlives its process, as money does, and requests in flight do not.
    mutating func observe(
        _ amount: Int, _ verdict: Verdict, taken: Int, of limit: Int, isKept: Bool = false
    ) -> Bool {
        guard verdict == .admitted else {
            need = max(need, amount)
            // A limit that is used up is asked about in its turn: nothing is gained by haste.
            return verdict == .awaited && !isAsking
        }
        isUsed = true
        guard !isAsking else { return false }
        if isKept, taken - said > granted / Self.unsaidParts - amount { return true }
        // Another request like it would find no room here, and there is some elsewhere.
        let isNearlyUsed = granted - taken - amount < amount
        let isMore = granted < limit && amount < limit - taken - elsewhere
        return isNearlyUsed && isMore
    }

    /// Begins with another period of a budget: the share of the one before means nothing in it.
    mutating func advance(to start: Int) {
        guard start != period else { return }
        self = LimitShare()
        period = start
    }

    /// What is left of the share.
    private func slack(_ taken: Int) -> Int { max(0, granted - taken) }

    /// What each replica would have if what is unused were split evenly.
    private func evenPart(_ taken: Int, of limit: Int) -> Int {
        max(0, limit - taken - elsewhere) / max(1, replicas)
    }

    /// What this replica goes on keeping, as the others lack something.
    private func kept(_ taken: Int, of limit: Int) -> Int {
        let slack = slack(taken)
        switch shortage {
        case .none: return granted
        case .room where need > slack:
            // What is left is of no use here, and may be what another one lacks.
            return min(granted, taken)
        case .room where !isUsed:
            return min(granted, taken + slack / 2)
        case .room, .evenness:
            return min(granted, taken + evenPart(taken, of: limit))
        }
    }

    /// Begins to ask the store; nil while it is being asked.
    ///
    /// What the replica gives back is gone from now on, whether the question arrives or not. At the
    /// end of a process that is all that it does not use.
    mutating func ask(
        taken: Int, of limit: Int, isEnd: Bool = false
    ) -> (claim: Int, need: Int)? {
        guard !isAsking else { return nil }
        // A client comes again after a second, and what was got for it is still there.
        let isReserved = reservedTurns > 0 && slack(taken) >= reserved
        let most = max(kept(taken, of: limit), isReserved ? min(granted, taken + reserved) : 0)
        granted = isEnd ? min(granted, taken) : max(0, most)
        reservedTurns = need > 0 ? Self.reservedTurnsMax : max(0, reservedTurns - 1)
        if need > 0 { reserved = min(need, limit) }
        let question = (claim: granted, need: min(need, limit))
        isAsking = true
        said = taken
        need = 0
        isUsed = false
        return question
    }

    /// Takes the store's answer.
    mutating func adopt(_ answer: ShareAnswer) {
        isAsking = false
        isKnown = true
        // Whatever the store says: more than the limit is never admitted.
        granted = min(max(0, answer.share), Self.amountMax)
        elsewhere = min(max(0, answer.elsewhere), Self.amountMax)
        replicas = min(max(1, answer.replicas), Self.amountMax)
        shortage = answer.shortage
    }

    /// No answer came: the share stays what it is.
    mutating func withdraw() {
        isAsking = false
    }
}
