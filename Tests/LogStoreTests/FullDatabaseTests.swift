import GRDB
import Journal
import Logging
import Primitives
import Support
import Telemetry
import Testing

@testable import LogStore

/// A disk on which the database finds no page more, at any step of what the record does with it.
@Suite("A database without room")
struct FullDatabaseTests {
    /// Gives the database room for some pages more than it has; nil for all that it wants.
    private static func giveRoom(_ store: Store, pages: Int?) throws {
        try store.database.writeWithoutTransaction { db in
            let count = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(pages.map { count + $0 } ?? 1 << 30)")
        }
    }

    private static func full(_ store: Store) throws -> [StoredRecord] {
        var records: [StoredRecord] = []
        try store.eachRecord(RecordFilter(), withBodies: true) { records.append($0) }
        return records
    }

    @Test("holds records up, of which each is accounted for, and stores them once there is room")
    func outage() throws {
        let scratch = try RecordScratch(journalBytes: 256 << 10)
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics)
        let reader = try Store(reading: scratch.folder.path)
        scratch.append(RecordScratch.Call())
        #expect(try scratch.await { metrics.stored.current == 1 })
        try Self.giveRoom(store, pages: 0)
        var calls = 1
        var written = 1
        while written < 100_000, metrics.currentTrouble.isEmpty || written < 3000 {
            written += 1
            if scratch.append(RecordScratch.Call()) != nil { calls += 1 }
        }
        #expect(try scratch.await { metrics.failures.current > 0 })
        #expect(metrics.currentTrouble.contains("SQLITE_FULL"), "\(metrics.currentTrouble)")
        let during = try reader.account(folder: scratch.folder.path)
        #expect(during.difference == 0 && during.emitted == written)
        #expect(during.dropped == written - calls && during.pending > 0)
        try Self.giveRoom(store, pages: nil)
        #expect(try scratch.await { metrics.stored.current == calls })
        #expect(metrics.currentTrouble.isEmpty)
        consumer.end()
        let after = try reader.account(folder: scratch.folder.path)
        #expect(after.difference == 0 && after.pending == 0 && after.stored == calls)
        #expect(try reader.verifyContents { _, _ in }.whole == calls)
        #expect(try reader.count(RecordFilter()) == calls)
    }

    @Test("leaves each record of an earlier version in one table or the other")
    func moving() throws {
        // Names that do not repeat take more room than the rows that they come from.
        let olds = (1...600).map { number in
            var record = SegmentScratch.record(UInt64(number), bytes: 400)
            record.session = "\(number) " + String(repeating: "s", count: 900)
            return record
        }
        var failures = 0
        for pages in [0, 1, 5, 12, 20] {
            let folder = try ScratchFolder("full")
            try OldStore.write(olds, in: folder.path)
            let store = try Store(folder: folder.path)
            let before = try Self.full(store).map(\.record)
            try Self.giveRoom(store, pages: 0)
            while try store.moveBodies(bytesMax: 50_000) > 0 {}
            try Self.giveRoom(store, pages: pages)
            do {
                while try store.moveRecords(limit: 200) > 0 {}
            } catch {
                failures += 1
                #expect(Store.Failure(error).code == "SQLITE_FULL", "\(error)")
                #expect(try store.unmovedCount() % 200 == 0)
            }
            #expect(try Self.full(store).map(\.record) == before, "\(pages) pages")
            try Self.giveRoom(store, pages: nil)
            while try store.moveRecords(limit: 200) > 0 {}
            #expect(try Self.full(store).map(\.record) == before, "\(pages) pages")
            #expect(try store.unmovedCount() == 0)
            #expect(try store.verifyContents { _, _ in }.whole == 600)
        }
        #expect(failures > 0)
    }

    @Test("keeps no record that is too old from going, and what is packed or erased from it")
    func house() throws {
        let folder = try ScratchFolder("full")
        let store = try Store(folder: folder.path)
        try store.insert((1...800).map { SegmentScratch.record($0, bytes: 300) })
        try Self.giveRoom(store, pages: 0)
        store.sealSegment()
        try store.packSegments { _, _, _ in }
        try store.erase(numbers: [700])
        #expect(try store.verifyContents { _, _ in }.damaged == 0)
        #expect(try store.retire(before: 501_000_000) == 500)
        #expect(try store.retire(before: 501_000_000) == 0)
        #expect(try store.count(RecordFilter()) == 300)
        // The room of those that went is room for others.
        try store.insert((801...900).map { SegmentScratch.record($0, bytes: 300) })
        #expect(try store.count(RecordFilter()) == 400)
    }
}
