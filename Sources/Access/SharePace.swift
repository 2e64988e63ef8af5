/// How fast a replica uses its share of a limit, and so how far it may go before the store has
/// heard of it.
///
/// What a killed process may have used since its last word stays used for the others. So it may
/// be little; and a burst of requests should not have to wait for the store.
struct SharePace: Equatable, Sendable {
    /// Calls like the largest one that may be admitted between two words to the store.
    private static let callsAhead = 16
    /// The time whose use is expected again, and how often, in milliseconds.
    private static let second = 1000
    private static let secondsAhead = 8

    /// The largest amounts that requests asked for, in this second and in an earlier one.
    private var largest = 0
    private var largestBefore = 0
    /// What was used in this second and in the one before.
    private var used = 0
    private var usedBefore = 0
    /// When this second began, in milliseconds since 1970.
    private var began = 0

    /// Whether no request has asked for anything yet.
    var isUnknown: Bool { largest == 0 && largestBefore == 0 }

    /// Observes what a request asked for, whether it was admitted or not.
    mutating func observe(_ amount: Int) { largest = max(largest, amount) }

    /// Observes what has been used since the store was last asked.
    mutating func use(_ amount: Int, now: Int) {
        let passed = now - began
        if passed >= Self.second || passed < 0 {
            usedBefore = passed < 2 * Self.second ? used : 0
            used = 0
            if largest > 0 { largestBefore = largest }
            largest = 0
            began = now
        }
        used = min(LimitShare.amountMax, used + max(0, amount))
    }

    /// How much may be used beyond what the store has heard of.
    var ahead: Int {
        let call = min(LimitShare.amountMax, max(largest, largestBefore))
        let pace = max(used, usedBefore)
        return min(LimitShare.amountMax, max(Self.callsAhead * call, Self.secondsAhead * pace))
    }
}
