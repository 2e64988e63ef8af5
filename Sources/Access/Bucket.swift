import Config

/// The state of one scope's limits.
struct Bucket: Equatable, Sendable {
    private(set) var requests = RateWindow()
    private(set) var tokens = RateWindow()
    private(set) var money = Spending()
    /// Requests in flight.
    private(set) var inFlight: Int

    /// The state of a scope of which nothing is known but the calls that are in flight.
    init(inFlight: Int = 0) {
        self.inFlight = inFlight
    }

    /// Moves on to an instant.
    mutating func advance(to now: Int, _ step: Step) {
        if let limit = step.requests { requests.advance(to: now, limit) }
        if let limit = step.tokens { tokens.advance(to: now, limit) }
        if let budget = step.budget { money.advance(to: now, budget.period) }
    }

    /// Why the limits refuse a request; nil where they admit it.
    ///
    /// Of several reasons the one that lasts longest.
    func refusal(of demand: Demand, now: Int, _ step: Step) -> LimitRefusal? {
        var refusals: [LimitRefusal] = []
        if let refusal = budgetRefusal(of: demand, now: now, step) { refusals.append(refusal) }
        if demand.isWork, let limit = step.tokens,
            !tokens.hasRoom(for: demand.tokens, now: now, limit)
        {
            let wait = tokens.wait(for: demand.tokens, now: now, limit)
            refusals.append(
                LimitRefusal(
                    scope: step.scope, axis: .tokens, limit: limit.count, length: limit.length,
                    wait: wait, isTooLarge: wait == nil))
        }
        if let limit = step.requests, !requests.hasRoom(for: 1, now: now, limit) {
            refusals.append(
                LimitRefusal(
                    scope: step.scope, axis: .requests, limit: limit.count, length: limit.length,
                    wait: requests.wait(for: 1, now: now, limit), isTooLarge: false))
        }
        if let limit = step.concurrent, inFlight >= limit {
            refusals.append(
                LimitRefusal(
                    scope: step.scope, axis: .concurrent, limit: limit, length: 0, wait: nil,
                    isTooLarge: false))
        }
        return refusals.max { $0.rank < $1.rank }
    }

    /// Why the budget refuses a request; nil where it covers it, or there is none.
    ///
    /// A call that costs nothing passes a full budget on that budget's own chain, and on no other.
    private func budgetRefusal(of demand: Demand, now: Int, _ step: Step) -> LimitRefusal? {
        guard demand.isWork, let budget = step.budget,
            !money.hasRoom(for: demand.nanodollars, of: budget.nanodollars)
        else { return nil }
        if demand.isDiverted, demand.nanodollars == 0, step.budgetChain != nil { return nil }
        let isTooLarge = demand.nanodollars > budget.nanodollars
        return LimitRefusal(
            scope: step.scope, axis: .budget(budget.period), limit: budget.nanodollars, length: 0,
            wait: isTooLarge ? nil : budget.period.end(of: now) - now, isTooLarge: isTooLarge,
            chain: demand.isDiverted ? nil : step.budgetChain)
    }

    /// The instant at which a call of now begins for a step: that period's beginning where the
    /// clock was set back to before it.
    mutating func beginning(of now: Int, _ step: Step) -> Int {
        guard let budget = step.budget else { return now }
        money.advance(to: now, budget.period)
        return max(now, money.start)
    }

    /// Takes a request in.
    mutating func admit(_ demand: Demand, _ step: Step) {
        if step.requests != nil { requests.use(1) }
        if step.tokens != nil { tokens.hold(demand.tokens) }
        if step.budget != nil { money.hold(demand.nanodollars) }
        inFlight += 1
    }

    /// Holds more for a request that was admitted.
    mutating func hold(_ more: Charge, _ reservation: Reservation, _ step: Step) {
        if step.tokens != nil { tokens.hold(more.tokens) }
        if let budget = step.budget {
            money.hold(more.nanodollars, began: budget.period.start(of: reservation.began))
        }
    }

    /// Whether no more of a budget is spent and held than there is.
    func hasRoom(_ step: Step) -> Bool {
        step.budget.map { money.spent + money.held <= $0.nanodollars } ?? true
    }

    /// Holds what a process beside this one holds, or gives it back.
    mutating func change(_ held: Ledger.HeldElsewhere, by sign: Int) {
        inFlight += sign * held.calls
        tokens.hold(sign * held.tokens)
        money.hold(sign * held.nanodollars, began: held.period)
    }

    /// The limits that count already.
    struct Counted {
        var requests = false
        var tokens = false
        var money = false
    }

    /// The limits that count already: nothing of before is added to those.
    var counted: Counted {
        Counted(requests: requests.start > 0, tokens: tokens.start > 0, money: money.start > 0)
    }

    /// Takes over what was used before this process, or a limit of it, began.
    mutating func restore(_ past: PastCharge, _ step: Step, besides counted: Counted) {
        if let limit = step.requests, !counted.requests, past.counts(for: limit.length) {
            requests.restore(past.calls, began: past.began, limit)
        }
        if let limit = step.tokens, !counted.tokens, past.counts(for: limit.length) {
            tokens.restore(past.tokens, began: past.began, limit)
        }
        if let budget = step.budget, !counted.money, past.length == PastCharge.hour {
            money.restore(past.nanodollars, at: past.began, budget.period)
        }
    }

    /// Counts a call that the state before this one admits.
    mutating func enter() { inFlight += 1 }

    /// Counts what a call used that the state before this one admitted.
    ///
    /// Nothing is held for it here.
    /// Before the sums of the past are here nothing is added to them: they are about to come.
    mutating func inherit(_ reservation: Reservation, _ charge: Charge, now: Int, _ step: Step) {
        inFlight -= 1
        if let limit = step.tokens, tokens.start > 0 {
            tokens.advance(to: now, limit)
            tokens.settle(held: 0, used: charge.tokens, began: reservation.latest, limit)
        }
        if let budget = step.budget, money.start > 0 {
            money.advance(to: now, budget.period)
            money.restore(charge.nanodollars, at: reservation.began, budget.period)
        }
    }

    /// Puts what a request used in the stead of what was held for it.
    mutating func settle(_ reservation: Reservation, _ charge: Charge, now: Int, _ step: Step) {
        let demand = reservation.demand
        inFlight -= 1
        if !charge.isAsked, step.requests != nil { requests.giveBack(began: reservation.latest) }
        if let limit = step.tokens {
            tokens.advance(to: now, limit)
            tokens.settle(
                held: demand.tokens, used: charge.tokens, began: reservation.latest, limit)
        }
        if let budget = step.budget {
            money.advance(to: now, budget.period)
            money.settle(
                held: demand.nanodollars, spent: charge.nanodollars,
                began: budget.period.start(of: reservation.began))
        }
    }
}

extension LimitRefusal {
    /// Refusals are ordered by how long they last.
    var rank: Int {
        if isTooLarge { return .max }
        return wait ?? 0
    }
}
