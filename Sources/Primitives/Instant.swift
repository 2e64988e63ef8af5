import Glibc

/// A point on the machine's monotonic clock, in nanoseconds.
///
/// libcurl keeps its own timers on the same clock: on another one a timer of ours could fire before
/// libcurl thinks it is due, and nothing would arm it again.
public struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    public let nanoseconds: Int64

    /// The instant of a reading of the clock.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Later than every reading of the clock.
    public static let distantFuture = Instant(nanoseconds: .max)

    /// A reading of the clock: once per turn of an event loop, not once per event.
    public static func now() -> Instant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// This instant, later by an interval.
    public static func + (instant: Instant, interval: Interval) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(interval.nanoseconds)
        return overflow ? .distantFuture : Instant(nanoseconds: sum)
    }

    /// How much later one instant is than another; an interval's end where it is further.
    public static func - (later: Instant, earlier: Instant) -> Interval {
        let (difference, overflow) = later.nanoseconds.subtractingReportingOverflow(
            earlier.nanoseconds)
        guard overflow else { return Interval(nanoseconds: difference) }
        return Interval(nanoseconds: later > earlier ? .max : .min)
    }

    /// Whether an instant comes before another.
    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

/// A length of time in nanoseconds: 64 bits, where the standard library's `Duration` takes 128.
public struct Interval: Comparable, Hashable, Sendable, CustomStringConvertible {
    /// Nanoseconds.
    public let nanoseconds: Int64

    /// An interval of so many nanoseconds.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// No time at all; as a setting it means "off".
    public static let zero = Interval(nanoseconds: 0)

    /// An interval of so many milliseconds.
    public static func milliseconds(_ count: Int64) -> Interval {
        Interval(nanoseconds: count * 1_000_000)
    }

    /// An interval of so many seconds.
    public static func seconds(_ count: Int64) -> Interval {
        Interval(nanoseconds: count * 1_000_000_000)
    }

    /// Whole milliseconds, rounded up so that a timer is never early.
    public var millisecondsRoundedUp: Int64 {
        nanoseconds <= 0 ? 0 : (nanoseconds - 1) / 1_000_000 + 1
    }

    /// Seconds, with a fraction.
    public var seconds: Double {
        Double(nanoseconds) / 1e9
    }

    /// Whether an interval is shorter than another.
    public static func < (left: Interval, right: Interval) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// As the configuration spells it: the largest unit that says it exactly.
    public var description: String {
        guard nanoseconds != 0 else { return "0" }
        let units: [(Int64, String)] = [
            (86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "m"),
            (1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"),
        ]
        for (size, unit) in units where nanoseconds % size == 0 {
            return "\(nanoseconds / size)\(unit)"
        }
        return "\(nanoseconds)ns"
    }
}
