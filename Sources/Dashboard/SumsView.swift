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

    /// What calls cost since a moment's hour: by day, and by key, group, model, vendor and chain.
    static func spend(since: Int, _ store: Store) throws -> JSONValue {
        let hour = 3_600_000_000
        let now = Int(Identifier.wallClockMilliseconds()) * 1000
        let spend = try store.spend(since: since)
        let by = zip(Spend.dimensions, spend.by).map { dimension, sums in
            let sorted = sums.sorted { ($1.value.calls, $0.key) < ($0.value.calls, $1.key) }
            return JSONValue.Member(
                dimension.rawValue,
                .array(
                    sorted.map { name, sums in
                        .object([JSONValue.Member(dimension.rawValue, .string(name))] + own(sums))
                    }))
        }
        let first = max(since / dayLength, now / dayLength - daysMax + 1)
        let days = (first...max(first, now / dayLength)).map { day in
            JSONValue.object(
                JSONValue.list(["day": .string(name(ofDay: day))])
                    + own(spend.days[day] ?? Rollup()))
        }
        return .members([
            "since": .moment(since / hour * hour), "by": .object(by), "days": .array(days),
        ])
    }

    /// Sums without times to the first content, which are not read for them.
    private static func own(_ sums: Rollup) -> [JSONValue.Member] {
        sums.members.filter { !$0.name.hasPrefix("content_us") }
    }

    private static func name(ofDay day: Int) -> String {
        String(Timestamp.text(microseconds: day * dayLength).prefix(10))
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
            let vendors = lines.map { json($0, [.vendor]) }
            return JSONValue.object(
                JSONValue.list(["day": .string(name(ofDay: day)), "vendors": .array(vendors)])
                    + sums.members)
        }
        return .members(["days": .array(days)])
    }
}
