import Primitives

/// When segments are packed although the machine has no idle time: room becomes short, or they
/// have waited for long.
struct PackingPressure {
    /// Of a bound, the part that is in use then.
    private static let fullness = (4, 5)
    /// Of one processor, the part that is spent on it then.
    private static let share = 4

    /// Bytes of segments and index at most; zero is without a bound.
    var bytesMax: Int
    /// How long a complete segment waits.
    var ageMax = Interval.seconds(3600)

    /// Whether a segment of such an age is due, with so many bytes in all.
    func isDue(age: Interval, bytes: Int) -> Bool {
        let (part, whole) = Self.fullness
        return age >= ageMax || bytesMax > 0 && bytes / part >= bytesMax / whole
    }

    /// Bytes that wait for a quiet time at most, and the part of a disk's free room that they take.
    private static let waiting = (bytesMax: 8 << 30, part: 8)

    /// Whether so many bytes may wait for a time in which the gateway does little.
    static func mayWait(_ bytes: Int, freeBytes: Int) -> Bool {
        bytes <= min(waiting.bytesMax, freeBytes / waiting.part)
    }

    /// How long to rest after work of such a length.
    static func rest(after work: Interval) -> Interval {
        Interval(nanoseconds: work.nanoseconds * Int64(share - 1))
    }
}
