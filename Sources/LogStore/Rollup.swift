import Dialects
import GRDB

/// The calls of a minute to one vendor and model, or of an hour of one kind, summed up.
///
/// Statistics over millions of records read thousands of these instead.
public struct Rollup: Equatable, Sendable {
    /// A length of time that sums are of, and its column.
    enum Period: String, CaseIterable {
        case minute, hour

        var microseconds: Int { self == .minute ? 60_000_000 : 3_600_000_000 }
        var table: String { self == .minute ? "rollups" : "hours" }
        /// What its sums are kept by.
        var dimensions: [Dimension] {
            self == .minute
                ? [.vendor, .model] : [.vendor, .model, .chain, .key, .errorClass]
        }
    }

    /// Which calls.
    struct Key: Hashable {
        var number: Int
        var names: [String]

        init(_ record: borrowing Record, _ period: Period) {
            number = record.acceptedMicroseconds / period.microseconds
            names = []
            for dimension in period.dimensions { names.append(dimension.name(of: record)) }
        }
    }

    /// Sums on their way to the store, by what they are of.
    struct Gathered {
        private(set) var minutes: [Key: Rollup] = [:]
        private(set) var hours: [Key: Rollup] = [:]

        mutating func add(_ record: borrowing Record) {
            minutes[Key(record, .minute), default: Rollup()].add(record)
            hours[Key(record, .hour), default: Rollup()].add(record)
        }
    }

    /// Exchanges.
    public var calls = 0
    /// Those that did not end complete, or with an error status.
    public var failed = 0
    /// Those that took more than one attempt.
    public var failovers = 0
    /// Tokens of prompts, as vendors reported them, of exchanges that made a model work.
    public var inputTokens = 0
    /// Tokens of answers.
    public var outputTokens = 0
    /// Tokens of prompts that a cache of the vendor's knew.
    public var cacheReadTokens = 0
    /// Tokens of answers spent on reasoning.
    public var reasoningTokens = 0
    /// Exchanges that made a model work and whose tokens are not known.
    public var withoutUsage = 0
    /// Their cost where a price was known, in billionths of a dollar.
    public var costNanodollars = 0
    /// Exchanges without a known cost, those that cost nothing because no model worked included.
    public var withoutCost = 0
    /// Exchanges that made no model work, and so have no cost.
    public var unbilled = 0
    /// From the request's first byte to the first content.
    public var contentTimes = TimeHistogram()

    /// Of no calls.
    public init() {}

    mutating func add(_ record: borrowing Record) {
        calls += 1
        if record.outcome != "complete" || record.status >= 400 { failed += 1 }
        if record.attempts.count > 1 { failovers += 1 }
        addAccount(of: record)
        if let time = record.contentMicroseconds, record.status < 400 {
            contentTimes.add(microseconds: time)
        }
    }

    private mutating func addAccount(of record: borrowing Record) {
        if record.costNanodollars == nil { withoutCost += 1 }
        // What is only asked for again was summed up when a model worked on it.
        guard RequestWork.isBilled(method: record.method, target: record.target) else {
            unbilled += 1
            return
        }
        if record.usageState == .unknown { withoutUsage += 1 }
        inputTokens.add(record.usage.input ?? 0)
        outputTokens.add(record.usage.output ?? 0)
        cacheReadTokens.add(record.usage.cacheRead ?? 0)
        reasoningTokens.add(record.usage.reasoning ?? 0)
        costNanodollars.add(record.costNanodollars ?? 0)
    }

    /// Adds the sums of other calls.
    public mutating func add(_ other: Rollup) {
        calls += other.calls
        failed += other.failed
        failovers += other.failovers
        inputTokens.add(other.inputTokens)
        outputTokens.add(other.outputTokens)
        cacheReadTokens.add(other.cacheReadTokens)
        reasoningTokens.add(other.reasoningTokens)
        withoutUsage += other.withoutUsage
        costNanodollars.add(other.costNanodollars)
        withoutCost += other.withoutCost
        unbilled += other.unbilled
        contentTimes.add(other.contentTimes)
    }

    /// Exchanges whose cost is known.
    public var priced: Int { calls - withoutCost }
    /// Exchanges that cost something, whether that is known or not.
    public var billed: Int { calls - unbilled }

    /// The columns of sums, in the order in which they are read and written.
    static let columns = """
        calls, failed, failovers, input_tokens, output_tokens, cache_read_tokens, reasoning_tokens,
        without_usage, cost_nanodollars, without_cost, content_times, unbilled
        """

    /// How many that are.
    static let columnCount = 12

    /// Reads a row that begins with ``columns``.
    init(_ row: Row) {
        // By index: a name is looked up in every one of a row's names, in lower case.
        calls = row[0]
        failed = row[1]
        failovers = row[2]
        inputTokens = row[3]
        outputTokens = row[4]
        cacheReadTokens = row[5]
        reasoningTokens = row[6]
        withoutUsage = row[7]
        costNanodollars = row[8]
        withoutCost = row[9]
        contentTimes = TimeHistogram(row[10] as String)
        unbilled = row[11]
    }

    /// Binds the values of ``columns``.
    func bind(to insertion: inout Insertion) {
        insertion.bind(calls)
        insertion.bind(failed)
        insertion.bind(failovers)
        insertion.bind(inputTokens)
        insertion.bind(outputTokens)
        insertion.bind(cacheReadTokens)
        insertion.bind(reasoningTokens)
        insertion.bind(withoutUsage)
        insertion.bind(costNanodollars)
        insertion.bind(withoutCost)
        insertion.bind { contentTimes.write(to: &$0) }
        insertion.bind(unbilled)
    }
}

extension Int {
    /// Adds, and stays at the largest number there is.
    mutating func add(_ other: Int) {
        let (sum, isTooLarge) = addingReportingOverflow(other)
        self = isTooLarge ? .max : sum
    }
}

extension Store {
    /// Adds to the sums of minutes and hours.
    static func add(_ gathered: Rollup.Gathered, _ db: Database) throws {
        try add(gathered.minutes, of: .minute, db)
        try add(gathered.hours, of: .hour, db)
    }

    private static func add(
        _ rollups: [Rollup.Key: Rollup], of period: Rollup.Period, _ db: Database
    ) throws {
        guard !rollups.isEmpty else { return }
        let (select, replace) = period == .minute ? minuteStatements : hourStatements
        var replacement = try Insertion(replace, db)
        let selection = try db.cachedStatement(sql: select)
        for (key, rollup) in rollups {
            var sum = rollup
            let arguments = StatementArguments([key.number]) + StatementArguments(key.names)
            if let known = try Row.fetchOne(selection, arguments: arguments) {
                sum.add(Rollup(known))
            }
            replacement.bind(key.number)
            for name in key.names { replacement.bind(name) }
            sum.bind(to: &replacement)
            try replacement.execute()
        }
    }

    private static let minuteStatements = statements(.minute)
    private static let hourStatements = statements(.hour)

    private static func statements(_ period: Rollup.Period) -> (select: String, replace: String) {
        let keys = [period.rawValue] + period.dimensions.map(\.rawValue)
        let marks = (0..<keys.count + Rollup.columnCount).map { _ in "?" }
        return (
            "SELECT \(Rollup.columns) FROM \(period.table) WHERE "
                + keys.map { "\($0) = ?" }.joined(separator: " AND "),
            "INSERT OR REPLACE INTO \(period.table) (\(keys.joined(separator: ", ")), "
                + "\(Rollup.columns)) VALUES (\(marks.joined(separator: ", ")))"
        )
    }
}
