import Synchronization

/// What is counted of the store that several gateways share.
///
/// One thread changes it, any thread reads it.
public final class FleetMetrics: Sendable {
    /// Whether the store can be reached.
    public let isReached = Counter()
    /// Times that it was lost.
    public let losses = Counter()
    /// Rounds of questions that it answered.
    public let rounds = Counter()
    /// Rounds that failed.
    public let failures = Counter()
    /// Questions about limits that it answered.
    public let answers = Counter()
    /// Times that the script was loaded.
    public let scriptLoads = Counter()
    /// Nanoseconds of the rounds that were answered.
    public let nanoseconds = Counter()
    private let trouble = Mutex<String>("")

    /// Counters at zero.
    public init() {}

    /// Why the store cannot be used, and what decides meanwhile; empty when all is well.
    public var currentTrouble: String { trouble.withLock { $0 } }

    /// Sets why, or that all is well again.
    public func remember(trouble text: String) {
        trouble.withLock { $0 = text }
    }
}

/// Where the numbers of a fleet come from.
public struct FleetSource: Sendable {
    /// What was decided by shares, at one moment.
    public struct Decisions: Sendable {
        /// Requests refused because the store was away.
        public var refusedAway: Int
        /// Requests admitted while the store was away.
        public var admittedAway: Int
        /// Requests refused because this gateway's share had no room for them.
        public var awaited: Int

        /// Decisions of these numbers.
        public init(refusedAway: Int, admittedAway: Int, awaited: Int) {
            self.refusedAway = refusedAway
            self.admittedAway = admittedAway
            self.awaited = awaited
        }
    }

    /// What its thread counts.
    public var metrics: FleetMetrics
    /// What decides while the store is away.
    public var outage: String
    /// What was decided.
    public var decisions: @Sendable () -> Decisions

    /// A source of these.
    public init(
        metrics: FleetMetrics, outage: String, decisions: @escaping @Sendable () -> Decisions
    ) {
        self.metrics = metrics
        self.outage = outage
        self.decisions = decisions
    }

    /// The numbers in Prometheus' text format.
    func text() -> String {
        var text = ""
        func add(_ name: String, _ type: String, _ help: String, _ value: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n\(name) \(value)\n"
        }
        func count(_ name: String, _ help: String, _ value: Int) {
            add(name, "counter", help, "\(value)")
        }
        add(
            "weir_limits_store_up", "gauge", "Whether the store of shared limits is reached.",
            "\(metrics.isReached.current)")
        count("weir_limits_store_losses_total", "Times that it was lost.", metrics.losses.current)
        count(
            "weir_limits_store_rounds_total", "Rounds of questions that it answered.",
            metrics.rounds.current)
        count(
            "weir_limits_store_failures_total", "Rounds of questions that failed.",
            metrics.failures.current)
        count(
            "weir_limits_store_answers_total", "Questions about limits that it answered.",
            metrics.answers.current)
        count(
            "weir_limits_store_script_loads_total", "Times that its script was loaded.",
            metrics.scriptLoads.current)
        count(
            "weir_limits_share_awaited_total",
            "Requests refused because this gateway's share had no room.", decisions().awaited)
        add(
            "weir_limits_store_seconds_total", "counter", "Time of the rounds it answered.",
            "\(Double(metrics.nanoseconds.current) / 1e9)")
        let name = "weir_limits_store_away_decisions_total"
        text +=
            "# HELP \(name) Requests decided while the store was away.\n# TYPE \(name) counter\n"
        let decided = decisions()
        for (decision, value) in [
            ("admitted", decided.admittedAway), ("refused", decided.refusedAway),
        ] {
            text += "\(name){policy=\"\(outage)\",decision=\"\(decision)\"} \(value)\n"
        }
        return text
    }
}
