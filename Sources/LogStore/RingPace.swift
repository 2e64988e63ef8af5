import Primitives

/// Whether so much goes through a ring that its pages stay mapped: to map a page and to give it up
/// takes the kernel about as long as the write of what is in it.
struct RingPace {
    private static let window = Interval.seconds(1)
    /// Bytes of a window that are much: a ring of the usual size comes around in four of them.
    static let fastBytes: UInt64 = 16 << 20
    /// How long the pages stay after the last such window: what comes in bursts needs them again.
    static let calmTime = Interval.seconds(10)

    /// Whether the pages are to stay mapped.
    private(set) var isFast = false
    private var windowEnd = Instant(nanoseconds: 0)
    private var windowBytes: UInt64 = 0
    private var fastUntil = Instant(nanoseconds: 0)

    /// Counts bytes of which the room is given back; whether the pages must not stay any more.
    mutating func hasSlowedDown(after bytes: UInt64, now: Instant) -> Bool {
        if now >= windowEnd {
            windowBytes = 0
            windowEnd = now + Self.window
        }
        windowBytes += bytes
        if windowBytes >= Self.fastBytes {
            isFast = true
            fastUntil = now + Self.calmTime
        }
        guard isFast, now >= fastUntil else { return false }
        isFast = false
        return true
    }
}
