import Config
import Dialects
import JSON
import Primitives
import Routing
public import Telemetry

/// What a running gateway says of itself: `/api/status`, `weir status`, and the page's first view.
///
/// It reads counters and values, and asks no database.
public struct GatewayStatus: Sendable {
    private let facts: GatewayFacts
    private let workers: [WorkerMetrics]
    private let records: RecordSource?
    private let certificates: CertificateMetrics?
    private let limits: @Sendable () -> [LimitMetrics]

    /// The status of a gateway with these parts.
    public init(
        facts: GatewayFacts, workers: [WorkerMetrics], records: RecordSource? = nil,
        certificates: CertificateMetrics? = nil,
        limits: @escaping @Sendable () -> [LimitMetrics] = { [] }
    ) {
        self.facts = facts
        self.workers = workers
        self.records = records
        self.certificates = certificates
        self.limits = limits
    }

    func json(now: Instant = .now()) -> JSONValue {
        let view = facts.current
        let wall = Int(Identifier.wallClockMilliseconds()) * 1000
        let process = view.process
        return .members([
            "version": .string(process.version), "process": .int(process.number),
            "state": .string(view.isDraining ? "draining" : "serving"),
            "started": .moment(process.started),
            "uptime_seconds": .int(max(0, wall - process.started) / 1_000_000),
            "listen": .string(process.listen), "workers": .int(process.workers),
            "connections": .int(sum { $0.accepted } - sum { $0.closed }),
            "tunnels_opened": .int(sum { $0.tunnels }),
            "refused": .int(sum { $0.refused }),
            "configuration": configuration(view), "reload": Self.reload(view.reload),
            "vendors": .array(vendors(view.running, now, wall)),
            "chains": .array(view.running.map { chains($0, now, wall) } ?? []),
            "limits": .array(limitViews(view.running)), "record": record,
            "sinks": .array((records?.sinks ?? []).map(Self.sink)),
            "certificates": .array(
                (certificates?.all ?? []).map {
                    .members([
                        "listener": .string($0.listener),
                        "ends": .moment($0.seconds * 1_000_000),
                    ])
                }),
        ])
    }

    private func sum(_ counter: (WorkerMetrics) -> Counter) -> Int {
        workers.reduce(0) { $0 + counter($1).current }
    }

    // MARK: Configuration

    private func configuration(_ view: GatewayFacts.View) -> JSONValue {
        .members([
            "file": .string(view.process.file), "sha256": .string(view.running?.digest ?? ""),
            "shows_content": .bool(view.running?.configuration.admin.showsContent ?? false),
        ])
    }

    private static func reload(_ reload: GatewayFacts.Reload?) -> JSONValue {
        guard let reload else { return .null }
        return .members([
            "number": .int(reload.number), "applied": .bool(reload.isApplied),
            "time": .moment(reload.time), "sha256": .string(reload.digest),
            "changes": .texts(reload.changes), "faults": .texts(reload.faults),
            "warnings": .texts(reload.warnings), "waits_for_restart": .texts(reload.waiting),
        ])
    }

    // MARK: Vendors and chains

    private func vendors(
        _ running: GatewayFacts.Running?, _ now: Instant, _ wall: Int
    ) -> [JSONValue] {
        guard let running else { return [] }
        let targets = Self.plans(running).flatMap(\.targets)
        return running.configuration.vendors.enumerated().map { index, vendor in
            let health = targets.filter { $0.vendor == index }.map {
                running.health.target($0.health, now: now)
            }
            return Self.vendor(
                vendor, VendorCounts(named: vendor.name, in: workers), health, now, wall)
        }
    }

    private static func vendor(
        _ vendor: Vendor, _ counts: VendorCounts, _ health: [Health.Target], _ now: Instant,
        _ wall: Int
    ) -> JSONValue {
        let cooling = health.compactMap(\.coolsUntil)
        let last = health.first { $0.failures > 0 || $0.coolsUntil != nil }
        var state = last == nil ? "well" : "failing"
        if !cooling.isEmpty {
            state = cooling.count == health.count ? "cooldown" : "part in cooldown"
        }
        return .members([
            "name": .string(vendor.name), "dialect": .string(vendor.dialect.rawValue),
            "base_url": .string(vendor.baseURL), "state": .string(state),
            "cools_until": .moment(cooling.max().map { moment($0, now, wall) }),
            "failure": .string(last?.failure ?? ""), "in_flight": .int(counts.inFlight),
            "calls": .int(counts.calls), "attempts": .int(counts.attempts),
            "error_answers": .int(counts.errorAnswers),
            "failed_attempts": .int(counts.failures), "moved_on": .int(counts.movedOn),
            "cooldowns": .int(counts.cooldowns),
        ])
    }

    /// Every plan that a request may get: of the chains, and of the dialects without one.
    static func plans(_ running: GatewayFacts.Running) -> [Plan] {
        running.configuration.chains.flatMap { running.routing.plans(of: $0.name) }
            + running.routing.plansWithoutChain
    }

    private static func moment(_ instant: Instant, _ now: Instant, _ wall: Int) -> Int {
        wall + Int((instant - now).nanoseconds / 1000)
    }

    private func chains(
        _ running: GatewayFacts.Running, _ now: Instant, _ wall: Int
    ) -> [JSONValue] {
        func plans(_ plans: [Plan]) -> JSONValue {
            let openAI = plans.first { $0.api == .openai }?.targets.map(\.vendor)
            // Google's endpoint for OpenAI's clients has a plan where its targets differ.
            let shown = plans.filter {
                $0.api != .geminiCompatible || $0.targets.map(\.vendor) != openAI
            }
            return .array(shown.map { Self.plan($0, running, now, wall) })
        }
        var chains = running.configuration.chains.map { chain in
            JSONValue.members([
                "name": .string(chain.name), "prefix": .string(chain.prefix),
                "paths": .texts(chain.paths), "models": .texts(chain.models),
                "plans": plans(running.routing.plans(of: chain.name)),
            ])
        }
        let others = running.routing.plansWithoutChain
        if !others.isEmpty {
            chains.append(
                .members([
                    "name": .string(""), "prefix": .string(""), "paths": .texts([]),
                    "models": .texts([]), "plans": plans(others),
                ]))
        }
        return chains
    }

    private static func plan(
        _ plan: Plan, _ running: GatewayFacts.Running, _ now: Instant, _ wall: Int
    ) -> JSONValue {
        .members([
            "api": .string("\(plan.api)"), "dialect": .string(plan.dialect.rawValue),
            "attempts_max": .int(plan.attemptsMax), "retries_max": .int(plan.retriesMax),
            "targets": .array(plan.targets.map { target($0, running, now, wall) }),
            "never": skipped(plan),
        ])
    }

    static func target(
        _ target: Plan.Target, _ running: GatewayFacts.Running, _ now: Instant, _ wall: Int
    ) -> JSONValue {
        let health = running.health.target(target.health, now: now)
        return .members([
            "vendor": .string(running.routing.vendors[target.vendor].name),
            "model": target.model.map { .string($0) } ?? .null,
            "state": .string(
                health.coolsUntil != nil ? "cooldown" : health.failures > 0 ? "failing" : "well"),
            "cools_until": .moment(health.coolsUntil.map { moment($0, now, wall) }),
            "failure": .string(health.failure), "failures_in_row": .int(health.failures),
        ])
    }

    static func skipped(_ plan: Plan) -> JSONValue {
        .array(
            plan.skipped.map {
                .members(["vendor": .string($0.vendor), "reason": .string($0.reason)])
            })
    }

    // MARK: Limits, record, sinks

    private func limitViews(_ running: GatewayFacts.Running?) -> [JSONValue] {
        limits().map { limit in
            let budget = running.flatMap { Self.budget(of: limit, in: $0.configuration) }
            return .members([
                "scope": .string(limit.scope), "name": .string(limit.name),
                "in_flight": .int(limit.inFlight), "admitted": .int(limit.admitted),
                "refused": .int(limit.refused), "tokens": .int(limit.tokens),
                "spent_usd": .dollars(limit.spent), "held_usd": .dollars(limit.held),
                "budget_usd": .dollars(budget?.nanodollars),
                "period": budget.map { .string($0.period.rawValue) } ?? .null,
            ])
        }
    }

    static func budget(of limit: LimitMetrics, in configuration: Configuration) -> BudgetLimit? {
        if limit.scope == "key" {
            return configuration.keys.first { $0.name == limit.name }?.limits.budget
        }
        // One key's share of a group's limits is named "group/key".
        return configuration.groups.first {
            $0.name == limit.name || limit.scope == "each" && limit.name.hasPrefix("\($0.name)/")
        }?.limits.budget
    }

    private var record: JSONValue {
        guard let records else { return .null }
        // Read before what is emitted, so that nothing seems stored that was not.
        let stored = records.metrics.stored.current
        let counts = records.counts()
        let unrecorded = sum { $0.unrecorded }
        let dropped = counts.dropped + records.metrics.lost.current + unrecorded
        let emitted = counts.emitted + unrecorded
        return .members([
            "emitted": .int(emitted), "stored": .int(stored), "dropped": .int(dropped),
            "pending": .int(emitted - stored - dropped),
            "trouble": .string(records.metrics.currentTrouble),
            "losses": .int(records.metrics.newLosses.current),
            "losses_acknowledged": .int(records.metrics.acknowledgedLosses.current),
        ])
    }

    private static func sink(_ sink: SinkMetrics) -> JSONValue {
        .members([
            "name": .string(sink.name), "delivered": .int(sink.delivered.current),
            "pending": .int(max(0, sink.newest.current - sink.number.current)),
            "trouble": .string(sink.currentTrouble),
        ])
    }
}

/// What all workers have counted for one vendor.
struct VendorCounts {
    private(set) var calls = 0
    private var ended = 0
    /// Begun and not ended; read by no lock, so that a number may be late.
    var inFlight: Int { max(0, calls - ended - movedOn) }
    private(set) var attempts = 0
    private(set) var failures = 0
    private(set) var errorAnswers = 0
    private(set) var movedOn = 0
    private(set) var cooldowns = 0

    init(named name: String, in workers: [WorkerMetrics]) {
        for vendor in workers.flatMap(\.vendors) where vendor.vendor == name {
            ended += vendor.outcomes.reduce(0) { $0 + $1.current }
            calls += vendor.started.current
            attempts += vendor.attempts.current
            failures += vendor.attemptFailures.reduce(0) { $0 + $1.current }
            errorAnswers += vendor.errorAnswers
            movedOn += vendor.movedOn.current
            cooldowns += vendor.cooldowns.current
        }
    }
}
