import Primitives
import Reactor

// DESIGN
//
// A round asks every target once, in a new random order. One call at a time, a target's turn is one
// call. Several at a time, it is a slice: so many calls in flight until enough were begun, a new
// one whenever one ends. A slice is long enough for a queue to fill and for work that a gateway
// puts off to catch up with it; its first quarter is for that and counts for nothing. Shorter
// slices would measure bursts on an idle machine, and flatter a gateway that works later.

/// Calls of which each follows on another's end, by turns to every target.
struct ClosedLoop {
    /// The result of one target's turn.
    struct Slice {
        /// The outcomes of the calls that count, in the order in which they began.
        var outcomes: [Call.Outcome] = []
        /// The time that these calls took.
        var seconds = 0.0
        /// CPU time of the target's process in that time.
        var cpuNanoseconds: Int64?
    }

    /// How long a slice of several calls at once takes about.
    static let sliceDuration = Interval.milliseconds(400)
    /// Calls of a slice for each that is in flight at once, at least.
    private static let turnsMin = 4
    private static let turnsMax = 4096
    private static let latenessMax = Interval.milliseconds(20)
    /// The share of a round that the host may take without spoiling it.
    private static let stolenShareMax = 0.02

    let bench: Bench
    let scenario: BenchPlan.Scenario
    let expectation: HeardAnswer?
    let position: Int

    /// Measures for the plan's duration, or until no more calls may be made.
    func run(_ result: inout BenchReport.ScenarioResult) {
        let plan = bench.plan
        var sizes = plan.targets.map { _ in scenario.connections == 1 ? 1 : minimum }
        let costs = GatewayCosts(plan)
        var begun = plan.targets.map { _ in 0 }
        var order = Array(plan.targets.indices)
        let start = Instant.now()
        while Instant.now() - start < plan.duration {
            let left = bench.callsLeft
            if sizes.reduce(0, +) > left { sizes = sizes.map { min($0, minimum) } }
            guard sizes.reduce(0, +) <= left else { break }
            order.shuffle(using: &bench.random)
            let (round, isDisturbed) = round(order, sizes)
            for target in order { begun[target] += sizes[target] }
            if isDisturbed {
                result.discardedRounds += 1
            } else {
                result.rounds += 1
                result.add(round)
            }
            if scenario.connections > 1 { sizes = zip(sizes, round).map(grown) }
            bench.report(
                scenario, position: position,
                share: (Instant.now() - start).seconds / plan.duration.seconds)
        }
        bench.settle()
        costs.share(out: &result, begun: begun)
    }

    /// The shortest slice.
    private var minimum: Int {
        scenario.connections == 1 ? 1 : scenario.connections * Self.turnsMin
    }

    /// How many calls make a slice as long as it should be, by the last one's pace.
    private func grown(_ size: Int, _ slice: Slice) -> Int {
        guard slice.seconds > 0, !slice.outcomes.isEmpty else { return size }
        let pace = Double(slice.outcomes.count) / slice.seconds
        let wanted = Int(pace * Self.sliceDuration.seconds)
        return min(max(wanted, minimum), scenario.connections * Self.turnsMax)
    }

    private func round(_ order: [Int], _ sizes: [Int]) -> (slices: [Slice], isDisturbed: Bool) {
        let start = Instant.now()
        let stolen = ProcessMeter.stolenSeconds
        bench.watch?.reset()
        var round = order.map { _ in Slice() }
        for target in order { round[target] = slice(target, sizes[target]) }
        let late = bench.watch.map { $0.latest > Self.latenessMax } ?? false
        let taken = ProcessMeter.stolenSeconds - stolen
        return (round, late || taken > Self.stolenShareMax * (Instant.now() - start).seconds)
    }

    /// Makes so many calls to a target and waits for all of them.
    func slice(_ target: Int, _ count: Int) -> Slice {
        let plan = bench.plan
        let request = CallRequest(
            plan, plan.targets[target], streams: scenario.streams, script: scenario.script)
        let meter = plan.targets[target].process.map { ProcessMeter(process: $0) }
        let before = meter?.cpuNanoseconds
        let start = Instant.now()
        var outcomes = Array(repeating: Call.Outcome(), count: count)
        var begun = 0
        var running = 0
        func begin() {
            let index = begun
            begun += 1
            running += 1
            bench.countCall()
            let call = Call(expectation, streams: scenario.streams, began: .now()) { call in
                outcomes[index] = call.outcome
                running -= 1
                if begun < count { return begin() }
                if running == 0 { bench.loop.stop() }
            }
            call.start(bench.lanes, bench.endpoints[target], request)
        }
        while begun < min(scenario.connections, count) { begin() }
        bench.runLoop()
        withExtendedLifetime(request) {}
        // All of a shortest slice counts, because it has no calls to spare.
        let skipped = count > minimum ? count / 4 : 0
        let share = Double(count - skipped) / Double(count)
        var slice = Slice(outcomes: Array(outcomes.dropFirst(skipped)))
        slice.seconds = (Instant.now() - start).seconds * share
        if let before, let after = meter?.cpuNanoseconds {
            slice.cpuNanoseconds = Int64(Double(after - before) * share)
        }
        return slice
    }
}

/// CPU time of the processes in between: all of a scenario's, for a gateway does some of its work
/// when the call is over, in another target's turn.
///
/// Not the vendor's: the vendor works for all of them and is metered in its own turns.
struct GatewayCosts {
    private let meters: [ProcessMeter?]
    private let before: [Int64?]

    init(_ plan: BenchPlan) {
        meters = plan.targets.enumerated().map { index, target in
            index == 0 ? nil : target.process.map { ProcessMeter(process: $0) }
        }
        before = meters.map { $0?.cpuNanoseconds }
    }

    /// Gives every gateway's measurements their share of its cost for all the calls begun.
    func share(out result: inout BenchReport.ScenarioResult, begun: [Int]) {
        for (target, first) in before.enumerated() {
            guard let first, let last = meters[target]?.cpuNanoseconds, begun[target] > 0
            else { continue }
            let counted = result.measurements[target].samples
            result.measurements[target].cpuNanoseconds = Int64(
                Double(last - first) * Double(counted) / Double(begun[target]))
        }
    }
}
