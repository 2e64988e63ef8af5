import Glibc
import Primitives
public import Reactor
import Transfers

// DESIGN
//
// Calls go out in slices: so many at once to one target, all awaited before the next target is
// asked, the targets in a new random order each round. What disturbs the machine disturbs all of
// them alike, and a call is compared with the direct one of the same round and place. A round in
// which the machine's host took time away, or this process itself was kept from running, is thrown
// away and counted. In an open loop calls begin when they are due, whether earlier ones have ended
// or not, and are measured from then: a target that stalls is charged for those that had to wait.

/// Runs a plan.
public final class Bench: TurnHandler {
    /// How far a run is.
    public struct Progress: Sendable {
        /// The scenario's name.
        public var scenario: String
        /// Of all there is to do, from 0 to 1.
        public var share: Double
        /// Calls made so far.
        public var calls: Int
        /// Since the beginning.
        public var seconds: Double
    }

    /// Why a run cannot be made.
    public struct Failure: Error, CustomStringConvertible {
        /// The reason in words.
        public let description: String
    }

    /// Calls that one place makes one after the other within a slice of several places.
    private static let callsPerPlace = 4
    private static let latenessMax = Interval.milliseconds(20)

    let plan: BenchPlan
    let loop: EventLoop
    let lanes: Lanes
    let endpoints: [Endpoint]
    private let progress: (Progress) -> Void
    private let began = Instant.now()
    var random = RandomSource()
    private(set) var calls = 0
    private var watch: LatenessWatch?

    /// Runs a plan on the calling thread.
    public static func run(
        _ plan: BenchPlan, progress: @escaping (Progress) -> Void
    ) throws -> BenchReport {
        let bench = try Bench(plan, progress)
        defer { bench.lanes.close(endpoints: bench.endpoints) }
        return try bench.run()
    }

    private init(_ plan: BenchPlan, _ progress: @escaping (Progress) -> Void) throws {
        self.plan = plan
        self.progress = progress
        loop = try EventLoop()
        let origins = plan.targets.map(\.origin)
        let indices = Endpoint.poolIndices(of: origins)
        let addresses = AddressBook(hosts: Set(origins.filter(\.needsResolution).map(\.host)))
        try addresses.start()
        endpoints = try zip(plan.targets, indices).map { target, index in
            guard
                let endpoint = Endpoint(
                    name: target.name, origin: target.origin, index: index, trust: plan.trust,
                    addresses: addresses.entry(for: target.origin.host))
            else { throw Failure(description: "libcurl cannot parse \(target.origin)") }
            return endpoint
        }
        lanes = Lanes(loop: loop, endpointCount: endpoints.count)
        loop.turnHandler = self
        watch = LatenessWatch(loop)
    }

    /// Whether libcurl has something to do before anything is waited for.
    public var hasPendingWork: Bool { lanes.hasDueLanes }

    /// Lets libcurl do it.
    public func turnEnded() { lanes.runDueLanes() }

    // MARK: The run

    private func run() throws -> BenchReport {
        var report = BenchReport(plan, machine: ProcessMeter.machine)
        defer { watch?.stop() }
        for (index, scenario) in plan.scenarios.enumerated() {
            let expectation = try listen(scenario)
            var result = BenchReport.ScenarioResult(scenario, targetCount: plan.targets.count)
            for target in plan.targets.indices { warmUp(target, scenario, expectation) }
            if let rate = scenario.rate {
                OpenLoop(self, scenario, expectation, rate: rate, position: index).run(&result)
            } else {
                closedLoop(scenario, expectation, position: index, &result)
            }
            report.scenarios.append(result)
            guard calls < plan.callsMax else {
                report.isCutShort = true
                break
            }
        }
        if plan.isScripted {
            try checkHonesty(&report)
            try checkBuffering(&report)
        }
        if plan.idleStreams > 0 { measureMemory(&report) }
        report.calls = calls
        report.seconds = (Instant.now() - began).seconds
        return report
    }

    func tell(_ scenario: BenchPlan.Scenario, position: Int, share: Double) {
        let done = (Double(position) + min(1, share)) / Double(plan.scenarios.count)
        progress(
            Progress(
                scenario: scenario.name, share: done, calls: calls,
                seconds: (Instant.now() - began).seconds))
    }

    /// The vendor's own answer, heard directly, where every answer is to be the same.
    private func listen(_ scenario: BenchPlan.Scenario) throws -> HeardAnswer? {
        let outcome = one(0, scenario, expectation: nil)
        if let fault = outcome.fault {
            throw Failure(
                description: "\(plan.targets[0].name) does not answer a direct call: \(fault)")
        }
        return plan.isScripted ? outcome.heard : nil
    }

    private func warmUp(
        _ target: Int, _ scenario: BenchPlan.Scenario, _ expectation: HeardAnswer?
    ) {
        guard plan.isScripted else { return }
        var warm = Measurements()
        slice(target, scenario, expectation, callsPerPlace: 2) { _, outcome in warm.add(outcome) }
    }

    /// One call, awaited.
    private func one(
        _ target: Int, _ scenario: BenchPlan.Scenario, expectation: HeardAnswer?,
        breaks: Bool = false
    ) -> (fault: Fault?, heard: HeardAnswer?, outcome: Call.Outcome) {
        let request = CallRequest(
            plan, plan.targets[target], streams: scenario.streams, script: scenario.script)
        var ended: Call?
        let call = Call(
            expectation, streams: scenario.streams, breaks: breaks, began: .now()
        ) { call in
            ended = call
            self.loop.stop()
        }
        calls += 1
        call.start(lanes, endpoints[target], request)
        runLoop()
        return withExtendedLifetime(request) {
            (ended?.outcome.fault, ended?.heard, ended?.outcome ?? Call.Outcome())
        }
    }

    /// Whether the plan's bound of calls has not been reached.
    var hasCallsLeft: Bool { calls < plan.callsMax }

    func noteCall() { calls += 1 }

    func runLoop() {
        loop.run()
        loop.resume()
    }

    // MARK: Closed loop

    private func closedLoop(
        _ scenario: BenchPlan.Scenario, _ expectation: HeardAnswer?, position: Int,
        _ result: inout BenchReport.ScenarioResult
    ) {
        let start = Instant.now()
        let perPlace = scenario.connections == 1 ? 1 : Self.callsPerPlace
        var order = Array(plan.targets.indices)
        while Instant.now() - start < plan.duration {
            let wanted = scenario.connections * perPlace * plan.targets.count
            guard calls + wanted <= plan.callsMax else { break }
            order.shuffle(using: &random)
            let stolen = ProcessMeter.stolenTicks
            watch?.reset()
            var round = order.map { _ in SliceResult() }
            for target in order {
                round[target] = measured(target, scenario, expectation, perPlace)
            }
            let isDisturbed =
                ProcessMeter.stolenTicks > stolen
                || watch.map { $0.latest > Self.latenessMax } ?? false
            if isDisturbed {
                result.discardedRounds += 1
            } else {
                result.rounds += 1
                result.add(round)
            }
            tell(
                scenario, position: position,
                share: (Instant.now() - start).seconds / plan.duration.seconds)
        }
    }

    /// What one slice of calls came to.
    struct SliceResult {
        /// By place and turn: the same in every slice of a round.
        var outcomes: [Call.Outcome] = []
        var seconds = 0.0
        var cpuNanoseconds: Int64?
    }

    private func measured(
        _ target: Int, _ scenario: BenchPlan.Scenario, _ expectation: HeardAnswer?,
        _ perPlace: Int
    ) -> SliceResult {
        var result = SliceResult()
        result.outcomes = Array(
            repeating: Call.Outcome(), count: scenario.connections * perPlace)
        let meter = plan.targets[target].process.map { ProcessMeter(process: $0) }
        let before = meter?.cpuNanoseconds
        let start = Instant.now()
        slice(target, scenario, expectation, callsPerPlace: perPlace) { index, outcome in
            result.outcomes[index] = outcome
        }
        result.seconds = (Instant.now() - start).seconds
        if let before, let after = meter?.cpuNanoseconds { result.cpuNanoseconds = after - before }
        return result
    }

    /// Makes a slice's calls and waits for all of them.
    private func slice(
        _ target: Int, _ scenario: BenchPlan.Scenario, _ expectation: HeardAnswer?,
        callsPerPlace: Int, _ take: (Int, Call.Outcome) -> Void
    ) {
        let request = CallRequest(
            plan, plan.targets[target], streams: scenario.streams, script: scenario.script)
        var running = scenario.connections
        var outcomes: [(Int, Call.Outcome)] = []
        func begin(place: Int, turn: Int) {
            guard turn < callsPerPlace else {
                running -= 1
                if running == 0 { loop.stop() }
                return
            }
            calls += 1
            let call = Call(expectation, streams: scenario.streams, began: .now()) { call in
                outcomes.append((place * callsPerPlace + turn, call.outcome))
                begin(place: place, turn: turn + 1)
            }
            call.start(lanes, endpoints[target], request)
        }
        for place in 0..<scenario.connections { begin(place: place, turn: 0) }
        runLoop()
        withExtendedLifetime(request) {}
        for (index, outcome) in outcomes { take(index, outcome) }
    }

    // MARK: Checks of the scripted vendor

    /// Whether a stream that the vendor breaks off looks whole behind a gateway.
    private func checkHonesty(_ report: inout BenchReport) throws {
        let broken = BenchPlan.Scenario(
            streams: true, connections: 1, script: "chunks=12 fault=early_close")
        for target in plan.targets.indices {
            for _ in 0..<3 {
                let outcome = one(target, broken, expectation: nil, breaks: true)
                if let fault = outcome.outcome.fault {
                    report.findings[target].insert("\(fault)")
                }
            }
        }
    }

    /// Whether chunks that the vendor sends one by one arrive one by one.
    private func checkBuffering(_ report: inout BenchReport) throws {
        let paced = BenchPlan.Scenario(
            streams: true, connections: 1, script: "chunks=8 delay=25")
        for target in plan.targets.indices {
            let spreads = (0..<3).map { _ in
                let outcome = one(target, paced, expectation: nil).outcome
                return Double(outcome.gaps.reduce(0, +)) / 1e6
            }
            // Seven waits of 25 ms; of a buffered stream next to nothing is left.
            if (spreads.max() ?? 0) < 7 * 25 / 2 {
                report.findings[target].insert("\(Fault.bufferedStream)")
            }
        }
    }

    /// Memory of each local process for every open stream.
    private func measureMemory(_ report: inout BenchReport) {
        for (index, target) in plan.targets.enumerated() {
            guard let process = target.process else { continue }
            let meter = ProcessMeter(process: process)
            guard let before = meter.residentBytes else { continue }
            let held = hold(plan.idleStreams, index)
            let after = meter.residentBytes ?? before
            for call in held { call.cancel(lanes) }
            guard !held.isEmpty else { continue }
            report.bytesPerStream[index] = Double(after - before) / Double(held.count)
            report.residentBytes[index] = before
        }
    }

    private func hold(_ count: Int, _ target: Int) -> [Call] {
        let request = CallRequest(
            plan, plan.targets[target], streams: true, script: "chunks=2 delay=3600000")
        var held: [Call] = []
        for _ in 0..<count {
            let call = Call(nil, streams: true, began: .now()) { _ in }
            call.start(lanes, endpoints[target], request)
            calls += 1
            held.append(call)
        }
        // Every stream has its first content by then; the rest of the hour is not waited for.
        let pause = Pause(loop, .milliseconds(1500))
        runLoop()
        pause.end()
        return withExtendedLifetime(request) { held.filter { $0.transfer != nil } }
    }
}

@available(*, unavailable)
extension Bench: Sendable {}
