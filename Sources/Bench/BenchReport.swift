import Primitives

/// The result of a run.
public struct BenchReport: Sendable {
    /// One scenario, measured for every target.
    public struct ScenarioResult: Sendable {
        /// How the calls were made.
        public let scenario: BenchPlan.Scenario
        /// By target.
        public internal(set) var measurements: [Measurements]
        /// Rounds that count.
        public internal(set) var rounds = 0
        /// Rounds in which the machine was disturbed.
        public internal(set) var discardedRounds = 0

        init(_ scenario: BenchPlan.Scenario, targetCount: Int) {
            self.scenario = scenario
            measurements = (0..<targetCount).map { _ in Measurements() }
        }

        /// Takes a round over: every target's slice of it.
        mutating func add(_ round: [ClosedLoop.Slice]) {
            for (target, slice) in round.enumerated() {
                for outcome in slice.outcomes { measurements[target].add(outcome) }
                measurements[target].seconds += slice.seconds
                if let spent = slice.cpuNanoseconds {
                    measurements[target].cpuNanoseconds =
                        (measurements[target].cpuNanoseconds ?? 0) + spent
                }
                let pairs = zip(slice.outcomes, round[0].outcomes)
                    .filter { target > 0 && $0.fault == nil && $1.fault == nil }
                measurements[target].addedTotal.add(pairs.map { $0.total - $1.total })
                measurements[target].addedFirstContent.add(
                    pairs.map { $0.firstContent - $1.firstContent })
            }
        }

        /// What a target adds to a whole answer.
        public func addedTotal(_ target: Int) -> Estimate? {
            Estimate(measurements[target].addedTotal)
        }

        /// What a target adds to the first content.
        public func addedFirstContent(_ target: Int) -> Estimate? {
            Estimate(measurements[target].addedFirstContent)
        }
    }

    /// What was compared.
    public let plan: BenchPlan
    /// The processor and the kernel.
    public let machine: String
    /// The command that repeats the run, set by the command that made it.
    public var command = ""
    /// When it was made, in microseconds since 1970.
    public let microseconds: Int
    /// In the plan's order.
    public internal(set) var scenarios: [ScenarioResult] = []
    /// By target, what a check of the scripted vendor found.
    public internal(set) var findings: [Set<String>]
    /// By target, memory for each open stream; nil where it was not measured.
    public internal(set) var bytesPerStream: [Double?]
    /// By target, resident memory before those.
    public internal(set) var residentBytes: [Int?]
    /// Calls made in all.
    public internal(set) var calls = 0
    /// How long it took.
    public internal(set) var seconds = 0.0
    /// Whether the bound of calls ended it.
    public internal(set) var isCutShort = false

    init(_ plan: BenchPlan, machine: String) {
        self.plan = plan
        self.machine = machine
        microseconds = Int(Identifier.wallClockMilliseconds()) * 1000
        findings = plan.targets.map { _ in [] }
        bytesPerStream = plan.targets.map { _ in nil }
        residentBytes = plan.targets.map { _ in nil }
    }

    /// Answers that did not verify, of all targets.
    public var errorCount: Int {
        scenarios.reduce(0) { $0 + $1.measurements.reduce(0) { $0 + $1.errorCount } }
    }

    /// A gateway that adds this many microseconds or more is slow: several times what
    /// nginx adds on a loaded small machine.
    public static let slowMicroseconds = 700.0

    /// What is wrong with a target, by name: its errors, what the checks found, and whether it
    /// surely adds more than a gateway may.
    public func faults(_ target: Int) -> [String] {
        var names = findings[target]
        for result in scenarios {
            for fault in result.measurements[target].errors.keys { names.insert("\(fault)") }
            // One call at a time: with many at once the generator's own queue is in it.
            let isAlone = result.scenario.connections == 1 && result.scenario.rate == nil
            if isAlone, let added = result.addedFirstContent(target),
                added.low > Self.slowMicroseconds
            {
                names.insert("added_latency")
            }
        }
        return names.sorted()
    }
}
