import Dialects
import GRDB
import Glibc
import JSON
import Journal
import Primitives
import Telemetry
import Testing

@testable import LogStore

private typealias Record = LogStore.Record

@Suite("Store")
struct StoreTests {
    private static func record(
        _ number: UInt64, at seconds: Int = 1_700_000_000, vendor: String = "openai",
        model: String = "m-1", outcome: String = "complete", status: Int = 200
    ) -> Record {
        var record = Record(Identifier(high: number, low: number))
        record.journal = "j"
        record.exchange = number
        record.acceptedMicroseconds = seconds * 1_000_000
        record.vendor = vendor
        record.model = model
        record.outcome = outcome
        record.status = status
        record.contentMicroseconds = Int(number) * 1000
        return record
    }

    private static func written(
        _ scratch: RecordScratch, _ records: [Record]
    ) throws -> Store {
        let store = try Store(folder: scratch.folder.path)
        var batch = Batch()
        batch.records = records
        batch.progress = [Batch.Progress(name: "j", cursor: 1)]
        _ = try store.write(batch, capture: Capture(bytesMax: 100))
        return store
    }

    @Test("a record comes back as it was stored")
    func roundTrip() throws {
        var record = Self.record(77)
        record.method = "POST"
        record.target = "/v1/x?key=<redacted>"
        record.dialect = .gemini
        record.chain = "main"
        record.answeringModel = "m-2"
        record.key = "00ff"
        record.answered = 2
        record.attempts = [
            Record.Attempt(
                vendor: "a", model: "b", beganMicroseconds: 1, headMicroseconds: 2,
                failedMicroseconds: 3, status: 429, failure: "rate_limit", curlCode: 56,
                reason: "why", wasSent: true),
            Record.Attempt(vendor: "c", isFresh: true, beganMicroseconds: 4),
        ]
        record.requestMicroseconds = 5
        record.headMicroseconds = 6
        record.lastByteMicroseconds = 8
        record.endMicroseconds = 9
        record.isStream = true
        record.requestBytes = 10
        record.responseBytes = 11
        record.usage.input = 12
        record.usage.output = 13
        record.usage.cacheRead = 14
        record.usage.cacheWrite = 15
        record.usage.cacheWriteLong = 16
        record.usage.reasoning = 17
        record.usage.audioInput = 18
        record.usage.audioOutput = 19
        record.usageState = .reported
        record.usageText = "{\"a\":1}"
        record.finishReason = "stop"
        record.errorKind = "kind"
        record.errorMessage = "message"
        record.costNanodollars = 20
        record.priceVersion = "v"
        record.droppedFrames = 21
        record.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        record.requestFields = "a: b\r\n"
        record.responseFields = "c: d\r\n"
        record.requestBody = Record.Body(bytes: [1, 2, 0, 255], totalBytes: 10)
        record.responseBody = Record.Body(bytes: [0xFF], totalBytes: 11)
        let scratch = try RecordScratch()
        let store = try Self.written(scratch, [record])
        let found = try #require(
            try store.records(named: record.identifier.description.lowercased()).first)
        #expect(found.record == record)
        let json = found.json(withBodies: true)
        #expect(json["request_body_base64"]?.text == "AQIA/w==")
        #expect(json["attempts"]?.elements?.count == 2)
        #expect(try JSONValue(parsing: Array("\(json)".utf8).span)["cost_usd"] != nil)
        let other = try Store(reading: scratch.folder.path)
        #expect(try other.records(RecordFilter(), limit: 10).count == 1)
    }

    @Test("what is stored twice is there once, and counted once")
    func twice() throws {
        let scratch = try RecordScratch()
        let store = try Self.written(scratch, [Self.record(1), Self.record(2), Self.record(1)])
        _ = try Self.written(scratch, [Self.record(2), Self.record(3)])
        #expect(try store.count(RecordFilter()) == 3)
        #expect(try store.progress(of: "j")?.stored == 3)
        #expect(try store.statistics(RecordFilter()).map(\.sums.calls) == [3])
    }

    @Test("filters find what they say, alone and together")
    func filters() throws {
        let scratch = try RecordScratch()
        var odd = Self.record(5, at: 1_700_000_300, vendor: "b", model: "claude-x", status: 429)
        odd.answeringModel = "claude-x-1"
        odd.key = "beef000000000000"
        odd.chain = "main"
        odd.requestBody = Record.Body(bytes: Array("a needle here".utf8), totalBytes: 13)
        let store = try Self.written(
            scratch,
            [
                Self.record(1), Self.record(2, outcome: "truncated"),
                Self.record(3, at: 1_700_000_100, status: 503), odd,
            ])
        func found(_ change: (inout RecordFilter) -> Void) throws -> [UInt64] {
            var filter = RecordFilter()
            change(&filter)
            let list = try store.records(filter, limit: 10).map(\.record.exchange)
            #expect(try store.count(filter) == list.count)
            return list
        }
        #expect(try found { _ in } == [5, 3, 2, 1])
        #expect(try found { $0.since = 1_700_000_100_000_000 } == [5, 3])
        #expect(try found { $0.until = 1_700_000_100_000_000 } == [2, 1])
        #expect(try found { $0.vendor = "b" } == [5])
        #expect(try found { $0.model = "claude*" } == [5])
        #expect(try found { $0.model = "claude-x-1" } == [5])
        #expect(try found { $0.outcome = "truncated" } == [2])
        #expect(try found { $0.status = "503" } == [3])
        #expect(try found { $0.status = "4XX" } == [5])
        #expect(try found { $0.key = "beef" } == [5])
        #expect(try found { $0.chain = "main" } == [5])
        #expect(try found { $0.text = "needle" } == [5])
        #expect(
            try found {
                $0.text = "needle"
                $0.vendor = "openai"
            } == [])
        #expect(try store.records(RecordFilter(), limit: 2).count == 2)
        let broad = try store.statistics(RecordFilter())
        #expect(broad.map(\.names) == [["openai", "m-1"], ["b", "claude-x"]])
        #expect(broad.first?.sums.calls == 3 && broad.first?.sums.failed == 2)
        var narrow = RecordFilter()
        narrow.status = "4xx"
        #expect(try store.statistics(narrow).map(\.names) == [["b", "claude-x"]])
    }

    @Test("a name's beginning is enough where it is one's alone")
    func names() throws {
        let scratch = try RecordScratch()
        let store = try Self.written(scratch, [Self.record(1), Self.record(1 << 50)])
        let name = Identifier(high: 1, low: 1).description
        #expect(try store.records(named: String(name.prefix(8))).map(\.id) == [name])
        #expect(try store.records(named: "").count == 2)
        #expect(try store.records(named: "'; DROP").isEmpty)
    }

    @Test("old records go a little at a time, and stay accounted for")
    func retention() throws {
        let scratch = try RecordScratch()
        let store = try Self.written(
            scratch, (1...1200).map { Self.record($0, at: 1_700_000_000 + Int($0)) })
        var progress = Store.SinkProgress()
        progress.quarantined = 3
        try store.advance(
            progress, ofSink: "s",
            [1, 1100, 1101].map { Store.Quarantined(number: $0, id: "\($0)", reason: "no") })
        let before = (1_700_000_000 + 1101) * 1_000_000
        var rounds: [Int] = []
        while true {
            let count = try store.retire(before: before)
            if count == 0 { break }
            rounds.append(count)
        }
        #expect(rounds == [500, 500, 100])
        #expect(try store.count(RecordFilter()) == 100)
        #expect(try store.progress(of: "j")?.stored == 1200)
        let bodies = try store.database.read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM exchanges")
        }
        #expect(bodies == 100)
        #expect(try store.quarantined(bySink: "s", limit: 5).map(\.number) == [1101])
        // The last ones leave nothing either.
        #expect(try store.retire(before: before * 2) == 100)
        #expect(try store.quarantined(bySink: "s", limit: 5).isEmpty)
    }

    @Test("a record that SQLite will not take keeps no other from it")
    func poison() throws {
        let scratch = try RecordScratch()
        let store = try Self.written(scratch, [])
        try store.database.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER poison BEFORE INSERT ON exchanges
                    WHEN new.model = (SELECT number FROM names WHERE text = 'poison')
                    BEGIN SELECT RAISE(ABORT, 'too bad'); END
                    """)
        }
        var batch = Batch()
        batch.records = [Self.record(1), Self.record(2, model: "poison"), Self.record(3)]
        batch.progress = [Batch.Progress(name: "j", cursor: 9)]
        let written = try store.write(batch, capture: Capture(bytesMax: 1))
        #expect(written.stored == ["j": 2])
        #expect(written.refused.map(\.id) == [Identifier(high: 2, low: 2).description])
        #expect(try store.progress(of: "j")?.lost == 1)
    }

    @Test("a full store fails with SQLite's name for it, whole, and works once there is room")
    func full() throws {
        let scratch = try RecordScratch()
        let store = try Self.written(scratch, [Self.record(1)])
        func limit(_ pages: String) throws {
            try store.database.writeWithoutTransaction { db in
                let sql = "PRAGMA max_page_count = \(pages)"
                _ = try Int.fetchOne(db, sql: sql)
            }
        }
        let pages = try store.database.read { try Int.fetchOne($0, sql: "PRAGMA page_count") }
        try limit("\(pages ?? 0)")
        var batch = Batch()
        batch.records = (2...50).map { number in
            var record = Self.record(UInt64(number))
            record.usageText = String(repeating: "1", count: 10_000)
            return record
        }
        batch.progress = [Batch.Progress(name: "j", cursor: 9)]
        let error = #expect(throws: Store.Failure.self) {
            try store.write(batch, capture: Capture(bytesMax: 100_000))
        }
        #expect(error?.code == "SQLITE_FULL")
        #expect(try store.count(RecordFilter()) == 1)
        try limit("1000000")
        _ = try store.write(batch, capture: Capture(bytesMax: 100_000))
        #expect(try store.count(RecordFilter()) == 50)
    }

    @Test("without a record, or with one of another version, the reader says so")
    func unreadable() throws {
        let scratch = try RecordScratch()
        let missing = #expect(throws: Store.Failure.self) {
            try Store(reading: scratch.folder.path)
        }
        #expect(missing?.description.contains("there is no record at") == true)
        let queue = try DatabaseQueue(path: Store.path(in: scratch.folder.path))
        try queue.write { try $0.execute(sql: "CREATE TABLE other (a)") }
        let other = #expect(throws: Store.Failure.self) {
            try Store(reading: scratch.folder.path)
        }
        #expect(other?.description.contains("another version") == true)
    }

    @Test("percentiles are right to some three per cent, and add up")
    func histogram() {
        var random = RandomSource(seed: 6)
        var times: [Int] = []
        var whole = TimeHistogram()
        var parts = TimeHistogram()
        for _ in 0..<40 {
            var part = TimeHistogram()
            for _ in 0..<50 {
                let time = Int.random(
                    in: 0...1 << Int.random(in: 0...40, using: &random), using: &random)
                times.append(time)
                whole.add(microseconds: time)
                part.add(microseconds: time)
            }
            var text = ByteBuffer()
            part.write(to: &text)
            parts.add(TimeHistogram(text.bytes.text))
        }
        #expect(parts == whole && whole.count == 2000)
        times.sort()
        for share in [0.01, 0.5, 0.9, 0.99, 1] {
            let exact = times[max(1, Int((2000 * share).rounded(.up))) - 1]
            let call = whole.percentile(share) ?? -1
            #expect(abs(call - exact) <= exact / 28 + 1)
        }
        #expect(TimeHistogram().percentile(0.5) == nil)
        #expect(TimeHistogram("x,1:2:3,,7:1").count == 1)
        #expect(TimeHistogram("9:1,3:2,9:4,5:1") == TimeHistogram("3:2,5:1,9:5"))
        let most = "999999999999999999"
        let more = (1...20).map { "\($0):\(most)" }.joined(separator: ",")
        #expect(TimeHistogram(more).count == .max && TimeHistogram(more).percentile(1) == 10)
    }
}
