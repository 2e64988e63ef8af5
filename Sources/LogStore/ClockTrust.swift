import Primitives
import Reactor

/// Whether the clock is to be believed that says how old records are: one that is far ahead, as
/// some boards' are until they have asked another, would have all of them removed.
///
/// A clock is believed as long as it is less than a day ahead of the latest time that was believed,
/// which outlives the process. The newest record says nothing: a clock that was wrong before has
/// written it.
struct ClockTrust {
    /// What outlives the process, in microseconds.
    struct Memory: Equatable {
        /// The latest time that was believed, since 1970; 0 where none was.
        var believed = 0
        /// The latest time that was not, and for how long clocks ran that went on from it.
        var doubted = 0
        var doubtedFor = 0
    }

    /// How far it may be ahead, and how long it is doubted at most, because some machines have no
    /// other clock to ask.
    private static let doubt = 24 * 3600 * 1_000_000
    /// How long a clock runs that is behind what was believed, before that is taken back.
    private static let takingBack = 3600 * 1_000_000

    private(set) var memory: Memory
    private var lookedAt: Instant
    private var behindFor = 0

    init(_ memory: Memory, now: Instant) {
        self.memory = memory
        lookedAt = now
    }

    /// Looks at the clock; whether it is believed.
    mutating func look(
        wallMicroseconds wall: Int, now: Instant, isSynchronized: () -> Bool
    ) -> Bool {
        let elapsed = Int((now - lookedAt).nanoseconds / 1000)
        lookedAt = now
        let isNear = memory.believed == 0 || wall - memory.believed < Self.doubt
        if isNear || isSynchronized() {
            believe(wall, elapsed)
            return true
        }
        // A clock that is wrong in another way is doubted anew.
        let goesOn = abs(wall - memory.doubted) < Self.doubt
        memory.doubtedFor = goesOn ? memory.doubtedFor + elapsed : 0
        memory.doubted = wall
        guard memory.doubtedFor > Self.doubt else { return false }
        believe(wall, elapsed)
        return true
    }

    private mutating func believe(_ wall: Int, _ elapsed: Int) {
        memory.doubted = 0
        memory.doubtedFor = 0
        behindFor = wall < memory.believed - Self.doubt ? behindFor + elapsed : 0
        // A board that begins in 1970 each time would else be ahead of that a moment later.
        if wall > memory.believed || behindFor > Self.takingBack { memory.believed = wall }
    }

    /// Whether the kernel says that it keeps to another's clock.
    static func isSynchronized() -> Bool { WallClock.isSynchronized }
}
