import Logging
import Primitives
import Telemetry

/// Takes out the records that are too old, a few between two rounds, while the clock that says so
/// is believed.
struct RecordRetirement {
    private static let savedEvery = Interval.seconds(3600)

    private let settings: Consumer.Settings
    // The first round looks at once: a gateway that never lives for long removes what is too old.
    private var retiredAt: Instant?
    /// Whether more old records wait to be taken out.
    private(set) var isGoingOn = false
    /// Whether the write-ahead log may still hold records that were removed.
    private var isWipeDue = false
    private var clock: ClockTrust?
    private var isBelieved = true
    private var savedAt: Instant?

    init(_ settings: Consumer.Settings) {
        self.settings = settings
    }

    /// Looks at the clock, before any record is stored by it.
    mutating func begin() {
        do {
            let wall = Int(Identifier.wallClockMilliseconds()) * 1000
            clock = ClockTrust(try settings.store.clock(wallMicroseconds: wall), now: .now())
            lookAtClock(wall, .now())
        } catch {
            settings.logger.warning(
                "the time that was believed last cannot be read, nothing is removed for its age",
                metadata: ["error": "\(error)"])
        }
    }

    /// Removes a few of the records that are too old.
    ///
    /// Each call removes so few that no round waits for it. On a full disk this makes room.
    mutating func retire(_ now: Instant) {
        let isDue = retiredAt.map { now - $0 > settings.retireEvery } ?? true
        guard isGoingOn || isDue else { return }
        retiredAt = now
        let seconds = Int(settings.retain.seconds)
        let wallMicroseconds = Int(Identifier.wallClockMilliseconds()) * 1000
        let before = wallMicroseconds - seconds * 1_000_000
        lookAtClock(wallMicroseconds, now)
        guard settings.retain > .zero, clock != nil, isBelieved else {
            isGoingOn = false
            return
        }
        do {
            let count = try settings.store.retire(before: before)
            settings.metrics.retired.add(count)
            isGoingOn = count >= Store.retiredAtOnce
            if !isGoingOn { _ = try settings.store.retireSegments(before: before) }
            isWipeDue = isWipeDue || count > 0
            if isWipeDue, !isGoingOn {
                try settings.store.wipeRetired()
                isWipeDue = false
            }
        } catch {
            isGoingOn = false
            settings.logger.warning(
                "old records cannot be taken out", metadata: ["error": "\(error)"])
        }
    }

    /// Asks whether the clock is believed, says where it is not, and has the next start know it.
    private mutating func lookAtClock(_ wallMicroseconds: Int, _ now: Instant) {
        let before = isBelieved
        isBelieved =
            clock?.look(
                wallMicroseconds: wallMicroseconds, now: now,
                isSynchronized: settings.isClockSynchronized) ?? false
        if before, !isBelieved, clock != nil, settings.retain > .zero {
            settings.logger.warning(
                """
                the clock is far ahead of the time that was believed last: nothing is removed for \
                its age until the clock is synchronized, or has run so for a day
                """)
        }
        let isSaveDue = savedAt.map { now - $0 > Self.savedEvery } ?? true
        guard let clock, isSaveDue || before != isBelieved else { return }
        savedAt = now
        do {
            try settings.store.remember(clock.memory)
        } catch {
            // Until the next hour: the next start doubts sooner then, and removes nothing more.
            settings.logger.warning(
                "the time that is believed cannot be written down", metadata: ["error": "\(error)"])
        }
    }
}
