import Config

/// What was spent of a budget in one period, in billionths of a dollar, and in a few other periods:
/// a call may end in a later one, and a clock may be set back.
struct Spending: Equatable, Sendable {
    /// What was spent in a period, and held.
    private struct Part: Equatable, Sendable {
        /// The beginning of the period, in milliseconds since 1970.
        var start = 0
        var spent = 0
        /// What calls of this period that are in flight may cost.
        var held = 0
    }

    /// Other periods that are known at most.
    private static let othersMax = 4

    private var part = Part()
    /// The other periods, the earliest first; most budgets have none.
    private var others: [Part] = []
    /// Whether earlier periods than these were known.
    private var isCut = false

    /// The beginning of the period in force, in milliseconds since 1970; zero before the first.
    var start: Int { part.start }
    /// What was spent in it.
    var spent: Int { part.spent }
    /// What calls of it that are in flight may cost.
    var held: Int { part.held }

    /// Moves on to the period of an instant, or back to it, where a clock was set back.
    ///
    /// What is held for calls of another one will be charged to that one. A clock that is set back
    /// by a moment opens no earlier period of which nothing is known: the one that it came from
    /// stays in force, and so it does where earlier ones are no longer known.
    mutating func advance(to now: Int, _ period: BudgetPeriod) {
        let begin = period.start(of: now)
        guard begin != part.start else { return }
        if let index = others.firstIndex(where: { $0.start == begin }) {
            return enter(others.remove(at: index))
        }
        let earliest = min(part.start, others.first?.start ?? part.start)
        if begin < earliest, isCut || period.end(of: begin) == earliest {
            guard earliest != part.start else { return }
            return enter(others.removeFirst())
        }
        enter(Part(start: begin))
    }

    private mutating func enter(_ next: Part) {
        // Before the first period nothing is counted.
        if part.start > 0 || part != Part() { keep(part) }
        part = next
    }

    private mutating func keep(_ other: Part) {
        others.insert(other, at: others.firstIndex { $0.start > other.start } ?? others.count)
        guard others.count > Self.othersMax else { return }
        others.removeFirst()
        isCut = true
    }

    /// Whether a call that costs so much at most may be made.
    ///
    /// A full budget takes none, not even one that costs nothing.
    func hasRoom(for amount: Int, of limit: Int) -> Bool {
        let taken = spent + held
        return taken < limit && amount <= limit - taken
    }

    /// Holds so much for a call of the period in force.
    mutating func hold(_ amount: Int) {
        part.held += amount
    }

    /// Holds so much for a call that was admitted in the period with a beginning.
    mutating func hold(_ amount: Int, began: Int) {
        change(began) { $0.held += amount }
    }

    /// Puts what a call cost in the stead of what was held for it.
    ///
    /// `began`: the beginning of the period in which the call was admitted.
    mutating func settle(held amount: Int, spent cost: Int, began: Int) {
        change(began) {
            $0.held -= amount
            $0.spent += cost
        }
    }

    private mutating func change(_ start: Int, _ change: (inout Part) -> Void) {
        if start == part.start { return change(&part) }
        guard let index = others.firstIndex(where: { $0.start == start }) else { return }
        change(&others[index])
    }

    /// Adds what was spent at an instant before this process began; the latest such instant is in
    /// force until one of now is known.
    mutating func restore(_ cost: Int, at instant: Int, _ period: BudgetPeriod) {
        let begin = period.start(of: instant)
        if begin > part.start {
            advance(to: instant, period)
        } else if begin != part.start, !others.contains(where: { $0.start == begin }) {
            // One that is no longer known stays so.
            guard !isCut || begin > (others.first?.start ?? part.start) else { return }
            keep(Part(start: begin))
        }
        change(begin) { $0.spent += cost }
    }
}
