import Primitives

/// What is looked at for alerts, at one moment.
struct AlertObservation {
    /// A limit with a budget.
    struct Budget {
        let name: String
        let spent: Int
        let budget: Int
    }

    /// Vendors some target of which is in cooldown, and the class of the last failure.
    var cooling: [(vendor: String, failure: String)] = []
    var budgets: [Budget] = []
    /// Why records cannot be stored; empty where they can.
    var recordTrouble = ""
    /// Sinks that take no records, and why.
    var sinkTroubles: [(sink: String, trouble: String)] = []
    /// What calls of the last hour cost, and those of a usual hour; nil where that is not known.
    var spend: (hour: Int, usual: Int)?
    /// Tokens of prompts in the last hour, and in the hours before it; nil where that is not known.
    var prompts: (hour: Prompts, usual: Prompts)?

    /// Tokens of prompts.
    struct Prompts {
        let tokens: Int
        /// Those of them that a vendor's cache knew.
        let cached: Int

        /// The share that a cache knew, in percent; nil of too few to say.
        var share: Int? {
            tokens >= Self.least ? Int(Double(cached) / Double(tokens) * 100) : nil
        }

        /// A few calls more or less are no change.
        private static let least = 100_000
    }
}

/// One thing that has begun, or is over.
public struct Alert: Equatable, Sendable {
    /// `cooldown`, `budget`, `record`, `sink`, `spend` or `cache`.
    public let kind: String
    /// What it is about: a vendor, a key or a group, a sink.
    public let subject: String
    /// Whether it is over.
    public let isOver: Bool
    /// A sentence for people.
    public let text: String
}

/// Decides what is worth an alert: each thing once when it begins, and once when it is over.
struct AlertRules {
    /// A cooldown ends after seconds, and the next may follow at once: both are one thing.
    static let quietTime = Interval.seconds(120)
    /// An hour that costs less is no jump.
    static let spendLeast = 1_000_000_000

    /// What goes on.
    private struct Going {
        let alert: Alert
        var lastSeen: Instant
    }

    private let budgetPercent: Int
    private let spendFactor: Int
    private let cacheDrop: Int
    private var going: [String: Going] = [:]

    init(budgetPercent: Int, spendFactor: Int, cacheDrop: Int = 20) {
        self.budgetPercent = budgetPercent
        self.spendFactor = spendFactor
        self.cacheDrop = cacheDrop
    }

    /// What has begun and is not over.
    var standing: [Alert] { going.values.map(\.alert) }

    /// Takes over what has begun elsewhere.
    mutating func resume(_ alerts: [Alert], now: Instant) {
        for alert in alerts { going[Self.key(of: alert)] = Going(alert: alert, lastSeen: now) }
    }

    private static func key(of alert: Alert) -> String { "\(alert.kind) \(alert.subject)" }

    /// The alerts that an observation leads to.
    mutating func look(_ seen: AlertObservation, now: Instant) -> [Alert] {
        var alerts: [Alert] = []
        for alert in current(seen) {
            let key = Self.key(of: alert)
            if going[key] == nil { alerts.append(alert) }
            going[key] = Going(alert: going[key]?.alert ?? alert, lastSeen: now)
        }
        for (key, one) in going.sorted(by: { $0.key < $1.key })
        where now - one.lastSeen > Self.quietTime {
            going[key] = nil
            alerts.append(
                Alert(
                    kind: one.alert.kind, subject: one.alert.subject, isOver: true,
                    text: "over: \(one.alert.text)"))
        }
        return alerts
    }

    private func current(_ seen: AlertObservation) -> [Alert] {
        var alerts = seen.cooling.map { vendor, failure in
            Alert(
                kind: "cooldown", subject: vendor, isOver: false,
                text: "vendor \(vendor) is passed over after failures: \(failure)")
        }
        for budget in seen.budgets where budget.budget > 0 {
            for percent in [budgetPercent, 100] where Self.isSpent(budget, percent) {
                alerts.append(
                    Alert(
                        kind: "budget", subject: "\(budget.name), \(percent) %", isOver: false,
                        text: "\(percent) % of the budget of \(budget.name) is spent"))
            }
        }
        if !seen.recordTrouble.isEmpty {
            alerts.append(
                Alert(
                    kind: "record", subject: "record", isOver: false,
                    text: "calls are not recorded: \(seen.recordTrouble)"))
        }
        alerts += seen.sinkTroubles.map { sink, trouble in
            Alert(
                kind: "sink", subject: sink, isOver: false,
                text: "sink \(sink) takes no records: \(trouble)")
        }
        if spendFactor > 0, let (hour, usual) = seen.spend, hour >= Self.spendLeast, usual > 0,
            hour / spendFactor >= usual
        {
            alerts.append(
                Alert(
                    kind: "spend", subject: "all calls", isOver: false,
                    text: "the last hour cost \(spendFactor) times as much as a usual one, or more"
                ))
        }
        if cacheDrop > 0, let prompts = seen.prompts, let share = prompts.hour.share,
            let usual = prompts.usual.share, usual - share >= cacheDrop
        {
            alerts.append(
                Alert(
                    kind: "cache", subject: "all calls", isOver: false,
                    text: "\(share) % of the last hour's prompts came from vendors' caches, "
                        + "\(usual) % of those of the day before"))
        }
        return alerts
    }

    private static func isSpent(_ budget: AlertObservation.Budget, _ percent: Int) -> Bool {
        Double(budget.spent) * 100 >= Double(budget.budget) * Double(percent)
    }
}
