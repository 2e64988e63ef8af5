import JSON
import LogStore
import Primitives

/// The last hour, minute by minute.
///
/// A minute that is long over does not change: only the last few are asked for again.
struct MinuteSeries {
    private static let count = 60
    /// Records are stored when calls end, and a minute's sums may grow for as long as they last.
    private static let changing = 5
    private static let length = 60_000_000

    private var sums: [Int: Rollup] = [:]

    mutating func update(_ store: Store) throws {
        let last = Int(Identifier.wallClockMilliseconds()) * 1000 / Self.length
        let first = last - Self.count + 1
        for minute in sums.keys where minute < first { sums[minute] = nil }
        for minute in first...last where sums[minute] == nil || minute > last - Self.changing {
            var filter = RecordFilter()
            filter.since = minute * Self.length
            filter.until = (minute + 1) * Self.length
            sums[minute] = try store.statistics(filter, by: []).first?.sums ?? Rollup()
        }
    }

    /// The minutes in order, the one that has not ended last.
    var json: JSONValue {
        .array(
            sums.sorted { $0.key < $1.key }.map { minute, sums in
                .object(
                    JSONValue.list(["from": .moment(minute * Self.length)]) + sums.members)
            })
    }
}
