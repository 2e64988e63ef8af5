import Primitives

/// Whether the gateway is idle, by what it spent since the last question.
///
/// A thread that gives way takes turns and caches of those that answer calls all the same. What can
/// wait is done when few calls come.
struct IdleTime {
    /// Of all processors, the part from which on the gateway is busy.
    private static let busyPart: Int64 = 20

    private let processors: Int64
    private var last: (spent: Interval, at: Instant)?

    init(processors: Int) {
        self.processors = Int64(processors)
    }

    /// Asks; the first time nothing is known yet, and it is not idle.
    ///
    /// `spent`: processor time of the process, without what the idle time is for.
    mutating func isIdle(spent: Interval, now: Instant) -> Bool {
        defer { last = (spent, now) }
        guard let last, now > last.at else { return false }
        let room = (now - last.at).nanoseconds * processors
        return (spent.nanoseconds - last.spent.nanoseconds) * Self.busyPart < room
    }
}
