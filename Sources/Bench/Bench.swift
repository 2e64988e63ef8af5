import Glibc
import Primitives
public import Reactor
import Transfers

// DESIGN
//
// Whatever disturbs the machine disturbs all targets alike, since they are asked by turns, and an
// answer is compared with the direct one of the same round and index. A round in which the
// machine's host took time away, or this process itself was kept from running, is discarded and
// counted. ClosedLoop and OpenLoop say how one call follows another.

/// Runs a plan.
public final class Bench: TurnHandler {
    /// How far a run is.
    public struct Progress: Sendable {
        /// The scenario's name.
        public var scenario: String
        /// The share of the whole run that is done, from 0 to 1.
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

    /// The time in which a gateway may finish the work that it put off.
    private static let settlingTime = Interval.milliseconds(250)

    let plan: BenchPlan
    let loop: EventLoop
    let lanes: Lanes
    let endpoints: [Endpoint]
    private let progress: (Progress) -> Void
    private let began = Instant.now()
    var random = RandomSource()
    private(set) var calls = 0
    private(set) var watch: LatenessWatch?

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
        var indexes = OriginIndexes()
        let addresses = try AddressBook(hosts: Set(origins.filter(\.needsResolution).map(\.host)))
        try addresses.start()
        endpoints = try plan.targets.map { target in
            guard
                let endpoint = Endpoint(
                    name: target.name, origin: target.origin,
                    index: indexes.index(of: target.origin), trust: plan.trust,
                    addresses: addresses.entry(for: target.origin.host))
            else { throw Failure(description: "libcurl cannot parse \(target.origin)") }
            return endpoint
        }
        lanes = Lanes(loop: loop)
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
            if let rate = scenario.rate {
                OpenLoop(self, scenario, expectation, rate: rate, position: index).run(&result)
            } else {
                let closed = ClosedLoop(
                    bench: self, scenario: scenario, expectation: expectation, position: index)
                // The scripted vendor's calls are free: open connections before a call counts.
                if plan.isScripted {
                    for target in plan.targets.indices {
                        _ = closed.slice(target, 2 * scenario.connections)
                    }
                }
                closed.run(&result)
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

    func report(_ scenario: BenchPlan.Scenario, position: Int, share: Double) {
        let done = (Double(position) + min(1, share)) / Double(plan.scenarios.count)
        progress(
            Progress(
                scenario: scenario.name, share: done, calls: calls,
                seconds: (Instant.now() - began).seconds))
    }

    /// The vendor's own answer, read directly, where every answer must be the same.
    private func listen(_ scenario: BenchPlan.Scenario) throws -> HeardAnswer? {
        let outcome = one(0, scenario, expectation: nil)
        if let fault = outcome.fault {
            throw Failure(
                description: "\(plan.targets[0].name) does not answer a direct call: \(fault)")
        }
        return plan.isScripted ? outcome.heard : nil
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

    /// How many calls the plan's bound still allows.
    var callsLeft: Int { plan.callsMax - calls }

    func countCall() { calls += 1 }

    /// Waits until a gateway has finished the work that it put off.
    func settle() {
        let pause = Pause(loop, Self.settlingTime)
        runLoop()
        pause.end()
    }

    func runLoop() {
        loop.run()
        loop.resume()
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
