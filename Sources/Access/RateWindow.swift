/// What was used of a rate, in two windows that follow each other on the clock: of the one before
/// as much counts as lies in the interval that ends now.
///
/// Times are milliseconds since 1970, so that a window is the same one after a restart. What was
/// used beyond the limit is a debt, and a debt is carried into the next window: it is never
/// forgiven.
struct RateWindow: Equatable, Sendable {
    /// A rate in the units of a window.
    struct Limit: Equatable, Sendable {
        let count: Int
        /// Milliseconds.
        let length: Int
    }

    /// The longest wait that differs from a longer one, in milliseconds.
    private static let waitMax = 1 << 52

    private(set) var start = 0
    private(set) var current = 0
    private(set) var previous = 0
    /// What calls in flight may still use.
    private(set) var held = 0

    /// Moves on to the window of an instant.
    mutating func advance(to now: Int, _ limit: Limit) {
        let begin = now - now % limit.length
        if start - begin > 2 * limit.length {
            // A clock that was far ahead has moved this window: what counts in it counts from now.
            start = begin
            return
        }
        // A clock that was set back by less does not bring an earlier window back.
        guard begin > start else { return }
        let steps = (begin - start) / limit.length
        start = begin
        // All windows but the last pay back a limit each.
        let paid = (steps - 1).multipliedReportingOverflow(by: limit.count)
        let debt = paid.overflow ? 0 : max(0, current - paid.partialValue)
        previous = min(debt, limit.count)
        current = debt - previous
    }

    /// What counts at an instant of the current window, without what is held.
    func used(_ now: Int, _ limit: Limit) -> Int {
        let left = max(0, min(limit.length, start + limit.length - now))
        let (product, isLarge) = previous.multipliedReportingOverflow(by: left)
        let share = isLarge ? previous : (product + limit.length - 1) / limit.length
        return current + share
    }

    /// Whether so much more fits at an instant of the current window.
    func hasRoom(for amount: Int, now: Int, _ limit: Limit) -> Bool {
        used(now, limit) + held + amount <= limit.count
    }

    /// What counts at an instant of the current window, with what is held.
    func level(_ now: Int, _ limit: Limit) -> Int { used(now, limit) + held }

    /// How much of the limit is left at an instant of the current window.
    func remaining(_ now: Int, _ limit: Limit) -> Int {
        max(0, limit.count - used(now, limit) - held)
    }

    /// Milliseconds until so much would fit if nothing more were used, nothing of what is held
    /// included; nil where it is more than the limit.
    func wait(for amount: Int, now: Int, _ limit: Limit) -> Int? {
        guard amount <= limit.count else { return nil }
        var window = self
        window.held = 0
        var instant = now
        while !window.hasRoom(for: amount, now: instant, limit) {
            let room = limit.count - window.current - amount
            let end = window.start + limit.length
            if room >= 0, window.previous > 0 {
                // The share of the window before shrinks to the room.
                let left = room * limit.length / window.previous
                instant = max(instant + 1, min(end, end - left))
                if instant < end { continue }
            }
            // A debt is paid back by a limit a window, and may be of any number of windows.
            let debt = window.current + amount - limit.count
            let windows = max(1, (debt + limit.count - 1) / max(1, limit.count))
            // A number that no vendor means takes longer than there are milliseconds to count.
            guard windows < Self.waitMax / limit.length else { return Self.waitMax }
            instant = end + (windows - 1) * limit.length
            window.advance(to: instant, limit)
        }
        return instant - now
    }

    /// Uses so much.
    mutating func use(_ amount: Int) {
        current += amount
    }

    /// Takes one back that was used at an instant.
    mutating func giveBack(began: Int) {
        if began >= start { current = max(0, current - 1) } else { previous = max(0, previous - 1) }
    }

    /// Holds so much for a call in flight.
    mutating func hold(_ amount: Int) {
        held += amount
    }

    /// Puts what a call used in the stead of what was held for it, in the window in which the call
    /// began.
    ///
    /// Of a call that began before those two windows what was held has counted all the time; only
    /// what it used beyond that is still to be counted.
    mutating func settle(held amount: Int, used: Int, began: Int, _ limit: Limit) {
        held -= amount
        if began >= start {
            current += used
        } else if began >= start - limit.length {
            let sum = previous + used
            previous = min(sum, limit.count)
            current += sum - previous
        } else {
            current += max(0, used - amount)
        }
    }

    /// Adds what was used at an instant before this process began: earlier instants first.
    mutating func restore(_ used: Int, began: Int, _ limit: Limit) {
        advance(to: began, limit)
        guard began >= start - limit.length else { return }
        settle(held: 0, used: used, began: began, limit)
    }
}
