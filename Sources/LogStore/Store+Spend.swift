import GRDB

/// What calls cost, by day and by all that money is asked by.
public struct Spend: Sendable {
    /// What it is summed up by.
    public static let dimensions: [Dimension] = [.key, .group, .model, .vendor, .chain]
    /// The sums of each day, by its number since 1970, in UTC.
    public fileprivate(set) var days: [Int: Rollup] = [:]
    /// The sums by name, for each of the dimensions in their order.
    public fileprivate(set) var by = dimensions.map { _ in [String: Rollup]() }

    fileprivate mutating func add(_ sums: Rollup, day: Int, _ names: [String]) {
        days[day, default: Rollup()].add(sums)
        for index in names.indices { by[index][names[index], default: Rollup()].add(sums) }
    }
}

extension Store {
    private static let hoursOfDay = 24

    /// What of a row of sums is kept together: its day, and the numbers or texts of its names.
    private struct SpendKey: Hashable {
        var day: Int
        var names: [DatabaseValue]
    }

    /// Sums of whole hours from the one of `since` on, without times to the first content: those
    /// take most of the time that it takes to read sums.
    ///
    /// Calls of an earlier version, which no sum knows yet, are read from the records.
    public func spend(since: Int) throws -> Spend {
        let period = Rollup.Period.session
        var filter = RecordFilter()
        filter.since = max(0, since / period.microseconds * period.microseconds)
        let (hours, rest) = try periods(filter, period)
        var sums: [SpendKey: Rollup] = [:]
        var spend = Spend()
        try database.read { db in
            let columns = Spend.dimensions.map(\.column).joined(separator: ", ")
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(Rollup.columnsWithoutTimes), hour, \(columns) FROM \(period.table)
                    WHERE hour >= ? AND hour < ?
                    """,
                arguments: [hours.lowerBound, hours.upperBound])
            while let row = try rows.next() {
                let hour: Int = row[Rollup.columnCount]
                let names: [DatabaseValue] = Spend.dimensions.indices.map {
                    row[Rollup.columnCount + 1 + $0]
                }
                sums[SpendKey(day: hour / Self.hoursOfDay, names: names), default: Rollup()]
                    .add(Rollup(row))
            }
            let reader = NameReader(db)
            for (key, sum) in sums {
                let names = try key.names.map { try reader.text(of: $0) }
                spend.add(sum, day: key.day, names)
            }
        }
        for filter in rest {
            try eachRecord(filter, of: .summedUp) { _, record in
                var sum = Rollup()
                sum.add(record)
                let hour = record.acceptedMicroseconds / period.microseconds
                spend.add(
                    sum, day: hour / Self.hoursOfDay,
                    Spend.dimensions.map { $0.name(of: record) })
            }
        }
        return spend
    }
}
