import Primitives
import Reactor
import Telemetry

/// Gives memory back that is not needed at rest: code and tables that the linker and the readers of
/// arguments and of TOML went over at the start, or calls later, and what the allocator has free.
///
/// The first times by halves of a second after the start, when the threads have their first turns;
/// every two seconds until the first call comes; and where ten seconds have passed without a call,
/// every two seconds, because what keeps the record in order needs parts of it again each time.
/// The first call after that waits up to a millisecond.
final class RestingMemory: TimerHandler {
    private static let firstDelay = Interval.milliseconds(500)
    private static let firstCount = 4
    private static let interval = Interval.seconds(2)
    private static let quietIntervals = 5

    private let records: RecordSource
    private unowned let loop: EventLoop
    private var timer: TimerWheel.Timer?
    private var emitted: Int?
    private var quietCount = 0
    private var firstLeft = firstCount

    init(_ records: RecordSource, on loop: EventLoop) {
        self.records = records
        self.loop = loop
        let timer = loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: .now() + Self.firstDelay)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        firstLeft = max(0, firstLeft - 1)
        let delay = firstLeft > 0 ? Self.firstDelay : Self.interval
        loop.timers.arm(timer, at: loop.now + delay)
        let counts = records.counts()
        defer { emitted = counts.emitted }
        let isQuiet = firstLeft == 0 && emitted == counts.emitted
        quietCount = isQuiet ? quietCount + 1 : 0
        let isFirst = emitted == nil
        let isUnused = counts.emitted == 0
        guard isFirst || isUnused || quietCount >= Self.quietIntervals else { return }
        // It walks a heap that calls in flight use.
        let isIdle = records.metrics.stored.current + counts.dropped >= counts.emitted
        if isFirst || isUnused || isIdle && quietCount == Self.quietIntervals {
            Resources.returnFreeMemory()
        }
        Resources.releaseCode()
    }
}
