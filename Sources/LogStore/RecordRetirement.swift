import Logging
import Primitives
import Telemetry

/// Takes out the records that are too old, a few between two rounds, once the clock that says so is
/// believed.
struct RecordRetirement {
    private let settings: Consumer.Settings
    // The first round looks at once: a gateway that never lives for long removes what is too old.
    private var retiredAt: Instant?
    /// Whether more old records wait to be taken out.
    private(set) var isGoingOn = false
    /// Whether the write-ahead log may still hold records that were removed.
    private var isWipeDue = false
    private var clock: ClockTrust?
    private var isClockRemembered = false

    init(_ settings: Consumer.Settings) {
        self.settings = settings
    }

    /// Looks at the clock, before any record is stored by it.
    mutating func begin() {
        if settings.retain > .zero { doubtClock() }
    }

    /// Removes a few of the records that are too old.
    ///
    /// Each call removes so few that no round waits for it. On a full disk this makes room.
    mutating func retire(_ now: Instant) {
        let isDue = retiredAt.map { now - $0 > settings.retireEvery } ?? true
        guard settings.retain > .zero, isGoingOn || isDue else { return }
        retiredAt = now
        let seconds = Int(settings.retain.seconds)
        let wallMicroseconds = Int(Identifier.wallClockMilliseconds()) * 1000
        let before = wallMicroseconds - seconds * 1_000_000
        do {
            guard isClockBelieved(wallMicroseconds, now) else { return }
            if !isClockRemembered {
                try settings.store.remember(newestBelieved: nil)
                isClockRemembered = true
            }
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

    /// Asks the store how new the newest record is, before it stores any by the clock of now.
    private mutating func doubtClock() {
        do {
            let newest = try settings.store.newestBelieved()
            clock = ClockTrust(newestMicroseconds: newest, now: .now())
            let isBelieved = isClockBelieved(Int(Identifier.wallClockMilliseconds()) * 1000, .now())
            guard !isBelieved else { return }
            // Remembered: the next start finds records of this one's clock.
            try settings.store.remember(newestBelieved: newest)
            settings.logger.warning(
                """
                the clock is far ahead of the newest record: nothing is removed for its age until \
                the clock is synchronized, or a day has passed
                """)
        } catch {
            settings.logger.warning(
                "the newest record cannot be asked for, nothing is removed for its age",
                metadata: ["error": "\(error)"])
        }
    }

    private mutating func isClockBelieved(_ wallMicroseconds: Int, _ now: Instant) -> Bool {
        clock?.isBelieved(
            wallMicroseconds: wallMicroseconds, now: now,
            isSynchronized: settings.isClockSynchronized) ?? false
    }
}
