import Primitives

/// How fast a ring is written and read.
///
/// Pages that leave this process's memory are mapped anew a lap later, which costs about what the
/// copy into them does. So those of a ring that goes round within seconds stay.
struct RingPace {
    private static let window = Interval.seconds(1)
    /// The part of a ring that is much for a second.
    private static let fastPart: UInt64 = 16

    private let capacity: UInt64
    private var since: Instant?
    private var cursor: UInt64 = 0
    /// Whether much of the ring was read within a second, at last.
    private(set) var isFast = false

    init(capacity: Int) {
        self.capacity = UInt64(capacity)
    }

    /// Says up to where the ring is read now.
    mutating func update(_ cursor: UInt64, now: Instant) {
        guard let since else {
            (self.since, self.cursor) = (now, cursor)
            return
        }
        let read = cursor - min(cursor, self.cursor)
        if read >= capacity / Self.fastPart { isFast = true }
        guard now - since >= Self.window else { return }
        isFast = read >= capacity / Self.fastPart
        (self.since, self.cursor) = (now, cursor)
    }
}
