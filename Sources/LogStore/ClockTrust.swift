import Primitives
import Reactor

/// Whether the clock is to be believed that says how old records are: one that starts far ahead,
/// as some boards do until they have asked another, would have all of them removed.
struct ClockTrust {
    /// How far it may be ahead of the newest record, and how long it is doubted at most, because
    /// some machines have no other clock to ask.
    private static let doubt = Interval.seconds(24 * 3600)

    private let newestMicroseconds: Int
    private let doubtedSince: Instant
    private var isBelieved = false

    /// `newestMicroseconds`: when the newest record was accepted; 0 without any.
    init(newestMicroseconds: Int, now: Instant) {
        self.newestMicroseconds = newestMicroseconds
        doubtedSince = now
    }

    /// Asks; once believed it stays so.
    mutating func isBelieved(
        wallMicroseconds: Int, now: Instant, isSynchronized: () -> Bool
    ) -> Bool {
        if isBelieved { return true }
        let ahead = wallMicroseconds - newestMicroseconds
        isBelieved =
            newestMicroseconds == 0 || ahead < Int(Self.doubt.nanoseconds / 1000)
            || now - doubtedSince > Self.doubt || isSynchronized()
        return isBelieved
    }

    /// Whether the kernel says that it keeps to another's clock.
    static func isSynchronized() -> Bool { WallClock.isSynchronized }
}
