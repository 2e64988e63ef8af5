import GRDB
import Glibc
import Journal
import Primitives
import Reactor
import Support
import Synchronization
import Telemetry
import Testing

@testable import LogStore

/// The store's side of segments: rows, bounds, disks that fail.
@Suite("Store and segments")
struct SegmentStoreTests {
    static func batch(_ numbers: ClosedRange<UInt64>, bytes: Int = 9) -> Batch {
        var batch = Batch()
        batch.records = numbers.map { SegmentScratch.record($0, bytes: bytes) }
        return batch
    }

    static func write(_ store: Store, _ batch: Batch) throws {
        _ = try store.write(batch, capture: Capture(bytesMax: 1 << 20))
    }

    static func full(_ store: Store) throws -> [StoredRecord] {
        var records: [StoredRecord] = []
        try store.eachRecord(RecordFilter(), withBodies: true) { records.append($0) }
        return records
    }

    @Test("rows say where bodies are; sealed, packed and opened anew they are the same")
    func lifetime() throws {
        let scratch = try RecordScratch()
        var written: [LogStore.Record] = []
        for round in UInt64(0)..<3 {
            let store = try Store(folder: scratch.folder.path)
            let batch = Self.batch(10 * round + 1...10 * round + 5, bytes: 6000)
            written += batch.records
            try Self.write(store, batch)
            let counts = try Self.full(store).map(\.record.requestBody.bytes.count)
            #expect(counts == written.map { _ in 6000 })
            if round == 1 {
                store.sealSegment()
                var packed: [UInt64] = []
                try store.packSegments { number, before, after in
                    packed.append(number)
                    #expect(after < before / 4)
                }
                #expect(packed == [1])
                try store.packSegments { _, _, _ in Issue.record("packed twice") }
            }
            try store.close()
            // The database is in its one file.
            let copy = "\(scratch.folder.path)/copy.db"
            let process = try ChildProcess("/bin/cp", [Store.path(in: scratch.folder.path), copy])
            #expect(try process.wait() == 0)
            let count = try DatabaseQueue(path: copy).read {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM exchanges")
            }
            #expect(count == written.count)
            unsafe unlink(copy)
        }
        let reader = try Store(reading: scratch.folder.path)
        let found = try Self.full(reader)
        for (record, stored) in zip(written, found) {
            let isSame =
                stored.record.requestBody.bytes == record.requestBody.bytes
                && stored.record.responseBody.bytes == record.responseBody.bytes
            #expect(isSame)
            #expect(stored.record.requestFields == record.requestFields)
            #expect(stored.record.responseFields == record.responseFields)
            #expect(stored.faults.isEmpty)
        }
        #expect(found.count == written.count && reader.segments.numbers == [1, 2])
        var filter = RecordFilter()
        filter.text = "answer 13"
        #expect(try reader.records(filter, limit: 9).map(\.record.identifier.high) == [13])
        filter.text = "request 24 request 24"
        #expect(try reader.count(filter) == 1)
        filter.text = "x-number"
        #expect(try reader.count(filter) == 0)
        let account = try reader.verifyContents { _, _ in Issue.record("a fault") }
        #expect(account.records == 15 && account.whole == 15)
    }

    @Test("records of version 0.1, whose bodies are in the database, are read as before")
    func firstVersion() throws {
        let scratch = try RecordScratch()
        let old = SegmentScratch.record(1)
        try OldStore.write([old], in: scratch.folder.path)
        let store = try Store(folder: scratch.folder.path)
        try Self.write(store, Self.batch(2...2))
        let found = try Self.full(store)
        #expect(
            found.map(\.record.requestBody.bytes)
                == [1, 2].map {
                    SegmentScratch.record($0).requestBody.bytes
                })
        #expect(found.first?.record.responseFields == old.responseFields)
        var filter = RecordFilter()
        filter.text = "request"
        #expect(try store.count(filter) == 2)
        #expect(try store.verifyContents { _, _ in }.records == 1)
        #expect(try store.retire(before: 3_000_000) == 2)
    }

    @Test("bodies of version 0.1 are moved into segments of their own, and nothing else changes")
    func moving() throws {
        let scratch = try RecordScratch()
        let olds = (1...9).map { SegmentScratch.record(UInt64($0), bytes: $0 == 4 ? 0 : 900) }
        try OldStore.write(olds, in: scratch.folder.path)
        let store = try Store(folder: scratch.folder.path)
        try Self.write(store, Self.batch(20...20))
        let before = try Self.full(store)
        let (consumer, _) = try scratch.consumer { $0.store = store }
        #expect(try scratch.await { try store.unmovedCount() == 0 })
        scratch.append(RecordScratch.Call())
        #expect(try scratch.await { try store.count(RecordFilter()) == 11 })
        consumer.end()
        let after = try Self.full(store)
        #expect(after.prefix(10).map(\.record) == before.map(\.record))
        #expect(after.prefix(10).map(\.number) == before.map(\.number))
        #expect(try store.verifyContents { _, _ in }.whole == 11)
        // One before, one of the moved, one of what came then.
        #expect(store.segments.numbers == [1, 2, 3])
        #expect(try store.retire(before: 10_000_000) == 9)
        #expect(try store.retireSegments(before: 10_000_000) == 1)
        #expect(store.segments.numbers == [1, 3])
        #expect(try store.moveBodies(bytesMax: 1) == 0)
    }

    @Test("a death while bodies are moved loses none, and moves none twice")
    func movingDeath() throws {
        for step in 1...12 {
            let scratch = try RecordScratch()
            let calls = Atomic<Int>(0)
            var disk = SegmentDisk()
            unsafe disk.write = {
                guard calls.add(1, ordering: .relaxed).newValue < step else { return -1 }
                return unsafe pwritev($0, $1, $2, $3)
            }
            let olds = (1...4).map { SegmentScratch.record(UInt64($0), bytes: 900) }
            try OldStore.write(olds, in: scratch.folder.path)
            var store = try Store(folder: scratch.folder.path, disk: disk)
            let before = try Self.full(store).map(\.record)
            do {
                while try store.moveBodies(bytesMax: 1) > 0 {}
                #expect(step > 8)
            } catch {
                #expect(error is SystemError || error is Store.Failure, "\(error)")
            }
            #expect(try Self.full(store).map(\.record) == before, "step \(step)")
            try store.close()
            store = try Store(folder: scratch.folder.path)
            while try store.moveBodies(bytesMax: 1000) > 0 {}
            #expect(try Self.full(store).map(\.record) == before, "step \(step)")
            #expect(try store.verifyContents { _, _ in }.whole == 4)
        }
    }

    @Test("a damaged entry is named with its segment and offset, and costs nothing else")
    func damage() throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        try Self.write(store, Self.batch(1...3))
        let path = store.segments.path(of: 1)
        let offset = try store.database.read {
            try Int.fetchOne($0, sql: "SELECT start FROM exchanges WHERE number = 2") ?? 0
        }
        let file = unsafe open(path, O_RDWR)
        defer { close(file) }
        #expect(unsafe pwrite(file, [UInt8(0xEE)], 1, off_t(offset + 33)) == 1)
        let found = try Self.full(store)
        #expect(found.map(\.faults.count) == [0, 1, 0])
        #expect(found[1].record.requestBody == SegmentScratch.record(2).requestBody)
        let text = "request_fields is damaged: segment 1, offset \(offset)"
        #expect(found[1].faults.first?.description == text)
        #expect("\(found[1].json(withBodies: true))".contains(text))
        var named: [String] = []
        let account = try store.verifyContents { id, _ in named.append(id) }
        #expect(account.whole == 2 && account.damaged == 1 && named == [found[1].id])
    }

    @Test("beyond max_size the oldest segments go; their records stay, and say so")
    func bound() throws {
        let scratch = try RecordScratch()
        var store = try Store(folder: scratch.folder.path)
        for number in UInt64(1)...4 {
            try Self.write(store, Self.batch(number...number, bytes: 200_000))
            store.sealSegment()
        }
        #expect(try store.evict(bytesMax: 64 << 20) == Store.Eviction())
        let index = try store.database.read {
            let pages = try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0
            return pages * 16384
        }
        let eviction = try store.evict(bytesMax: index + 450_000)
        #expect(eviction == Store.Eviction(segments: 2, records: 0))
        let found = try Self.full(store)
        #expect(found.map { $0.faults.map(\.reason) } == [[.gone], [.gone], [], []])
        #expect(found[0].record.requestBody.bytes.isEmpty)
        #expect(found[0].faults[0].description.contains("segment 1 is gone"))
        let account = try store.verifyContents { _, _ in }
        #expect(account.gone == 2 && account.whole == 2 && account.damaged == 0)
        // Also the newest may go, and its number is given to no other.
        #expect(try store.evict(bytesMax: index).segments == 2)
        try store.close()
        store = try Store(folder: scratch.folder.path)
        try Self.write(store, Self.batch(5...5))
        #expect(store.segments.numbers == [5])
        #expect(try store.evict(bytesMax: 1) == Store.Eviction(segments: 1, records: 5))
        #expect(try store.count(RecordFilter()) == 0)
    }

    @Test(
        "a segment that goes leaves the frames of exchanges that still run",
        arguments: [true, false])
    func boundOfOpenFrames(_ isForSize: Bool) throws {
        let scratch = try RecordScratch(journalBytes: 128 << 10)
        let capture = Capture(bytesMax: 1 << 20)
        let store = try Store(folder: scratch.folder.path)
        let source = JournalSource(scratch.file, from: nil, isLeft: false, capture: capture)
        func round() throws {
            var batch = Batch()
            source.read(into: &batch, recordsMax: 100, now: .now())
            let cursor = source.release(into: &batch, now: .now())
            _ = try store.write(batch, capture: capture)
            scratch.file.release(upTo: cursor)
        }
        var call = RecordScratch.Call()
        call.pieces = (0..<40).map { number in
            Array("data: \(number) ".utf8) + [UInt8](repeating: 0x61, count: 1500)
        }
        let open = try #require(scratch.begin(call))
        scratch.head(open, call)
        for (number, piece) in call.pieces.enumerated() {
            #expect(scratch.chunk(open, piece))
            if number % 20 == 19 { try round() }
        }
        let first = try #require(store.writer).current
        if isForSize {
            // Nothing keeps to this: everything goes that may.
            #expect(try store.evict(bytesMax: 1).segments == 1)
        } else {
            #expect(try store.retireSegments(before: .max) == 1)
        }
        #expect(!store.segments.numbers.contains(first))
        scratch.settle(open, call)
        try round()
        let found = try #require(try Self.full(store).first)
        #expect(found.faults.isEmpty)
        #expect(found.record.responseBody.bytes == call.pieces.flatMap { $0 })
        #expect(found.record.requestBody.bytes == call.request)
        let left = try store.database.read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM open_entries")
        }
        #expect(left == 0)
    }

    @Test("a segment goes when the newest of its records is too old, and not before")
    func retention() throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        try Self.write(store, Self.batch(1...3))
        store.sealSegment()
        try Self.write(store, Self.batch(4...6))
        #expect(try store.retire(before: 3_000_000) == 2)
        #expect(try store.retireSegments(before: 3_000_000) == 0)
        #expect(try store.retire(before: 4_000_000) == 1)
        #expect(try store.retireSegments(before: 4_000_000) == 1)
        #expect(store.segments.numbers == [2])
        #expect(try Self.full(store).allSatisfy { $0.faults.isEmpty })
        // The one that is being written, too; what is written next has another.
        #expect(try store.retire(before: 7_000_000) == 3)
        #expect(try store.retireSegments(before: 7_000_000) == 1)
        #expect(try store.retireSegments(before: 7_000_000) == 0)
        try Self.write(store, Self.batch(8...8))
        #expect(store.segments.numbers == [3])
        #expect(try Self.full(store).allSatisfy { $0.faults.isEmpty })
    }

    @Test("the consumer seals, packs and syncs by itself, and keeps to its bound")
    func house() throws {
        let scratch = try RecordScratch()
        let metrics = RecordMetrics()
        let syncs = Atomic<Int>(0)
        var disk = SegmentDisk()
        disk.sync = {
            syncs.add(1, ordering: .relaxed)
            return fdatasync($0) == 0 ? 0 : errno
        }
        let (consumer, store) = try scratch.consumer(metrics: metrics, disk: disk) {
            $0.packs = true
            // Other tests take the same processors.
            $0.quiet.takenNanoseconds = { 0 }
            $0.segmentBounds.bytesMax = 20_000
            $0.syncEvery = .milliseconds(1)
        }
        var call = RecordScratch.Call()
        call.request = Array(
            "{\"model\":\"m\",\"x\":\"\(String(repeating: "a", count: 9000))\"}".utf8)
        var number = 0
        let isPacked = try scratch.await {
            scratch.append(call)
            number += 1
            return store.segments.numbers.contains { number in
                store.segments.status(of: number).map { $0.bytes < 5000 } ?? false
            } && syncs.load(ordering: .relaxed) > 1
        }
        #expect(isPacked && number > 1)
        consumer.end()
        let account = try store.verifyContents { _, _ in Issue.record("a fault") }
        #expect(account.whole == metrics.stored.current && account.whole > 0)
    }

    @Test("what is being written is never packed, and what is sealed is packed whole")
    func packingBesideWriting() throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        store.set(SegmentWriter.Bounds(bytesMax: 600))
        let isOver = Atomic<Bool>(false)
        let answers = Mutex<[UInt64: Set<[Range<Int>]>]>([:])
        let threads = try (0..<3).map { index in
            try Thread(name: "test-pack") {
                let packing = SegmentPacking(folder: store.segments, disk: SegmentDisk())
                var last: UInt64 = 0
                while !isOver.load(ordering: .acquiring) {
                    for number in (try? store.sealedSegments(after: last)) ?? [] {
                        let runs = (try? store.packingOrder(of: number).runs) ?? []
                        answers.withLock { _ = $0[number, default: []].insert(runs) }
                        if index == 0 { _ = try? packing.pack(number, runs) }
                        last = number
                    }
                }
            }
        }
        for number in UInt64(1)...600 { try Self.write(store, Self.batch(number...number)) }
        isOver.store(true, ordering: .releasing)
        for thread in threads { thread.join() }
        store.sealSegment()
        // What was said of a segment while others were written is true of it now.
        for (number, runs) in answers.withLock({ $0 }) {
            #expect(try runs == [store.packingOrder(of: number).runs], "\(number)")
        }
        try store.packSegments { _, _, _ in }
        #expect(try store.verifyContents { _, _ in }.whole == 600)
        #expect(store.segments.numbers.count > 100)
    }

    @Test("what a session's calls keep is packed together, and bytes of no record are left out")
    func order() throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        var batch = Self.batch(1...6, bytes: 3000)
        for (index, session) in ["a", "", "b", "a", "", "b"].enumerated() {
            batch.records[index].session = session
        }
        try Self.write(store, batch)
        store.sealSegment()
        let starts = try store.database.read {
            try Int.fetchAll($0, sql: "SELECT start FROM exchanges ORDER BY number")
        }
        let order = try store.packingOrder(of: 1).runs.map { starts.firstIndex(of: $0.lowerBound) }
        #expect(order == [0, 3, 1, 4, 2, 5])
        try store.erase(numbers: [4])
        try store.packSegments { _, _, _ in }
        let file = try SegmentFile(store.segments.path(of: 1), number: 1)
        let frames = SegmentDirectory(of: file).frames
        #expect(frames.count == 1 && frames[0].ranges.count == 4)
        #expect(frames[0].ranges.first?.lowerBound == starts[0])
        #expect(frames[0].parts(of: starts[3]..<starts[4]).isEmpty)
        #expect(try store.verifyContents { _, _ in }.whole == 5)
    }

    @Test("a day of agents' calls takes less than a tenth of its bodies")
    func agents() throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        let day = AgentDay(sessions: 4, turns: 20, promptBytes: 40_000)
        var raw = 0
        day.each { records in
            raw += records.reduce(0) {
                $0 + $1.requestBody.bytes.count + $1.responseBody.bytes.count
            }
            #expect(throws: Never.self) { try store.insert(records) }
        }
        store.sealSegment()
        try store.packSegments { _, _, _ in }
        #expect(store.segments.bytes * 10 < raw, "\(store.segments.bytes) of \(raw)")
        #expect(try store.verifyContents { _, _ in }.whole == 80)
    }
}
