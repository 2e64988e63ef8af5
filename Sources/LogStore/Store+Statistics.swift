import Dialects
import GRDB
import Primitives

extension Store {
    /// One line of statistics.
    public struct Statistic: Equatable, Sendable {
        /// The group, a name for each dimension.
        public var names: [String]
        /// The sums.
        public var sums: Rollup
    }

    /// Sums by these dimensions, the most called first.
    ///
    /// Sums of whole minutes are read where they know all that is asked about, else those of whole
    /// hours, with the records of the hours that are asked for in part. Any other filter or
    /// dimension, and a cost by other prices, reads the records.
    ///
    /// `withTimes`: whether times to the first content are wanted; to read them off sums costs as
    /// much as all else.
    public func statistics(
        _ filter: RecordFilter, by dimensions: [Dimension] = [.vendor, .model],
        repricedBy prices: PriceTable? = nil, withTimes: Bool = true
    ) throws -> [Statistic] {
        var sums: [[String]: Rollup] = [:]
        let period = Rollup.Period.allCases.first { period in
            prices == nil && filter.isKnown(to: period)
                && dimensions.allSatisfy(period.dimensions.contains)
        }
        var rest = [filter]
        if let period {
            let (numbers, edges) = try periods(filter, period)
            try addSums(
                of: period, numbers, filter, dimensions, withTimes: withTimes, to: &sums)
            rest = edges
        }
        for filter in rest {
            try eachRecord(filter, of: prices == nil ? .summedUp : .records) { _, record in
                let record = prices.map { record.repriced(by: $0) } ?? record
                sums[dimensions.map { $0.name(of: record) }, default: Rollup()].add(record)
            }
        }
        return sums.map { Statistic(names: $0.key, sums: $0.value) }
            .sorted { Self.isFirst($0.sums.calls, $0.names, before: $1.sums.calls, $1.names) }
    }

    /// The periods that a filter asks for, and what it asks for beside them: nothing where parts of
    /// minutes are rounded to whole ones.
    func periods(
        _ filter: RecordFilter, _ period: Rollup.Period
    ) throws -> (numbers: Range<Int>, edges: [RecordFilter]) {
        let length = period.microseconds
        let since = max(filter.since ?? 0, 0)
        let until = filter.until.map { max($0, 0) }
        if period == .minute {
            let end = until.map { $0 / length + ($0 % length > 0 ? 1 : 0) } ?? .max
            return (since / length..<max(end, since / length), [])
        }
        let begin = try database.read { db in
            try Int.fetchOne(db, sql: "SELECT hour FROM \(period.table)_begin") ?? 0
        }
        let first = max(begin, since / length + (since % length > 0 ? 1 : 0))
        let end = until.map { $0 / length } ?? .max
        // None is whole.
        guard first <= end else { return (first..<first, [filter]) }
        var edges: [RecordFilter] = []
        if since < first * length {
            var before = filter
            before.until = first * length
            edges.append(before)
        }
        if let until, until % length > 0 {
            var behind = filter
            behind.since = end * length
            edges.append(behind)
        }
        return (first..<end, edges)
    }

    private func addSums(
        of period: Rollup.Period, _ numbers: Range<Int>, _ filter: RecordFilter,
        _ dimensions: [Dimension], withTimes: Bool, to sums: inout [[String]: Rollup]
    ) throws {
        let (sql, arguments) = filter.condition(onSumsOf: period, in: numbers)
        let columns =
            [withTimes ? Rollup.columns : Rollup.columnsWithoutTimes] + dimensions.map(\.column)
        try database.read { db in
            let reader = NameReader(db)
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(columns.joined(separator: ", ")) FROM \(period.table) WHERE \(sql)
                    """,
                arguments: arguments)
            while let row = try rows.next() {
                let names = try dimensions.indices.map {
                    try reader.text(row, Rollup.columnCount + $0)
                }
                sums[names, default: Rollup()].add(Rollup(row))
            }
        }
    }

    /// Sums of attempts by these dimensions, the most tried first.
    ///
    /// `filter.vendor` is the vendor of the attempt here, whichever answered in the end.
    public func attemptStatistics(
        _ filter: RecordFilter, by dimensions: [Dimension] = [.vendor, .model]
    ) throws -> [AttemptSums] {
        var filter = filter
        let vendor = filter.vendor
        filter.vendor = nil
        var sums: [[String]: AttemptSums] = [:]
        try eachWithAttempts(filter) { record in
            for index in record.attempts.indices {
                if let vendor, record.attempts[index].vendor != vendor { continue }
                let names = dimensions.map { $0.name(of: record.attempts[index], in: record) }
                sums[names, default: AttemptSums(names: names)].add(
                    record.attempts[index], isAnswer: index + 1 == record.answered)
            }
        }
        return sums.values.sorted {
            Self.isFirst($0.attempts, $0.names, before: $1.attempts, $1.names)
        }
    }

    /// Lends the records that a filter asks for, with what sums of attempts are made of, and no
    /// more: nothing else of a row's details becomes a text.
    private func eachWithAttempts(
        _ filter: RecordFilter, _ body: (borrowing Record) -> Void
    ) throws {
        try database.read { db in
            let names = NameReader(db)
            let (sql, arguments) = filter.condition
            let rows = try Row.fetchCursor(
                db, sql: "SELECT model, chain, key, session, details FROM exchanges WHERE \(sql)",
                arguments: arguments)
            var record = Record(Identifier(high: 0, low: 0))
            while let row = try rows.next() {
                record.model = try names.text(row, 0)
                record.chain = try names.text(row, 1)
                record.key = try names.text(row, 2)
                record.session = try names.text(row, 3)
                record.attempts.removeAll(keepingCapacity: true)
                record.answered = 0
                record.group = ""
                let details: Bytes = row[4]
                _ = try RecordDetails.read(
                    details.bytes.span, into: &record, wanted: RecordDetails.wantedForAttempts,
                    names.text)
                body(record)
            }
            try Self.eachOld(db, filter, of: .summedUp) { _, record in body(record) }
        }
    }

    /// The larger count comes first; of equal ones the name does.
    private static func isFirst(
        _ count: Int, _ names: [String], before other: Int, _ others: [String]
    ) -> Bool {
        count == other ? names.lexicographicallyPrecedes(others) : count > other
    }

    /// Lends the records that a filter asks for; of those of earlier versions a selection of their
    /// columns.
    func eachRecord(
        _ filter: RecordFilter, of columns: ColumnSelection,
        _ body: (Int64, Record) throws -> Void
    ) throws {
        try database.read { db in
            _ = try eachExchange(db, filter.condition, "", [], withBodies: false) {
                try body($0.number, $0.record)
                return true
            }
            try Self.eachOld(db, filter, of: columns, body)
        }
    }

    // In the transaction that reads the others: a row that is moved meanwhile is in one of both.
    private static func eachOld(
        _ db: Database, _ filter: RecordFilter, of columns: ColumnSelection,
        _ body: (Int64, Record) throws -> Void
    ) throws {
        let (sql, arguments) = filter.oldCondition
        let rows = try Row.fetchCursor(
            db, sql: "SELECT number, \(columns.names) FROM records WHERE \(sql)",
            arguments: arguments)
        while let row = try rows.next() { try body(row[0], columns.record(row)) }
    }
}

/// Attempts of one kind, summed up.
public struct AttemptSums: Equatable, Sendable {
    /// The group, a name for each dimension.
    public var names: [String]
    /// Attempts.
    public var attempts = 0
    /// Those whose response the client got.
    public var answers = 0
    /// Those that failed, by the class of failure; an answer that is an error is one of them.
    public var failures: [String: Int] = [:]
    /// From an attempt's beginning to the vendor's head.
    public var headTimes = TimeHistogram()

    init(names: [String]) {
        self.names = names
    }

    mutating func add(_ attempt: borrowing Record.Attempt, isAnswer: Bool) {
        attempts += 1
        if isAnswer { answers += 1 }
        let errorClass = attempt.errorClass
        if !errorClass.isEmpty { failures[errorClass, default: 0] += 1 }
        if let head = attempt.headMicroseconds {
            headTimes.add(microseconds: head - attempt.beganMicroseconds)
        }
    }
}
