import Config

/// What was spent of a budget in one period, in billionths of a dollar.
struct Spending: Equatable, Sendable {
    /// The beginning of the period, in milliseconds since 1970.
    private(set) var start = 0
    private(set) var spent = 0
    /// What calls of this period that are in flight may cost.
    private(set) var held = 0

    /// Moves on to the period of an instant.
    ///
    /// What is held for calls of an earlier one will be charged to that one.
    mutating func advance(to now: Int, _ period: BudgetPeriod) {
        let begin = period.start(of: now)
        guard begin > start else { return }
        self = Spending()
        start = begin
    }

    /// Whether a call that costs so much at most may be made.
    ///
    /// A full budget takes none, not even one that costs nothing.
    func hasRoom(for amount: Int, of limit: Int) -> Bool {
        let taken = spent + held
        return taken < limit && amount <= limit - taken
    }

    mutating func hold(_ amount: Int) {
        held += amount
    }

    /// Puts what a call cost in the stead of what was held for it.
    ///
    /// `began`: the beginning of the period in which the call was admitted.
    mutating func settle(held amount: Int, spent cost: Int, began: Int) {
        guard began == start else { return }
        held -= amount
        spent += cost
    }

    /// Adds what was spent at an instant before this process began.
    mutating func restore(_ cost: Int, at instant: Int, _ period: BudgetPeriod) {
        advance(to: instant, period)
        if period.start(of: instant) == start { spent += cost }
    }
}
