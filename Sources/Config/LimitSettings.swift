public import Primitives

/// What a key, or a group, allows; nil is without a limit.
public struct LimitSettings: Sendable, Equatable {
    /// Requests in an interval.
    public var requests: RateLimit?
    /// Tokens in an interval.
    public var tokens: RateLimit?
    /// Requests at the same time.
    public var concurrent: Int?
    /// Money in a period.
    public var budget: BudgetLimit?
    /// Whether models without a price cost nothing here.
    public var allowsUnpriced = false
    /// The chain of requests that the budget does not cover; nil where they are refused.
    public var budgetChain: String?

    /// How requests wait that a rate or a limit on requests in flight refuses; nil: they do not.
    public var queue: QueueSettings?

    /// No limits.
    public init() {}
}

/// How many requests may wait for a limit, and how long each.
public struct QueueSettings: Sendable, Equatable {
    /// How many.
    public var max = 0
    /// How long.
    public var wait = Interval.zero
}

/// So many in each interval, as `"600/1m"` says it.
public struct RateLimit: Sendable, Equatable, CustomStringConvertible {
    /// How many.
    public let count: Int
    /// In how long.
    public let interval: Interval

    /// A limit of these parts.
    public init(count: Int, interval: Interval) {
        self.count = count
        self.interval = interval
    }

    /// A limit from its text; nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Self.count(parts[0]),
            let interval = Quantities.duration(String(parts[1])),
            interval >= .seconds(1), interval <= .seconds(31 * 86_400),
            interval.nanoseconds % 1_000_000 == 0
        else { return nil }
        self.init(count: count, interval: interval)
    }

    /// `600`, `10k`, `2M`.
    private static func count(_ text: Substring) -> Int? {
        var digits = text
        var unit = 1
        for (letter, size) in [("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000)]
        where text.hasSuffix(letter) {
            digits = text.dropLast()
            unit = size
        }
        guard 1...9 ~= digits.utf8.count, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let number = Int(digits), number > 0
        else { return nil }
        return number * unit
    }

    /// As the configuration spells it.
    public var description: String {
        for (letter, size) in [("G", 1_000_000_000), ("M", 1_000_000), ("k", 1000)]
        where count % size == 0 {
            return "\(count / size)\(letter)/\(interval)"
        }
        return "\(count)/\(interval)"
    }
}

/// A period of the calendar, in UTC.
public enum BudgetPeriod: String, CaseIterable, Sendable {
    case hour = "hour"
    case day = "day"
    /// From Monday on.
    case week = "week"
    case month = "month"
}

/// So much money in each period, as `"$500/month"` says it.
public struct BudgetLimit: Sendable, Equatable, CustomStringConvertible {
    /// Billionths of a dollar.
    public let nanodollars: Int
    /// In which period.
    public let period: BudgetPeriod

    /// A budget of these parts.
    public init(nanodollars: Int, period: BudgetPeriod) {
        self.nanodollars = nanodollars
        self.period = period
    }

    /// A budget from its text; nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let nanodollars = Money.nanodollars(String(parts[0])),
            let period = BudgetPeriod(rawValue: String(parts[1]))
        else { return nil }
        self.init(nanodollars: nanodollars, period: period)
    }

    /// As the configuration spells it.
    public var description: String {
        "\(Money.text(nanodollars: nanodollars))/\(period.rawValue)"
    }
}
