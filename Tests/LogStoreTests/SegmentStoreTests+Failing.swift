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

// Full disks, deaths and failing calls.
extension SegmentStoreTests {
    @Test("a disk that is full at any byte leaves nothing half known, and works once there is room")
    func full() throws {
        let room = Atomic<Int>(.max)
        var disk = SegmentDisk()
        unsafe disk.write = { file, vectors, count, offset in
            let left = room.load(ordering: .relaxed)
            guard left > 0 else {
                errno = ENOSPC
                return -1
            }
            let length = unsafe min(vectors[0].iov_len, left)
            room.store(left - length, ordering: .relaxed)
            return unsafe pwrite(file, vectors[0].iov_base, length, offset)
        }
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path, disk: disk)
        let batch = Self.batch(1...2, bytes: 5000)
        for bytes in [0, 1, 31, 32, 33, 64, 100, 5000, 5200, 6000, 10_000] {
            room.store(bytes, ordering: .relaxed)
            let error = #expect(throws: Store.Failure.self) { try Self.write(store, batch) }
            #expect(error?.description.contains("pwritev") == true)
            #expect(try store.count(RecordFilter()) == 0)
            #expect(try store.verifyContents { _, _ in }.records == 0)
        }
        room.store(.max, ordering: .relaxed)
        try Self.write(store, batch)
        #expect(try Self.full(store).map(\.faults.count) == [0, 0])
        #expect(try store.verifyContents { _, _ in }.whole == 2)
        #expect(store.segments.numbers.count == 1)
    }

    @Test("while segments cannot be written every exchange is accounted for, and then stored")
    func outage() throws {
        let isFull = Atomic<Bool>(false)
        var disk = SegmentDisk()
        unsafe disk.write = { file, vectors, count, offset in
            guard !isFull.load(ordering: .acquiring) else {
                errno = ENOSPC
                return -1
            }
            return unsafe pwritev(file, vectors, count, offset)
        }
        let scratch = try RecordScratch(journalBytes: 128 << 10)
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics, disk: disk)
        let reader = try Store(reading: scratch.folder.path)
        scratch.append(RecordScratch.Call())
        #expect(try scratch.await { metrics.stored.current == 1 })
        isFull.store(true, ordering: .releasing)
        var calls = 1
        for _ in 1..<2000 where scratch.append(RecordScratch.Call()) != nil { calls += 1 }
        #expect(try scratch.await { metrics.failures.current > 0 })
        #expect(metrics.currentTrouble.contains("pwritev"))
        let during = try reader.account(folder: scratch.folder.path)
        #expect(during.difference == 0 && during.emitted == 2000)
        #expect(during.dropped == 2000 - calls && calls < 2000)
        isFull.store(false, ordering: .releasing)
        #expect(try scratch.await { metrics.stored.current == calls })
        consumer.end()
        let after = try reader.account(folder: scratch.folder.path)
        #expect(after.difference == 0 && after.pending == 0 && after.stored == calls)
        #expect(try reader.verifyContents { _, _ in }.whole == calls)
        withExtendedLifetime(store) {}
    }

    @Test("a death between the bytes and the rows loses nothing, and stores nothing twice")
    func death() throws {
        let scratch = try RecordScratch()
        for number in 0..<10 {
            var call = RecordScratch.Call()
            call.pieces = [Array("data: {\"n\":\(number)}\n\n".utf8)]
            scratch.append(call)
        }
        do {
            let store = try Store(folder: scratch.folder.path)
            let source = JournalSource(
                scratch.file, from: nil, isLeft: false, capture: Capture(bytesMax: 100))
            var batch = Batch()
            source.read(into: &batch, recordsMax: 6, now: .now())
            _ = try store.write(batch, capture: Capture(bytesMax: 100))
            batch = Batch()
            source.read(into: &batch, recordsMax: 6, now: .now())
            let end = try store.database.read(ContentTable.end)
            let newEnd = try #require(store.writer).append(batch, after: end).end
            #expect(newEnd.offset > end.offset)
            try store.close()
        }
        try scratch.restart()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics)
        #expect(try scratch.await { metrics.recovered.current == 4 })
        consumer.end()
        let found = try Self.full(store)
        #expect(found.count == 10 && found.allSatisfy { $0.faults.isEmpty })
        let bodies = Set(
            found.map { String(decoding: $0.record.responseBody.bytes, as: UTF8.self) })
        #expect(bodies.count == 10)
        let account = try store.verifyContents { _, _ in }
        #expect(account.whole == 10 && store.segments.numbers == [1])
    }

    @Test("where packing fails at any call the plain segment stays, and nothing beside it")
    func failedPacking() throws {
        let failing = Atomic<Int>(0)
        let call = Atomic<Int>(0)
        let isDue: @Sendable () -> Bool = {
            call.add(1, ordering: .relaxed).newValue == failing.load(ordering: .relaxed)
        }
        var disk = SegmentDisk()
        unsafe disk.write = { unsafe isDue() ? -1 : pwritev($0, $1, $2, $3) }
        disk.sync = { isDue() ? EIO : fdatasync($0) == 0 ? 0 : errno }
        disk.rename = { isDue() ? EIO : unsafe rename($0, $1) == 0 ? 0 : errno }
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path, disk: disk)
        try Self.write(store, Self.batch(1...3, bytes: 1000))
        store.sealSegment()
        // Head, frame, directory, sync, rename.
        for number in 1...5 {
            call.store(0, ordering: .relaxed)
            failing.store(number, ordering: .relaxed)
            #expect(throws: SystemError.self, "call \(number)") {
                try store.packSegments { _, _, _ in }
            }
            #expect(unsafe access(store.segments.draftPath(of: 1), F_OK) != 0)
            #expect(try store.verifyContents { _, _ in }.whole == 3)
        }
        failing.store(0, ordering: .relaxed)
        var packed = 0
        try store.packSegments { _, _, _ in packed += 1 }
        #expect(packed == 1)
        #expect(try store.verifyContents { _, _ in }.whole == 3)
    }

    @Test("a segment that is taken away while it is packed does not come back")
    func race() throws {
        let scratch = try RecordScratch()
        let path = SegmentFolder(in: scratch.folder.path).path(of: 1)
        var disk = SegmentDisk()
        disk.sync = { _ in unsafe unlink(path) == 0 ? 0 : errno }
        let store = try Store(folder: scratch.folder.path, disk: disk)
        try Self.write(store, Self.batch(1...1))
        store.sealSegment()
        try store.packSegments { _, _, _ in }
        #expect(store.segments.numbers.isEmpty)
        #expect(unsafe access(store.segments.draftPath(of: 1), F_OK) != 0)
    }

    @Test("a seal is not answered while nothing can be stored, and is once it can")
    func sealWhileFailing() throws {
        let scratch = try RecordScratch()
        let metrics = RecordMetrics()
        let isFull = Atomic<Bool>(true)
        var disk = SegmentDisk()
        unsafe disk.write = {
            if isFull.load(ordering: .relaxed) {
                errno = ENOSPC
                return -1
            }
            return unsafe pwritev($0, $1, $2, $3)
        }
        let (consumer, store) = try scratch.consumer(metrics: metrics, disk: disk)
        #expect(scratch.append(RecordScratch.Call()) != nil)
        #expect(try scratch.await { metrics.failures.current > 0 })
        let other = try Store(changing: scratch.folder.path)
        var asked = 0
        let none = try other.requestSeal {
            asked += 1
            poll(nil, 0, 10)
            return asked < 20
        }
        #expect(none == nil && store.segments.numbers.count <= 1)
        isFull.store(false, ordering: .relaxed)
        #expect(try scratch.await { metrics.stored.current == 1 })
        let last = try other.requestSeal {
            poll(nil, 0, 10)
            return true
        }
        #expect(last == 1 && store.writer?.current == 0)
        try other.close()
        consumer.end()
    }
}
