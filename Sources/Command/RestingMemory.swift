import Primitives
import Reactor
import Telemetry

/// Gives memory back that is not needed at rest: code and tables that the linker and the readers of
/// arguments and of TOML went over at the start, or calls later, and what the allocator has free.
///
/// The first time half a second after the start, when each thread has had its first turn, and then
/// wherever ten seconds have passed without a call. The first call after that waits up to a
/// millisecond for what it needs again.
final class RestingMemory: TimerHandler {
    private static let firstDelay = Interval.milliseconds(500)
    private static let interval = Interval.seconds(10)

    private let records: RecordSource
    private unowned let loop: EventLoop
    private var timer: TimerWheel.Timer?
    private var emitted: Int?

    init(_ records: RecordSource, on loop: EventLoop) {
        self.records = records
        self.loop = loop
        let timer = loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: .now() + Self.firstDelay)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        loop.timers.arm(timer, at: loop.now + Self.interval)
        let now = records.counts().emitted
        defer { emitted = now }
        guard emitted == nil || emitted == now else { return }
        // Once: later it walks a heap that calls in flight use.
        if emitted == nil { Resources.returnFreeMemory() }
        Resources.releaseCode()
    }
}
