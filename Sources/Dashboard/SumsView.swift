import JSON
import LogStore
import Primitives

/// Sums as the page shows them.
enum SumsView {
    private static let dayLength = 86_400_000_000
    private static let daysMax = 92

    static func json(_ line: Store.Statistic, _ dimensions: [Dimension]) -> JSONValue {
        let names = zip(dimensions, line.names).map {
            JSONValue.Member($0.rawValue, .string($1))
        }
        return .object(names + line.sums.members)
    }

    /// The sums of each day, in UTC, with those of its vendors.
    static func days(_ filter: RecordFilter, _ store: Store) throws -> JSONValue {
        let now = Int(Identifier.wallClockMilliseconds()) * 1000
        let end = min(filter.until ?? now, now)
        let last = end / dayLength
        let first = max((filter.since ?? end) / dayLength, last - daysMax + 1)
        guard first <= last else { return .members(["days": .array([])]) }
        let days = try (first...last).map { day in
            var own = filter
            own.since = max(filter.since ?? 0, day * dayLength)
            own.until = min(filter.until ?? .max, (day + 1) * dayLength)
            let lines = try store.statistics(own, by: [.vendor])
            var sums = Rollup()
            for line in lines { sums.add(line.sums) }
            let name = String(Timestamp.text(microseconds: day * dayLength).prefix(10))
            let vendors = lines.map { json($0, [.vendor]) }
            return JSONValue.object(
                JSONValue.list(["day": .string(name), "vendors": .array(vendors)])
                    + sums.members)
        }
        return .members(["days": .array(days)])
    }
}
