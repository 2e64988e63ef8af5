import Dialects
import GRDB

/// The calls of one minute to one vendor and model, summed up.
///
/// Statistics over millions of records read thousands of these instead.
public struct Rollup: Equatable, Sendable {
    /// Which calls.
    struct Key: Hashable {
        var minute: Int
        var vendor: String
        var model: String

        init(_ record: borrowing Record) {
            minute = record.acceptedMicroseconds / 60_000_000
            vendor = record.vendor
            model = record.model
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
        guard RequestWork.isBilled(method: record.method, target: record.target) else { return }
        if record.usageState == .unknown { withoutUsage += 1 }
        inputTokens.add(record.usage.input ?? 0)
        outputTokens.add(record.usage.output ?? 0)
        cacheReadTokens.add(record.usage.cacheRead ?? 0)
        reasoningTokens.add(record.usage.reasoning ?? 0)
        costNanodollars.add(record.costNanodollars ?? 0)
    }

    mutating func add(_ other: Rollup) {
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
        contentTimes.add(other.contentTimes)
    }

    /// The columns of sums, in the order in which they are read and written.
    static let columns = """
        calls, failed, failovers, input_tokens, output_tokens, cache_read_tokens, reasoning_tokens,
        without_usage, cost_nanodollars, without_cost, content_times
        """

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
    private static let selectRollup = """
        SELECT \(Rollup.columns) FROM rollups WHERE minute = ? AND vendor = ? AND model = ?
        """

    private static let replaceRollup = """
        INSERT OR REPLACE INTO rollups (minute, vendor, model, \(Rollup.columns))
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    /// Adds to the sums of minutes.
    static func add(_ rollups: [Rollup.Key: Rollup], _ db: Database) throws {
        var replacement = try Insertion(replaceRollup, db)
        let selection = try db.cachedStatement(sql: selectRollup)
        for (key, rollup) in rollups {
            var sum = rollup
            let arguments: StatementArguments = [key.minute, key.vendor, key.model]
            if let known = try Row.fetchOne(selection, arguments: arguments) {
                sum.add(Rollup(known))
            }
            replacement.bind(key.minute)
            replacement.bind(key.vendor)
            replacement.bind(key.model)
            sum.bind(to: &replacement)
            try replacement.execute()
        }
    }

    /// One line of statistics.
    public struct Statistic: Equatable, Sendable {
        /// The vendor's name.
        public var vendor: String
        /// The model asked for.
        public var model: String
        /// The sums.
        public var sums: Rollup
    }

    /// Sums by vendor and model, the most called first.
    ///
    /// A filter of time, vendor and model alone reads whole minutes. Any other filter, and a cost
    /// by other prices, reads the records.
    public func statistics(
        _ filter: RecordFilter, repricedBy prices: PriceTable? = nil
    ) throws -> [Statistic] {
        var sums: [[String]: Rollup] = [:]
        if filter.isBroad, prices == nil {
            try database.read { db in
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT \(Rollup.columns), vendor, model FROM rollups
                        WHERE minute >= ? AND minute < ?
                        AND (?3 IS NULL OR vendor = ?3) AND (?4 IS NULL OR model GLOB ?4)
                        """,
                    arguments: [
                        (filter.since ?? 0) / 60_000_000,
                        filter.until.map { ($0 + 59_999_999) / 60_000_000 } ?? Int.max,
                        filter.vendor, filter.model,
                    ])
                while let row = try rows.next() {
                    sums[[row["vendor"], row["model"]], default: Rollup()].add(Rollup(row))
                }
            }
        } else {
            try eachRecord(filter, withBodies: false) { stored in
                let record = prices.map { stored.record.repriced(by: $0) } ?? stored.record
                sums[[record.vendor, record.model], default: Rollup()].add(record)
            }
        }
        return sums.map { Statistic(vendor: $0.key[0], model: $0.key[1], sums: $0.value) }
            .sorted { ($1.sums.calls, $0.vendor, $0.model) < ($0.sums.calls, $1.vendor, $1.model) }
    }
}
