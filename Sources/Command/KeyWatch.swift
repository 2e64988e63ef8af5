import Primitives
import Reactor

/// Calls for changes of keys at intervals, on the control loop.
final class KeyWatch: TimerHandler {
    private let loop: EventLoop
    private let interval: () -> Interval
    private let look: () -> Void
    private var timer: TimerWheel.Timer?

    init(
        loop: EventLoop, interval: @escaping () -> Interval, _ look: @escaping () -> Void
    ) {
        self.loop = loop
        self.interval = interval
        self.look = look
        let timer = loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: loop.now + interval())
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        look()
        loop.timers.arm(timer, at: loop.now + interval())
    }
}
