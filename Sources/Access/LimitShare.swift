// DESIGN
//
// Several replicas keep one limit by shares of it. What a replica has used and holds never exceeds
// its share, and the store hands out no more shares than the limit is: so all together never use
// more than the limit, whichever of them can reach the store. A share is asked for ahead, and a
// decision never waits for it. It means the same for money in a period, for a rate in its window
// and for requests in flight: a part of what may be used or held at one time.
//
// Only the replica itself makes its share smaller, before it says so to the store. The store
// does so alone for one that was silent for longer than a lease. It may have been killed, and have
// used more than it had said. So it says ahead how far it will go, its reach, and goes no further
// before the store has answered: up to there its share stays used.

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

    /// The part of what is unused that may always be used before the store has heard of it, and
    /// that of a replica that no request has come to.
    private static let reachParts = 8
    private static let firstReachParts = 2
    /// Rates of an interval up to this, in milliseconds, are soon whole again: of those half of
    /// what is unused may be used.
    private static let shortRate = 600_000
    /// For how long what a refused request lacked is asked for, and kept for it: its client may
    /// come again after a second or two.
    private static let reservedTime = 4000
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
    /// What a refused request asked for and may have when it comes again, and until when.
    private var reserved = 0
    private var reservedUntil = 0
    /// What was granted when the store answered last, here and to all others: what a store that
    /// has lost everything hears.
    private var remembered = ShareQuestion.Memory()
    /// What was used and held when the store was last asked.
    private var said = 0
    /// What may be used and held here before the store answers again.
    private(set) var reach = 0
    private var pace = SharePace()
    /// Whether a request was refused that its share had room for, and its reach had not.
    private(set) var isOutOfReach = false
    /// Whether a question is on its way.
    private(set) var isAsking = false
    /// Whether the store has answered since this process, or the period, began.
    private(set) var isKnown = false
    /// The beginning of the budget's period that this is a share of; 0 for other limits.
    private(set) var period = 0

    /// Whether so much more may be used, with so much used and held already, of a limit.
    ///
    /// `isAway`: the store cannot hear of what is used, and the whole share may be used meanwhile.
    func verdict(
        on amount: Int, taken: Int, of limit: Int, isAway: Bool = false
    ) -> Verdict {
        // Subtracted, because a request may ask for more than a sum could hold.
        if amount <= min(isAway ? granted : reach, limit) - taken { return .admitted }
        return amount > limit - taken - elsewhere ? .full : .awaited
    }

    /// Observes what a request asked for.
    ///
    /// Returns whether the store should be asked now, and not in its turn.
    mutating func observe(
        _ amount: Int, _ verdict: Verdict, taken: Int, of limit: Int
    ) -> Bool {
        pace.observe(amount)
        guard verdict == .admitted else {
            need = max(need, amount)
            if amount <= min(granted, limit) - taken { isOutOfReach = true }
            // A limit that is used up is asked about in its turn: nothing is gained by haste.
            return verdict == .awaited && !isAsking
        }
        isUsed = true
        guard !isAsking else { return false }
        let rest = reach - taken - amount
        if reach < granted, rest < amount + (reach - said) / 2 { return true }
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

    /// What a replica says to the store.
    struct Statement: Equatable, Sendable {
        /// What it goes on keeping of its share.
        let claim: Int
        /// What a request asked for that found no room.
        let need: Int
        /// How far it goes without an answer.
        let reach: ShareQuestion.Reach
        /// What it remembers of the last answer.
        let memory: ShareQuestion.Memory
    }

    /// Begins to ask the store; nil while it is being asked.
    ///
    /// What the replica gives back is gone from now on, whether the question arrives or not. At the
    /// end of a process that is all that it does not use.
    /// `now`: milliseconds since 1970.
    /// `isKept`: what is used outlives its process, as money does, and requests in flight do not.
    mutating func ask(
        taken: Int, of limit: Int, now: Int, isKept: Bool = true, length: Int = 0,
        isEnd: Bool = false
    ) -> Statement? {
        guard !isAsking else { return nil }
        if need > 0 { (reserved, reservedUntil) = (min(need, limit), now + Self.reservedTime) }
        let isWanted = now < reservedUntil
        // A client comes again after a second, and what was got for it is still there; what was
        // not is asked for until then.
        let isReserved = isWanted && slack(taken) >= reserved
        let need = isWanted && !isReserved ? max(self.need, reserved) : self.need
        let most = max(kept(taken, of: limit), isReserved ? min(granted, taken + reserved) : 0)
        granted = isEnd ? min(granted, taken) : max(0, most)
        let isShort = 1...Self.shortRate ~= length
        let parts = pace.isUnknown || isShort ? Self.firstReachParts : Self.reachParts
        pace.use(taken - said, now: now)
        let ahead = max(pace.ahead, (slack(taken) + parts - 1) / parts)
        // Until the answer it goes no further than the store will hear.
        reach = min(reach, granted)
        if isKept { reach = min(reach, taken + min(ahead, slack(taken))) }
        let statement = Statement(
            claim: granted, need: min(need, limit),
            reach: ShareQuestion.Reach(current: reach, ahead: ahead, parts: parts),
            memory: remembered)
        isAsking = true
        said = taken
        self.need = 0
        isUsed = false
        isOutOfReach = false
        return statement
    }

    /// Takes the store's answer.
    mutating func adopt(_ answer: ShareAnswer) {
        isAsking = false
        isKnown = true
        // Whatever the store says: more than the limit is never admitted.
        granted = min(max(0, answer.share), Self.amountMax)
        reach = min(max(0, answer.reach), granted)
        remembered = ShareQuestion.Memory(
            share: granted, elsewhere: min(max(0, answer.grantedElsewhere), Self.amountMax))
        elsewhere = min(max(0, answer.elsewhere), Self.amountMax)
        replicas = min(max(1, answer.replicas), Self.amountMax)
        shortage = answer.shortage
    }

    /// No answer came: the share stays what it is.
    mutating func withdraw() {
        isAsking = false
    }
}
