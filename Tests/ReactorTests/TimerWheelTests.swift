import Primitives
import Testing

@testable import Reactor

@Suite("Timer wheel")
struct TimerWheelTests {
    private final class Recorder: TimerHandler {
        var fired: [Int32: Instant] = [:]
        var order: [Int32] = []
        var now = Instant(nanoseconds: 0)
        var onFire: ((TimerWheel.Timer) -> Void)?

        func timerFired(_ timer: TimerWheel.Timer) {
            fired[timer.index] = now
            order.append(timer.index)
            onFire?(timer)
        }
    }

    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static func run(_ wheel: TimerWheel, _ recorder: Recorder, to end: Instant) {
        while let due = wheel.nextDue, due <= end {
            recorder.now = due
            wheel.fire(until: due)
        }
        recorder.now = end
        wheel.fire(until: end)
    }

    @Test("fires each timer once, never early and at most a tick late")
    func accuracy() {
        let wheel = TimerWheel(now: Self.start)
        let recorder = Recorder()
        var random = RandomSource(seed: 3)
        var expected: [Int32: Instant] = [:]
        for _ in 0..<2000 {
            // From a millisecond to a day, evenly over the orders of magnitude.
            let exponent = Double.random(in: 0...7.9, using: &random)
            let delay = Interval(nanoseconds: Int64(pow10(exponent) * 1e6))
            let timer = wheel.create(recorder)
            wheel.arm(timer, at: Self.start + delay)
            expected[timer.index] = Self.start + delay
        }
        #expect(wheel.armedCount == 2000)
        Self.run(wheel, recorder, to: Self.start + .seconds(100_000))
        #expect(wheel.armedCount == 0)
        #expect(wheel.nextDue == nil)
        #expect(recorder.fired.count == 2000)
        for (index, instant) in expected {
            let fired = recorder.fired[index] ?? .distantFuture
            #expect(fired >= instant)
            #expect(fired - instant <= .milliseconds(1))
        }
    }

    private func pow10(_ exponent: Double) -> Double {
        var value = 1.0
        for _ in 0..<Int(exponent) { value *= 10 }
        return value * (1 + 9 * (exponent - exponent.rounded(.down)))
    }

    @Test("moves and disarms timers, also from within a handler")
    func changes() {
        let wheel = TimerWheel(now: Self.start)
        let recorder = Recorder()
        let timers = (0..<4).map { _ in wheel.create(recorder) }
        for timer in timers { wheel.arm(timer, at: Self.start + .milliseconds(10)) }
        wheel.arm(timers[0], at: Self.start + .milliseconds(30))
        wheel.disarm(timers[1])
        #expect(!wheel.isArmed(timers[1]))
        recorder.onFire = { timer in
            // The other of the two that are due in the same batch goes away before its turn.
            let other = timer == timers[2] ? timers[3] : timers[2]
            if timer != timers[0] { wheel.disarm(other) }
        }
        Self.run(wheel, recorder, to: Self.start + .milliseconds(20))
        #expect(recorder.order.count == 1)
        Self.run(wheel, recorder, to: Self.start + .milliseconds(40))
        #expect(recorder.fired[timers[0].index] != nil)
        #expect(recorder.fired[timers[1].index] == nil)
    }

    @Test("lets a handler arm its own timer anew")
    func rearming() {
        let wheel = TimerWheel(now: Self.start)
        let recorder = Recorder()
        let timer = wheel.create(recorder)
        recorder.onFire = { _ in
            if recorder.order.count < 10 { wheel.arm(timer, at: recorder.now + .milliseconds(7)) }
        }
        wheel.arm(timer, at: Self.start + .milliseconds(7))
        Self.run(wheel, recorder, to: Self.start + .seconds(1))
        #expect(recorder.order.count == 10)
    }

    @Test("fires what is overdue at the next turn, and reuses names")
    func overdueAndReuse() {
        let wheel = TimerWheel(now: Self.start)
        let recorder = Recorder()
        let first = wheel.create(recorder)
        wheel.arm(first, at: Instant(nanoseconds: 0))
        Self.run(wheel, recorder, to: Self.start + .milliseconds(1))
        #expect(recorder.order == [first.index])
        wheel.destroy(first)
        let second = wheel.create(recorder)
        #expect(second.index == first.index)
        #expect(!wheel.isArmed(second))
        wheel.arm(second, at: .distantFuture)
        #expect(wheel.isArmed(second))
    }

    @Test("agrees with a plain list over random changes")
    func model() {
        let wheel = TimerWheel(now: Self.start)
        let recorder = Recorder()
        var random = RandomSource(seed: 11)
        var armed: [Int32: Instant] = [:]
        let timers = (0..<50).map { _ in wheel.create(recorder) }
        var now = Self.start
        for _ in 0..<5000 {
            let timer = timers[Int.random(in: 0..<50, using: &random)]
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let delay = Interval.milliseconds(Int64.random(in: 0...100_000, using: &random))
                wheel.arm(timer, at: now + delay)
                armed[timer.index] = now + delay
            case 1:
                wheel.disarm(timer)
                armed[timer.index] = nil
            default:
                now = now + .milliseconds(Int64.random(in: 1...5000, using: &random))
                recorder.order = []
                Self.run(wheel, recorder, to: now)
                // A tick of grace: a timer armed for this very millisecond goes off in the next.
                let due = armed.filter { $0.value + .milliseconds(1) <= now }.keys
                for index in due { #expect(recorder.order.contains(index)) }
                for index in recorder.order {
                    #expect(armed[index].map { $0 <= now } == true)
                    armed[index] = nil
                }
            }
            #expect(wheel.armedCount == armed.count)
        }
    }
}
