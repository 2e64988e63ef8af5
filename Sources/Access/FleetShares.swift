import Config

/// The shares of all limits of a process that keeps them with other replicas.
struct FleetShares: Sendable {
    /// The shares of one scope's limits.
    private struct Entry: Sendable {
        var shares = [LimitShare](repeating: LimitShare(), count: ShareQuestion.Axis.allCases.count)
        /// The limits that are asked about, as the configuration in force has them.
        var step: Step?
        /// Whether no table of keys names them: those of a token's subject, or of one certificate.
        var isPassing = false
        /// How often they were asked about since a request came.
        var idleTurns = 0
    }

    /// Turns after which the limits of a subject that makes no request are asked about no more: a
    /// minute.
    private static let idleTurnsMax = 48
    /// Subjects that are asked about at most: an issuer names as many as it likes.
    private static let passingMax = 8192

    /// What is counted of the decisions.
    struct Counts: Equatable, Sendable {
        /// Requests that were refused, or admitted, as `outage` says.
        var refusedAway = 0
        var admittedAway = 0
        /// Requests that found no room in this replica's share, and may find some later.
        var awaited = 0
    }

    let outage: LimitStoreSettings.Outage
    private let wake: @Sendable () -> Void
    /// Whether the store cannot be reached: then `outage` decides.
    var isAway = true
    /// When the store answered last, in milliseconds since 1970 by its own clock.
    private var answeredAt = 0
    /// How far the store's clock is before this process's, in milliseconds: windows and periods
    /// begin for all replicas when they begin for the store.
    private(set) var clockLead = 0
    var counts = Counts()
    /// By the scopes' slots.
    private var entries: [Entry] = []
    /// The slots with limits, in the order in which they are asked about.
    private(set) var slots: [Int] = []
    private var passingCount = 0
    /// Slots with a question that does not wait for its turn.
    private var urgent: Set<Int> = []

    init(outage: LimitStoreSettings.Outage, wake: @escaping @Sendable () -> Void) {
        self.outage = outage
        self.wake = wake
    }

    /// Asks about these limits from now on, and about no others.
    mutating func adopt(_ steps: [Step]) {
        let known = slots
        let isKnown = Set(known)
        for slot in known where !entries[slot].isPassing { entries[slot].step = nil }
        slots = known.filter { entries[$0].isPassing }
        for step in steps {
            grow(to: step.slot)
            if entries[step.slot].isPassing {
                entries[step.slot].isPassing = false
                passingCount -= 1
            } else if entries[step.slot].step == nil {
                slots.append(step.slot)
            }
            entries[step.slot].step = step
            // A new key's first request should find a share.
            if !isKnown.contains(step.slot) { markUrgent(step.slot) }
        }
        // What is not asked about any more is given to others after a lease.
        for slot in known where entries[slot].step == nil { entries[slot] = Entry() }
    }

    /// Asks about the limits of a request's step where no table of keys names them.
    mutating func find(_ step: Step) {
        grow(to: step.slot)
        guard entries[step.slot].step == nil || entries[step.slot].isPassing else { return }
        if entries[step.slot].step == nil {
            guard passingCount < Self.passingMax else { return }
            passingCount += 1
            entries[step.slot].isPassing = true
            slots.append(step.slot)
            markUrgent(step.slot)
        }
        entries[step.slot].step = step
        entries[step.slot].idleTurns = 0
    }

    /// The limits of a slot that are to be asked about now.
    ///
    /// Those of a subject that has made no request for long are forgotten: their share is free for
    /// others after a lease, and a later request asks anew. `isInUse`: it has a request in flight.
    mutating func stepToAsk(of slot: Int, isInUse: Bool) -> Step? {
        guard entries.indices.contains(slot), entries[slot].isPassing else {
            return step(of: slot)
        }
        entries[slot].idleTurns = isInUse ? 0 : entries[slot].idleTurns + 1
        guard entries[slot].idleTurns > Self.idleTurnsMax else { return entries[slot].step }
        entries[slot] = Entry()
        slots.removeAll { $0 == slot }
        passingCount -= 1
        return nil
    }

    /// How long the store may have been silent before a share counts as forgotten there, in
    /// milliseconds: less than a lease, and more than a turn and the silence after which the store
    /// itself takes all shares for used.
    private static let silenceMax = 4000

    /// A difference of clocks up to this, in milliseconds, may be that of an answer's way.
    private static let clockTolerance = 500

    /// The store has answered: at an instant by its own clock, and one by this process's.
    mutating func heard(at time: Int, own now: Int) {
        answeredAt = time
        let lead = time - now
        guard abs(lead - clockLead) > Self.clockTolerance else { return }
        clockLead = abs(lead) > Self.clockTolerance ? lead : 0
    }

    /// Whether the store has been silent for so long that it will know of an outage.
    ///
    /// `now`: by the store's clock.
    func isSilent(now: Int) -> Bool { now - answeredAt > Self.silenceMax }

    /// Counts a decision about a request.
    mutating func count(_ refusal: LimitRefusal?) {
        if refusal?.reason == .awaited { counts.awaited += 1 }
        guard isAway else { return }
        if refusal == nil { counts.admittedAway += 1 } else { counts.refusedAway += 1 }
    }

    private mutating func grow(to slot: Int) {
        while entries.count <= slot { entries.append(Entry()) }
    }

    /// The limits of a slot that is asked about.
    func step(of slot: Int) -> Step? {
        entries.indices.contains(slot) ? entries[slot].step : nil
    }

    subscript(_ slot: Int, _ axis: ShareQuestion.Axis) -> LimitShare {
        get {
            entries.indices.contains(slot) ? entries[slot].shares[axis.rawValue] : LimitShare()
        }
        set {
            grow(to: slot)
            entries[slot].shares[axis.rawValue] = newValue
        }
    }

    /// Has a slot asked about without waiting for its turn.
    mutating func markUrgent(_ slot: Int) {
        if urgent.insert(slot).inserted { wake() }
    }

    /// Takes the slots whose questions do not wait.
    mutating func takeUrgent() -> Set<Int> {
        defer { urgent = [] }
        return urgent
    }
}

/// A limit as a share of it is kept: how much there is, and how much is used and held here.
struct LimitLevel: Equatable {
    let axis: ShareQuestion.Axis
    let limit: Int
    let taken: Int
    /// The beginning of a budget's period, and its end; 0 for other limits.
    var period = 0
    var periodEnd = 0
    /// The interval of a rate, in milliseconds.
    var length = 0
}

extension LimitLevel {
    /// How long the store keeps the limit's count: until nothing of it matters, and somewhat more
    /// for clocks that differ.
    func keep(_ now: Int) -> Int {
        switch axis {
        case .budget: periodEnd - now + 86_400_000
        case .requests, .tokens: 2 * length + 60_000
        case .concurrent: 60_000
        }
    }
}

extension Bucket {
    /// The limits of a step, as they are used now.
    func levels(now: Int, _ step: Step) -> [LimitLevel] {
        var levels: [LimitLevel] = []
        if let budget = step.budget {
            let start = budget.period.start(of: now)
            levels.append(
                LimitLevel(
                    axis: .budget, limit: budget.nanodollars, taken: money.spent + money.held,
                    period: start, periodEnd: budget.period.end(of: now)))
        }
        if let limit = step.tokens {
            levels.append(
                LimitLevel(
                    axis: .tokens, limit: limit.count, taken: tokens.level(now, limit),
                    length: limit.length))
        }
        if let limit = step.requests {
            levels.append(
                LimitLevel(
                    axis: .requests, limit: limit.count, taken: requests.level(now, limit),
                    length: limit.length))
        }
        if let limit = step.concurrent {
            levels.append(LimitLevel(axis: .concurrent, limit: limit, taken: inFlight))
        }
        return levels
    }

    /// Why a limit of all replicas refuses a request that this replica's share has no room for.
    func refusal(
        of amount: Int, at level: LimitLevel, elsewhere: Int, now: Int, _ step: Step,
        isDiverted: Bool
    ) -> LimitRefusal {
        let isTooLarge = amount > level.limit
        func refusal(_ axis: LimitRefusal.Axis, wait: Int?) -> LimitRefusal {
            LimitRefusal(
                scope: step.scope, axis: axis, limit: level.limit, length: level.length,
                wait: isTooLarge ? nil : wait, isTooLarge: isTooLarge)
        }
        // What the others have used of a rate is given back with time, as what was used here.
        func rateWait(_ window: RateWindow) -> Int? {
            guard !isTooLarge else { return nil }
            let rest = RateWindow.Limit(
                count: max(amount, level.limit - elsewhere), length: level.length)
            let wait = window.wait(for: amount, now: now, rest) ?? level.length
            return max(wait, LimitRefusal.shareWait)
        }
        switch level.axis {
        case .budget:
            var budget = refusal(
                .budget(step.budget?.period ?? .month), wait: level.periodEnd - now)
            budget.chain = isDiverted ? nil : step.budgetChain
            return budget
        case .tokens: return refusal(.tokens, wait: rateWait(tokens))
        case .requests: return refusal(.requests, wait: rateWait(requests))
        case .concurrent: return refusal(.concurrent, wait: nil)
        }
    }
}

extension Demand {
    /// What a request asks of a limit; nil where that limit is none of its concern.
    func amount(of axis: ShareQuestion.Axis) -> Int? {
        switch axis {
        case .requests, .concurrent: 1
        case .tokens: isWork ? tokens : nil
        case .budget: isWork ? nanodollars : nil
        }
    }
}
