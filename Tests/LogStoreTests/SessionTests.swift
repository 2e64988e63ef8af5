import Dialects
import GRDB
import Primitives
import Support
import Testing

@testable import LogStore

private typealias Record = LogStore.Record

@Suite("Sessions and statistics")
struct SessionTests {
    private static func record(
        _ number: UInt64, session: String, agent: String = "", at seconds: Int,
        _ change: (inout Record) -> Void = { _ in }
    ) -> Record {
        var record = Record(Identifier(high: 1, low: number))
        record.exchange = number
        record.method = "POST"
        record.target = "/v1/messages"
        record.acceptedMicroseconds = seconds * 1_000_000
        record.endMicroseconds = 500_000
        record.session = session
        record.agent = agent
        record.vendor = "v"
        record.model = "m"
        record.outcome = "complete"
        record.status = 200
        record.usage.input = 100
        record.usage.cacheRead = 90
        record.usageState = .reported
        change(&record)
        return record
    }

    private static func store(_ records: [Record]) throws -> (ScratchFolder, Store) {
        let folder = try ScratchFolder("sessions")
        let store = try Store(folder: folder.path)
        try store.insert(records)
        return (folder, store)
    }

    @Test("the latest session comes first, its agents in the order of their first calls")
    func order() throws {
        let (folder, store) = try Self.store([
            Self.record(1, session: "s", at: 100), Self.record(2, session: "s1", at: 200),
            Self.record(3, session: "s", agent: "b", at: 300) { $0.parentAgent = "a" },
            Self.record(4, session: "s", agent: "a", at: 250) { $0.status = 500 },
            Self.record(5, session: "", at: 400),
            // It ended before the others, and was stored behind them.
            Self.record(6, session: "s", at: 50) { $0.costNanodollars = 7 },
        ])
        defer { _ = folder }
        let sessions = try store.sessions(RecordFilter(), limit: 10, withCalls: true)
        #expect(sessions.map(\.name) == ["s", "s1"])
        let first = try #require(sessions.first)
        #expect(first.began == 50_000_000 && first.ended == 300_500_000)
        #expect(first.sums.calls == 4 && first.sums.failed == 1)
        #expect(first.sums.cacheReadTokens == 360)
        #expect(first.sums.priced == 1 && first.sums.billed == 4)
        #expect(first.agents.map(\.name) == ["", "a", "b"])
        #expect(first.agents.map(\.parent) == ["", "", "a"])
        let calls: [[UInt64]] = first.agents.map { agent in
            agent.calls.map(\.record.identifier.low)
        }
        #expect(calls == [[6, 1], [4], [3]])
        #expect(try store.sessions(RecordFilter(), limit: 1).map(\.name) == ["s"])
        #expect(try store.sessions(RecordFilter(), limit: 1)[0].agents[0].calls.isEmpty)
        var filter = RecordFilter()
        filter.until = 240_000_000
        #expect(try store.sessions(filter, limit: 9).map(\.sums.calls) == [1, 2])
        filter = RecordFilter()
        filter.session = "s1"
        #expect(try store.sessions(filter, limit: 9).map(\.name) == ["s1"])
    }

    @Test("filters by session, client and class find what they say")
    func filters() throws {
        let (folder, store) = try Self.store([
            Self.record(1, session: "abc", at: 1) { $0.client = "192.0.2.7" },
            Self.record(2, session: "abd", at: 2) { $0.client = "2001:db8::1" },
            Self.record(3, session: "", at: 3) { $0.status = 429 },
            Self.record(4, session: "ab\u{10FFFF}x", at: 4) { $0.outcome = "truncated" },
        ])
        defer { _ = folder }
        func found(_ change: (inout RecordFilter) -> Void) throws -> [Int] {
            var filter = RecordFilter()
            change(&filter)
            return try store.records(filter, limit: 9).map { Int($0.record.identifier.low) }
        }
        #expect(try found { $0.session = "abc" } == [1])
        #expect(try found { $0.session = "ab" } == [2, 1])
        #expect(try found { $0.session = "b" } == [])
        #expect(try found { $0.client = "192.0.2.7" } == [1])
        #expect(try found { $0.client = "2001:*" } == [2])
        #expect(try found { $0.errorClass = "status" } == [3])
        #expect(try found { $0.errorClass = "truncated" } == [4])
    }

    @Test("sums by minute and records give the same statistics, by any dimension they share")
    func ways() throws {
        let records = (0..<40).map { number in
            Self.record(UInt64(number), session: "s\(number % 3)", at: number * 7) {
                $0.vendor = "v\(number % 2)"
                $0.chain = number % 5 == 0 ? "main" : ""
                $0.key = "k\(number % 4)"
                $0.status = number % 7 == 0 ? 500 : 200
                $0.method = number % 10 == 3 ? "GET" : "POST"
                $0.costNanodollars = number % 2 == 0 ? number : nil
                $0.contentMicroseconds = number * 1000
            }
        }
        let (folder, store) = try Self.store(records)
        defer { _ = folder }
        for dimensions in [
            [.vendor, .model], [.chain], [.key, .errorClass], [.errorClass, .chain, .vendor],
        ] as [[Dimension]] {
            let sums = try store.statistics(RecordFilter(), by: dimensions)
            var all = RecordFilter()
            // It excludes nothing, and the sums do not know it.
            all.after = 0
            #expect(try store.statistics(all, by: dimensions) == sums)
            #expect(sums.reduce(0) { $0 + $1.sums.calls } == 40)
        }
        var filter = RecordFilter()
        filter.chain = "main"
        filter.errorClass = "status"
        #expect(try store.statistics(filter, by: [.key]).map(\.names) == [["k0"], ["k3"]])
        let sessions = try store.statistics(RecordFilter(), by: [.session])
        #expect(sessions.map(\.names) == [["s0"], ["s1"], ["s2"]])
        #expect(sessions.map(\.sums.calls) == [14, 13, 13])
    }

    @Test(
        "names by the thousand stay apart, and times that are not wanted are left out"
    )
    func many() throws {
        let (folder, store) = try Self.store(
            (1...2500).map { number in
                Self.record(UInt64(number), session: "s\(number % 2400)", at: number) {
                    $0.contentMicroseconds = 7
                }
            })
        defer { _ = folder }
        let lines = try store.statistics(RecordFilter(), by: [.session])
        #expect(Set(lines.map { $0.names[0] }) == Set((0..<2400).map { "s\($0)" }))
        #expect(lines.count { $0.sums.calls == 2 } == 100)
        #expect(lines.allSatisfy { $0.sums.contentTimes.count == $0.sums.calls })
        let others = try store.statistics(RecordFilter(), by: [.session], withTimes: false)
        #expect(others.map(\.names) == lines.map(\.names))
        #expect(others.allSatisfy { $0.sums.contentTimes.count == 0 })
        #expect(others.map(\.sums.inputTokens) == lines.map(\.sums.inputTokens))
    }

    @Test("attempts count for the vendor that was asked, whichever answered")
    func attempts() throws {
        typealias Attempt = LogStore.Record.Attempt
        let (folder, store) = try Self.store([
            Self.record(1, session: "s", at: 1) {
                $0.answered = 2
                $0.attempts = [
                    Attempt(vendor: "a", failedMicroseconds: 5, failure: "timeout"),
                    Attempt(vendor: "b", model: "n", beganMicroseconds: 10, headMicroseconds: 30),
                ]
            },
            Self.record(2, session: "s", at: 2) {
                $0.answered = 1
                $0.attempts = [Attempt(vendor: "a", headMicroseconds: 20, status: 200)]
            },
            // The only target: its error is the answer.
            Self.record(3, session: "s", at: 3) {
                $0.answered = 1
                $0.attempts = [Attempt(vendor: "a", headMicroseconds: 20, status: 503)]
            },
        ])
        defer { _ = folder }
        let sums = try store.attemptStatistics(RecordFilter())
        #expect(sums.map(\.names) == [["a", "m"], ["b", "n"]])
        #expect(sums.map(\.attempts) == [3, 1] && sums.map(\.answers) == [2, 1])
        #expect(sums.map(\.failures) == [["timeout": 1, "status": 1], [:]])
        #expect(sums.map { $0.headTimes.percentile(0.5) } == [20, 20])
        var filter = RecordFilter()
        filter.vendor = "b"
        #expect(
            try store.attemptStatistics(filter, by: [.session, .vendor]).map(\.names) == [
                ["s", "b"]
            ])
        #expect(
            try store.attemptStatistics(RecordFilter(), by: [.errorClass]).map(\.names)
                == [[""], ["status"], ["timeout"]])
    }

    @Test("hours that are asked for in part are counted to the microsecond")
    func edges() throws {
        let hour = 3_600_000_000
        let times = [0, 1, hour - 1, hour, hour + 1, 2 * hour, 3 * hour - 1, 3 * hour, 9 * hour]
        let (folder, store) = try Self.store(
            times.enumerated().map { number, time in
                Self.record(UInt64(number), session: "s", at: 0) {
                    $0.acceptedMicroseconds = time
                }
            })
        defer { _ = folder }
        let bounds: [Int?] = [nil] + times.map { $0 } + [hour / 2, 2 * hour + 5, 20 * hour]
        for since in bounds {
            for until in bounds {
                var filter = RecordFilter()
                filter.since = since
                filter.until = until
                let wanted = times.count { $0 >= since ?? 0 && $0 < until ?? .max }
                let found = try store.statistics(filter, by: [.key]).first?.sums.calls ?? 0
                #expect(found == wanted, "\(since ?? -1) \(until ?? -1)")
            }
        }
    }

    @Test("a store of before keeps its sums, and its hours are read from records")
    func migration() throws {
        let database = try DatabaseQueue()
        let migrator = Store.migrator()
        try migrator.migrate(database, upTo: "1: records")
        try database.write { db in
            try db.execute(
                sql: """
                    INSERT INTO rollups VALUES (3, 'v', 'm', 5, 1, 0, 10, 20, 0, 0, 0, 7, 2, '1:5')
                    """)
            let first = RecordTable.records.columns.filter { $0.number <= 42 }
            let values = first.map { column in
                switch column.name {
                case "outcome": "'complete'"
                case "status": "500"
                case "key": "'k'"
                default: column.declaration.hasPrefix("TEXT") ? "''" : "1"
                }
            }
            try db.execute(
                sql: """
                    INSERT INTO records (\(first.map(\.name).joined(separator: ", ")))
                    VALUES (\(values.joined(separator: ", ")))
                    """)
        }
        try migrator.migrate(database)
        let minute = try database.read { db in
            try Row.fetchOne(db, sql: "SELECT \(Rollup.columns) FROM rollups")
        }
        let sums = Rollup(try #require(minute))
        #expect(sums.calls == 5 && sums.costNanodollars == 7)
        #expect(sums.priced == 3 && sums.billed == 5)
        let begin = try database.read { db in
            try Int.fetchOne(db, sql: "SELECT hour FROM hours_begin")
        }
        #expect(begin == 1)
        let plan = try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    EXPLAIN QUERY PLAN SELECT session FROM exchanges
                    WHERE session <> 0 GROUP BY session ORDER BY max(accepted_us) DESC
                    """
            ).map { $0["detail"] as String }
        }
        #expect(plan.contains { $0.contains("USING COVERING INDEX exchanges_session") })
    }

    @Test("hours before the first whole one are read from records, once")
    func begin() throws {
        let hour = 3_600_000_000
        let times = [1, hour, hour + 5, 2 * hour, 5 * hour]
        let (folder, store) = try Self.store(
            times.enumerated().map { number, time in
                Self.record(UInt64(number), session: "s", at: 0) {
                    $0.acceptedMicroseconds = time
                }
            })
        defer { _ = folder }
        for begin in 0...6 {
            try store.database.write { db in
                try db.execute(sql: "UPDATE hours_begin SET hour = ?", arguments: [begin])
                // A version that did not sum up hours stored these.
                try db.execute(sql: "DELETE FROM hours WHERE hour < ?", arguments: [begin])
            }
            for since in [nil, 0, hour / 2, hour + 1] as [Int?] {
                for until in [nil, hour + 1, 3 * hour] as [Int?] {
                    var filter = RecordFilter()
                    filter.since = since
                    filter.until = until
                    let wanted = times.count { $0 >= since ?? 0 && $0 < until ?? .max }
                    let found = try store.statistics(filter, by: [.key]).first?.sums.calls ?? 0
                    #expect(found == wanted, "\(begin): \(since ?? -1) \(until ?? -1)")
                }
            }
        }
    }
}
