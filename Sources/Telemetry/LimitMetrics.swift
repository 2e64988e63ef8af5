/// What is counted for one key's limits, or one group's.
public struct LimitMetrics: Sendable {
    /// `key`, `group`, or `each` for a group's limits of one key.
    public let scope: String
    /// The name.
    public let name: String
    /// Requests in flight.
    public let inFlight: Int
    /// Requests that were admitted.
    public let admitted: Int
    /// Requests that this limit refused.
    public let refused: Int
    /// Tokens that were charged.
    public let tokens: Int
    /// Billionths of a dollar that were charged.
    public let nanodollars: Int
    /// Billionths of a dollar spent in the current period of its budget.
    public let spent: Int
    /// Billionths of a dollar that are held.
    public let held: Int

    /// Names beyond these are counted together: a label for each of ten thousand keys would be a
    /// burden to every server that asks.
    private static let namesMax = 200

    /// Counts of these parts.
    public init(
        scope: String, name: String, inFlight: Int, admitted: Int, refused: Int, tokens: Int,
        nanodollars: Int, spent: Int = 0, held: Int = 0
    ) {
        self.spent = spent
        self.held = held
        self.scope = scope
        self.name = name
        self.inFlight = inFlight
        self.admitted = admitted
        self.refused = refused
        self.tokens = tokens
        self.nanodollars = nanodollars
    }

    /// The counts in Prometheus' text format; empty without any.
    static func text(_ limits: [LimitMetrics]) -> String {
        guard !limits.isEmpty else { return "" }
        var shown = Array(limits.prefix(namesMax))
        if limits.count > namesMax { shown.append(sum(limits.dropFirst(namesMax))) }
        var text = ""
        func family(
            _ name: String, _ type: String, _ help: String, _ value: (LimitMetrics) -> String
        ) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            for limit in shown {
                text += "\(name){scope=\"\(limit.scope)\",name=\"\(Label.escaped(limit.name))\"} "
                text += "\(value(limit))\n"
            }
        }
        family("weir_limit_requests_in_flight", "gauge", "Requests in flight.") { "\($0.inFlight)" }
        family("weir_limit_admitted_total", "counter", "Requests that were admitted.") {
            "\($0.admitted)"
        }
        family("weir_limit_refused_total", "counter", "Requests that this limit refused.") {
            "\($0.refused)"
        }
        family("weir_limit_tokens_total", "counter", "Tokens that were charged.") { "\($0.tokens)" }
        family("weir_limit_dollars_total", "counter", "Dollars that were charged.") {
            "\(Double($0.nanodollars) / 1e9)"
        }
        return text
    }

    private static func sum(_ limits: ArraySlice<LimitMetrics>) -> LimitMetrics {
        LimitMetrics(
            scope: "other", name: "", inFlight: limits.reduce(0) { $0 + $1.inFlight },
            admitted: limits.reduce(0) { $0 + $1.admitted },
            refused: limits.reduce(0) { $0 + $1.refused },
            tokens: limits.reduce(0) { $0 + $1.tokens },
            nanodollars: limits.reduce(0) { $0 + $1.nanodollars })
    }
}
