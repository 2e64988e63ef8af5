import Dialects
import GRDB
import Journal
import Primitives
import Testing

@testable import LogStore

@Suite("Rows made without the database")
struct ExchangeRowsTests {
    private static func record(_ number: UInt64, model: String = "m-1") -> LogStore.Record {
        var record = SegmentScratch.record(number)
        record.acceptedMicroseconds = 1_700_000_000_000_000 + Int(number)
        record.journal = "a-journal"
        record.exchange = number
        record.method = "POST"
        record.target = "/v1/chat/completions?number=\(number)"
        record.vendor = "openai"
        record.model = model
        record.session = "session-\(number % 2)"
        record.outcome = "complete"
        record.status = 200
        record.chargedTokens = 7
        record.chargedNanodollars = 11
        record.usageText = "{\"prompt_tokens\":\(number),\"completion_tokens\":2}"
        record.usage.input = Int(number)
        record.usageState = .reported
        record.attempts = [LogStore.Record.Attempt()]
        record.attempts[0].vendor = "openai"
        record.requestBody.totalBytes = record.requestBody.bytes.count
        record.responseBody.totalBytes = record.responseBody.bytes.count
        return record
    }

    private static func batch(_ records: [LogStore.Record], rowsFor store: Store?) -> Batch {
        var batch = Batch()
        batch.records = records
        if let store { batch.rows = ExchangeRows(batch, store.names.snapshot) }
        return batch
    }

    private static func write(_ batch: Batch, _ store: Store) throws -> Store.Written {
        try store.write(batch, capture: Capture(bytesMax: 1000))
    }

    /// Holds each stored record against what was written.
    private static func check(_ store: Store, _ records: [LogStore.Record]) throws {
        for record in records {
            let found = try store.records(named: record.identifier.description)
            try #require(found.count == 1)
            #expect(found[0].record == record)
        }
    }

    @Test("a row says what the database's own says, names that are new included")
    func same() throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        let first = (1...3).map { Self.record($0) }
        // Nothing is known yet: every row is made with the database.
        #expect(try Self.write(Self.batch(first, rowsFor: store), store).stored["a-journal"] == 3)
        let second = (4...9).map { Self.record($0, model: $0 % 3 == 0 ? "m-\($0)" : "m-1") }
        let batch = Self.batch(second, rowsFor: store)
        #expect(try Self.write(batch, store).stored["a-journal"] == 6)
        try Self.check(store, first + second)
        let sums = try store.statistics(RecordFilter(), by: [.session])
        #expect(sums.map(\.sums.calls).sorted() == [4, 5])
        #expect(sums.reduce(0) { $0 + $1.sums.inputTokens } == 45)
        #expect(try store.verifyLedger().tokens == 63)
        #expect(try store.verifyLedger().differences.isEmpty)
    }

    @Test("what is stored already is in no sum again")
    func again() throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        _ = try Self.write(Self.batch([Self.record(1), Self.record(2)], rowsFor: nil), store)
        let batch = Self.batch((1...4).map { Self.record($0) }, rowsFor: store)
        #expect(try Self.write(batch, store).stored["a-journal"] == 2)
        #expect(try Self.write(batch, store).stored.isEmpty)
        let sums = try store.statistics(RecordFilter(), by: [.vendor])
        #expect(sums.map(\.sums.calls) == [4] && sums.first?.sums.inputTokens == 10)
        #expect(try store.verifyLedger().tokens == 28)
    }

    @Test(
        "rows of a group are stored as each alone: known ones, twins and refused ones among them",
        arguments: [true, false])
    func groups(_ isMadeAhead: Bool) throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        // The second group has one that is there, and the third has nothing else.
        let known = [10, 17, 18, 19, 20, 21, 22, 23, 24].map { Self.record($0) }
        _ = try Self.write(Self.batch(known, rowsFor: nil), store)
        try store.database.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER poison BEFORE INSERT ON exchanges
                    WHEN new.model = (SELECT number FROM names WHERE text = 'poison')
                    BEGIN SELECT RAISE(ABORT, 'too bad'); END
                    """)
        }
        var records = (1...51).map { Self.record($0, model: $0 == 30 ? "poison" : "m-1") }
        records[37] = records[36]
        let batch = Self.batch(records, rowsFor: isMadeAhead ? store : nil)
        let written = try Self.write(batch, store)
        #expect(written.stored == ["a-journal": 51 - known.count - 2])
        #expect(written.refused.map(\.id) == [records[29].identifier.description])
        try Self.check(store, records.enumerated().filter { $0.offset != 29 }.map(\.element))
        let order = try store.database.read { db in
            try Int64.fetchAll(db, sql: "SELECT accepted_us FROM exchanges ORDER BY number")
        }
        let isKnown = Set(known.map(\.exchange) + [30])
        let stored = (1...51).filter { !isKnown.contains($0) && $0 != 38 }
        #expect(order == (known.map(\.exchange) + stored).map { 1_700_000_000_000_000 + Int64($0) })
        let sums = try store.statistics(RecordFilter(), by: [.vendor])
        #expect(sums.map(\.sums.calls) == [49])
        #expect(try store.verifyLedger().tokens == 7 * 49)
    }

    @Test("names that are removed before the row is stored are given anew")
    func removed() throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        let records = [Self.record(1), Self.record(2)]
        _ = try Self.write(Self.batch(records, rowsFor: nil), store)
        let batch = Self.batch([Self.record(3)], rowsFor: store)
        #expect(try store.retire(before: .max) == 2)
        _ = try Self.write(batch, store)
        try Self.check(store, [Self.record(3)])
    }

    @Test("a transaction that fails leaves no names behind that rows would say")
    func failed() throws {
        let scratch = try RecordScratch()
        var disk = SegmentDisk()
        unsafe disk.write = { _, _, _, _ in -1 }
        let store = try Store(folder: scratch.folder.path, disk: disk)
        #expect(throws: Store.Failure.self) {
            try Self.write(Self.batch([Self.record(1)], rowsFor: nil), store)
        }
        let rows = ExchangeRows(Self.batch([Self.record(1)], rowsFor: nil), store.names.snapshot)
        #expect(!rows.holds(0))
    }
}
