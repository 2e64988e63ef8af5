import Primitives
import Reactor

/// Calls at a rate, whether or not earlier ones have ended; each is measured from when it was due.
final class OpenLoop: TimerHandler {
    /// The loop's timers count milliseconds: a call that begins this late was due just now.
    private static let tick = Interval.milliseconds(1)
    private static let patience = Interval.seconds(30)

    private let bench: Bench
    private let scenario: BenchPlan.Scenario
    private let expectation: HeardAnswer?
    private let position: Int
    private let period: Double
    private let start = Instant.now() + .milliseconds(5)
    private var timer: TimerWheel.Timer?
    private var launched = 0
    private var running = 0
    private var isLaunching = true
    private var order: [Int] = []
    private var begun: [Int]
    private var rounds: [Int: [Int: Call.Outcome]] = [:]
    private let requests: [CallRequest]

    init(
        _ bench: Bench, _ scenario: BenchPlan.Scenario, _ expectation: HeardAnswer?, rate: Int,
        position: Int
    ) {
        self.bench = bench
        self.scenario = scenario
        self.expectation = expectation
        self.position = position
        period = 1e9 / Double(rate)
        begun = bench.plan.targets.map { _ in 0 }
        requests = bench.plan.targets.map {
            CallRequest(bench.plan, $0, streams: scenario.streams, script: scenario.script)
        }
    }

    func run(_ result: inout BenchReport.ScenarioResult) {
        let costs = GatewayCosts(bench.plan)
        let timer = bench.loop.timers.create(self)
        self.timer = timer
        bench.loop.timers.arm(timer, at: start)
        bench.runLoop()
        bench.loop.timers.destroy(timer)
        for (_, outcomes) in rounds.sorted(by: { $0.key < $1.key }) {
            guard outcomes.count == bench.plan.targets.count else { continue }
            result.rounds += 1
            let slices = bench.plan.targets.indices.map { target in
                var slice = ClosedLoop.Slice()
                if let outcome = outcomes[target] { slice.outcomes = [outcome] }
                return slice
            }
            result.add(slices)
        }
        let seconds = (Instant.now() - start).seconds
        for target in bench.plan.targets.indices { result.measurements[target].seconds = seconds }
        bench.settle()
        costs.share(out: &result, begun: begun)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        let now = Instant.now()
        while isLaunching {
            let due = start + Interval(nanoseconds: Int64(Double(launched) * period))
            guard due <= now else { break }
            guard due - start < bench.plan.duration, bench.callsLeft > 0 else {
                isLaunching = false
                break
            }
            launch(due, now)
        }
        let share = (now - start).seconds / bench.plan.duration.seconds
        bench.report(scenario, position: position, share: share)
        let isOver = !isLaunching && running == 0
        if isOver || now > start + bench.plan.duration + Self.patience {
            return bench.loop.stop()
        }
        bench.loop.timers.arm(timer, at: now + Self.tick)
    }

    private func launch(_ due: Instant, _ now: Instant) {
        let count = bench.plan.targets.count
        if launched % count == 0 { order = Array(0..<count).shuffled(using: &bench.random) }
        let target = order[launched % count]
        let number = launched / count
        launched += 1
        running += 1
        begun[target] += 1
        bench.countCall()
        // Within a tick it is the timer's own grain; beyond it this process stalled.
        let began = now - due > Self.tick ? due : now
        let call = Call(expectation, streams: scenario.streams, began: began) { [self] call in
            running -= 1
            rounds[number, default: [:]][target] = call.outcome
        }
        call.start(bench.lanes, bench.endpoints[target], requests[target])
    }
}
