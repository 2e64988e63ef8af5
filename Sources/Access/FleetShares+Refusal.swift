import Config

extension LedgerState {
    /// An instant by the clock that counts for all replicas: the store's, or this process's own.
    ///
    /// Both are in milliseconds since 1970.
    func clock(_ now: Int) -> Int { now + (fleet?.clockLead ?? 0) }

    /// Whether no more of a step's budget is spent and held than there is, here or in this
    /// replica's share.
    func hasRoom(in step: Step, now: Int) -> Bool {
        guard buckets[step.slot].hasRoom(step) else { return false }
        guard let fleet, let budget = step.budget, !(fleet.isAway && fleet.outage == .open)
        else { return true }
        let share = fleet[step.slot, .budget]
        let money = buckets[step.slot].money
        return share.period != budget.period.start(of: now)
            || money.spent + money.held <= share.granted
    }

    /// Why the limits of a step refuse a request, by the shares of this replica; nil where they
    /// admit it.
    mutating func sharedRefusal(of demand: Demand, now: Int, _ step: Step) -> LimitRefusal? {
        guard let outage = fleet?.outage, let isAway = fleet?.isAway,
            let isSilent = fleet?.isSilent(now: now)
        else { return nil }
        fleet?.find(step)
        // A process that was stopped for long goes on before it knows that its share is gone.
        if isAway || isSilent, outage == .closed { return .storeAway(step) }
        var refusals: [LimitRefusal] = []
        for level in buckets[step.slot].levels(now: now, step) {
            guard let amount = demand.amount(of: level.axis) else { continue }
            // A diverted call that costs nothing passes a full budget, as without a store.
            if level.axis == .budget, amount == 0, demand.isDiverted, step.budgetChain != nil {
                continue
            }
            fleet?[step.slot, level.axis].advance(to: level.period)
            guard let share = fleet?[step.slot, level.axis] else { continue }
            if isAway, outage == .open {
                guard amount > level.limit - level.taken else { continue }
                refusals.append(
                    buckets[step.slot].refusal(
                        of: amount, at: level, elsewhere: 0, now: now, step,
                        isDiverted: demand.isDiverted))
                continue
            }
            // A full budget takes none, not even a call that costs nothing.
            let verdict = share.verdict(
                on: level.axis == .budget ? max(1, amount) : amount, taken: level.taken,
                of: level.limit, isAway: isAway && isSilent)
            if fleet?[step.slot, level.axis].observe(
                amount, verdict, taken: level.taken, of: level.limit) == true
            {
                fleet?.markUrgent(step.slot)
            }
            switch verdict {
            case .admitted: continue
            case .full:
                refusals.append(
                    buckets[step.slot].refusal(
                        of: amount, at: level, elsewhere: share.elsewhere, now: now, step,
                        isDiverted: demand.isDiverted))
            case .awaited:
                refusals.append(isAway ? .storeAway(step) : .awaited(level, step))
            }
        }
        return refusals.max { $0.rank < $1.rank }
    }
}
