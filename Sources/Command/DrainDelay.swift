import Primitives
import Reactor

/// The time between the moment at which `/readyz` turns and the drain, for load balancers that
/// look at it only now and then.
final class DrainDelay: TimerHandler {
    private let passed: () -> Void

    /// Calls once a time has passed on a loop.
    init(_ delay: Interval, on loop: EventLoop, _ passed: @escaping () -> Void) {
        self.passed = passed
        loop.timers.arm(loop.timers.create(self), at: loop.now + delay)
    }

    func timerFired(_ timer: TimerWheel.Timer) { passed() }
}
