import Dialects
import GRDB
import Primitives

/// The calls of a minute to one vendor and model, or of an hour of one kind, summed up.
///
/// Statistics over millions of records read thousands of these instead.
public struct Rollup: Equatable, Sendable {
    /// What sums are kept of: a length of time, and what they are kept by.
    enum Period: CaseIterable {
        case minute, hour
        /// Hours by all there is: some more rows, which hold numbers of names.
        case session

        var microseconds: Int { self == .minute ? 60_000_000 : 3_600_000_000 }
        /// The column of its number.
        var column: String { self == .minute ? "minute" : "hour" }
        var table: String {
            switch self {
            case .minute: "rollups"
            case .hour: "hours"
            case .session: "session_hours"
            }
        }
        /// What its sums are kept by.
        var dimensions: [Dimension] {
            switch self {
            case .minute: [.vendor, .model]
            case .hour: [.vendor, .model, .chain, .key, .errorClass]
            case .session: [.vendor, .model, .chain, .key, .errorClass, .session, .group]
            }
        }
    }

    /// The slots of names, by the dimensions of ``Period/session``.
    private static let slots = [
        ExchangeTable.Slot.vendor, ExchangeTable.Slot.model, ExchangeTable.Slot.chain,
        ExchangeTable.Slot.key, ExchangeTable.Slot.errorClass, ExchangeTable.Slot.session, 52,
    ]

    /// Which calls.
    struct Key: Hashable {
        var number: Int
        var names: [String]

        private static let dimensions = Period.session.dimensions

        init(_ record: borrowing Record) {
            number = record.acceptedMicroseconds / Period.minute.microseconds
            names = []
            let dimensions = Self.dimensions
            names.reserveCapacity(dimensions.count)
            for dimension in dimensions { names.append(dimension.name(of: record)) }
        }

        /// Whether a call is one of them.
        func holds(_ record: borrowing Record) -> Bool {
            guard number == record.acceptedMicroseconds / Period.minute.microseconds
            else { return false }
            let dimensions = Self.dimensions
            for index in dimensions.indices
            where names[index] != dimensions[index].name(of: record) { return false }
            return true
        }

        /// The same calls among those of a longer period, or of less that is kept apart.
        func folded(to period: Period) -> Key {
            var key = self
            key.number =
                period == .minute
                ? number : number * Period.minute.microseconds / period.microseconds
            key.names.removeLast(names.count - period.dimensions.count)
            return key
        }
    }

    /// Sums on their way to the store, by what they are of: minutes, by all there is.
    struct Gathered {
        private var sums: [Key: Rollup] = [:]
        // Calls are mostly like the one before.
        private var last: Key?
        private var lastSum = Rollup()

        fileprivate var isEmpty: Bool { sums.isEmpty && last == nil }

        mutating func add(_ record: borrowing Record) {
            let isLikeLast = last.map { $0.holds(record) } ?? false
            if !isLikeLast {
                settleLast()
                last = Key(record)
            }
            lastSum.add(record)
        }

        private mutating func settleLast() {
            guard let key = last else { return }
            sums[key, default: Rollup()].add(lastSum)
            last = nil
            lastSum = Rollup()
        }

        fileprivate func folded(to period: Period) -> [Key: Rollup] {
            var all = self
            all.settleLast()
            var result: [Key: Rollup] = [:]
            for (key, sum) in all.sums {
                result[key.folded(to: period), default: Rollup()].add(sum)
            }
            return result
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

    /// The same, with no times to the first content.
    static let columnsWithoutTimes = columns.replacingScalars(
        "content_times", with: "'' AS content_times")

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

extension Rollup {
    /// The columns of sums, as they are declared.
    private static let declarations = """
        calls INTEGER NOT NULL, failed INTEGER NOT NULL, failovers INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
        without_usage INTEGER NOT NULL, cost_nanodollars INTEGER NOT NULL,
        without_cost INTEGER NOT NULL, content_times TEXT NOT NULL, unbilled INTEGER NOT NULL
        """

    /// Makes the sums of hours by session, and what says from which hour on they are whole: those
    /// before are when the records of before have been moved.
    static let sessionSchema = [
        """
        CREATE TABLE session_hours (
            hour INTEGER NOT NULL, vendor ANY NOT NULL, model ANY NOT NULL, chain ANY NOT NULL,
            key ANY NOT NULL, class ANY NOT NULL, session ANY NOT NULL, key_group ANY NOT NULL,
            \(declarations),
            PRIMARY KEY (hour, session, vendor, model, chain, key, class, key_group)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE TABLE session_hours_begin (hour INTEGER NOT NULL) STRICT",
        """
        INSERT INTO session_hours_begin
        SELECT ifnull(max(accepted_us) / 3600000000 + 1, 0) FROM records
        """,
    ]

    private static let minuteStatements = statements(.minute)
    private static let hourStatements = statements(.hour)
    private static let sessionStatements = statements(.session)

    private static func statements(_ period: Period) -> (select: String, replace: String) {
        let keys = [period.column] + period.dimensions.map(\.column)
        let marks = (0..<keys.count + columnCount).map { _ in "?" }
        return (
            "SELECT \(columns) FROM \(period.table) WHERE "
                + keys.map { "\($0) = ?" }.joined(separator: " AND "),
            "INSERT OR REPLACE INTO \(period.table) (\(keys.joined(separator: ", ")), "
                + "\(columns)) VALUES (\(marks.joined(separator: ", ")))"
        )
    }

    /// Adds to the sums of one period.
    static func add(
        _ gathered: Gathered, to period: Period, _ names: inout NameWriter, _ db: Database
    ) throws {
        guard !gathered.isEmpty else { return }
        let statements =
            switch period {
            case .minute: minuteStatements
            case .hour: hourStatements
            case .session: sessionStatements
            }
        var replacement = try Insertion(statements.replace, db)
        let selection = try db.cachedStatement(sql: statements.select)
        for (key, rollup) in gathered.folded(to: period) {
            let day = NameTable.day(ofMicroseconds: key.number * period.microseconds)
            var values: [any DatabaseValueConvertible] = []
            replacement.bind(key.number)
            for (index, name) in key.names.enumerated() {
                if period == .session,
                    let number = try names.number(of: name, day: day, slot: slots[index])
                {
                    values.append(number)
                    replacement.bind(Int(number))
                } else {
                    values.append(name)
                    replacement.bind(name)
                }
            }
            var sum = rollup
            let arguments = StatementArguments([key.number]) + StatementArguments(values)
            if let known = try Row.fetchOne(selection, arguments: arguments) {
                sum.add(Rollup(known))
            }
            sum.bind(to: &replacement)
            try replacement.execute()
        }
    }
}

extension Store {
    /// Adds to all sums.
    static func add(
        _ gathered: Rollup.Gathered, _ names: inout NameWriter, _ db: Database
    ) throws {
        for period in Rollup.Period.allCases {
            try Rollup.add(gathered, to: period, &names, db)
        }
    }
}
