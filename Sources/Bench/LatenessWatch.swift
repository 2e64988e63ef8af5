import Primitives
import Reactor

/// Notices when this process was kept from running: a timer that should go off every few
/// milliseconds shows by how much it came late.
final class LatenessWatch: TimerHandler {
    private static let period = Interval.milliseconds(5)

    private let loop: EventLoop
    private var timer: TimerWheel.Timer?
    private var due: Instant
    /// The worst since the last reset.
    private(set) var latest = Interval.zero

    init(_ loop: EventLoop) {
        self.loop = loop
        due = Instant.now() + Self.period
        let timer = loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: due)
    }

    func reset() {
        latest = .zero
        // Between two slices the loop rests on purpose, which does not count as lateness.
        due = Instant.now() + Self.period
        if let timer { loop.timers.arm(timer, at: due) }
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        latest = max(latest, Instant.now() - due)
        due = Instant.now() + Self.period
        loop.timers.arm(timer, at: due)
    }

    func stop() {
        if let timer { loop.timers.destroy(timer) }
        timer = nil
    }
}

/// Stops the loop after a time.
final class Pause: TimerHandler {
    private let loop: EventLoop
    private var timer: TimerWheel.Timer?

    init(_ loop: EventLoop, _ time: Interval) {
        self.loop = loop
        let timer = loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: Instant.now() + time)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        loop.stop()
    }

    func end() {
        if let timer { loop.timers.destroy(timer) }
        timer = nil
    }
}
