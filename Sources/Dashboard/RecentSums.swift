import JSON
import LogStore
import Primitives

/// What has failed lately, by its kind, and how each vendor has done in the last minutes.
///
/// Both are read from sums alone: minutes know vendors, hours know kinds of failure.
struct RecentSums {
    private static let minutes = 10
    private static let minute = 60_000_000
    private static let hour = 3_600_000_000
    /// How long an answer is good for, however often it is asked for.
    private static let lifetime = Interval.seconds(2)

    private var askedAt: Instant?
    private(set) var members: [JSONValue.Member] = [
        JSONValue.Member("failures", .array([])), JSONValue.Member("recent", .array([])),
    ]

    mutating func update(_ store: Store) throws {
        let now = Instant.now()
        if let askedAt, now - askedAt < Self.lifetime { return }
        let wall = Int(Identifier.wallClockMilliseconds()) * 1000
        var failed = RecordFilter()
        // Whole hours, whose sums are there: the one before is in it, too.
        let since = (wall / Self.hour - 1) * Self.hour
        failed.since = since
        let failures = try store.statistics(failed, by: [.errorClass, .vendor])
            .filter { $0.names[0] != "" }
        var filter = RecordFilter()
        filter.since = wall - Self.minutes * Self.minute
        let recent = try store.statistics(filter, by: [.vendor])
        members = JSONValue.list([
            "failures_since": .moment(since),
            "failures": .array(
                failures.map {
                    .members([
                        "class": .string($0.names[0]), "vendor": .string($0.names[1]),
                        "calls": .int($0.sums.calls),
                    ])
                }),
            "recent_minutes": .int(Self.minutes),
            "recent": .array(recent.map { SumsView.json($0, [.vendor]) }),
        ])
        askedAt = now
    }
}
