public import Config
import JSON
import LogStore
import Primitives
import Routing
public import Telemetry

/// Looks at the gateway for what is worth an alert; on a thread that may wait for the database.
public final class AlertWatch {
    /// How often sums of calls are asked for.
    private static let spendEvery = Interval.seconds(60)
    private static let hour = 3_600_000_000
    /// Hours before the last one that are a usual hour's measure.
    private static let usualHours = 24

    private let facts: GatewayFacts
    private let records: RecordSource?
    private let limits: @Sendable () -> [LimitMetrics]
    private let folder: String
    private var rules: AlertRules
    private var spend: (hour: Int, usual: Int)?
    private var prompts: (hour: AlertObservation.Prompts, usual: AlertObservation.Prompts)?
    private var spendAskedAt: Instant?

    /// A watch of a gateway with these parts; `folder` is its record's.
    public init(
        _ settings: AlertSettings, facts: GatewayFacts, records: RecordSource?,
        limits: @escaping @Sendable () -> [LimitMetrics], folder: String
    ) {
        self.facts = facts
        self.records = records
        self.limits = limits
        self.folder = folder
        rules = AlertRules(
            budgetPercent: settings.budgetPercent, spendFactor: settings.spendFactor,
            cacheDrop: settings.cacheDrop)
    }

    /// What has begun since the last look, and what is over.
    public func look() -> [Alert] {
        // The process that has taken over sends them.
        guard !facts.isRetired else { return [] }
        let now = Instant.now()
        return rules.look(observe(now), now: now)
    }

    /// What has begun and is not over.
    public var standing: [Alert] { rules.standing }

    /// Takes over what another process has found: it is not found to begin again.
    public func resume(_ alerts: [Alert]) { rules.resume(alerts, now: .now()) }

    /// An alert as it is posted: `text` is what chat programs show.
    public static func json(_ alert: Alert) -> String {
        let value = JSONValue.members([
            "text": .string("Weir: \(alert.text)"), "kind": .string(alert.kind),
            "subject": .string(alert.subject), "state": .string(alert.isOver ? "over" : "begun"),
            "time": .moment(Int(Identifier.wallClockMilliseconds()) * 1000),
        ])
        return "\(value)"
    }

    private func observe(_ now: Instant) -> AlertObservation {
        var seen = AlertObservation()
        guard let running = facts.current.running else { return seen }
        let targets = GatewayStatus.plans(running).flatMap(\.targets)
        for (index, vendor) in running.configuration.vendors.enumerated() {
            let cooling = targets.filter { $0.vendor == index }.map {
                running.health.target($0.health, now: now)
            }.first { $0.coolsUntil != nil }
            if let cooling { seen.cooling.append((vendor.name, cooling.failure)) }
        }
        seen.budgets = limits().compactMap { limit in
            GatewayStatus.budget(of: limit, in: running.configuration).map {
                AlertObservation.Budget(
                    name: "\(limit.scope) \(limit.name)", spent: limit.spent,
                    budget: $0.nanodollars)
            }
        }
        seen.recordTrouble = records?.metrics.currentTrouble ?? ""
        seen.sinkTroubles = (records?.sinks ?? []).compactMap {
            $0.currentTrouble.isEmpty ? nil : ($0.name, $0.currentTrouble)
        }
        askForSpend(now)
        seen.spend = spend
        seen.prompts = prompts
        return seen
    }

    private func askForSpend(_ now: Instant) {
        if let last = spendAskedAt, now - last < Self.spendEvery { return }
        spendAskedAt = now
        let wall = Int(Identifier.wallClockMilliseconds()) * 1000
        do {
            let store = try Store(reading: folder)
            func sums(_ since: Int, _ until: Int) throws -> Rollup {
                var filter = RecordFilter()
                filter.since = since
                filter.until = until
                return try store.statistics(filter, by: []).first?.sums ?? Rollup()
            }
            let begin = wall - Self.hour
            let hour = try sums(begin, wall)
            let before = try sums(begin - Self.usualHours * Self.hour, begin)
            spend = (hour.costNanodollars, before.costNanodollars / Self.usualHours)
            prompts = (Self.prompts(of: hour), Self.prompts(of: before))
        } catch {
            // Without a record no cost is known; that it is missing is an alert of its own.
            spend = nil
            prompts = nil
        }
    }

    private static func prompts(of sums: Rollup) -> AlertObservation.Prompts {
        AlertObservation.Prompts(tokens: sums.inputTokens, cached: sums.cacheReadTokens)
    }
}
