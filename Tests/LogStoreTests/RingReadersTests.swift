import Glibc
import Journal
import Primitives
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import LogStore

@Suite("Readers of rings")
struct RingReadersTests {
    private static let perRing = 2300

    /// Fills three journals, the first two of which a process has left; each record's request says
    /// which it is.
    private static func filled() throws -> RecordScratch {
        let scratch = try RecordScratch(journalBytes: 4 << 20)
        for ring in 0..<3 {
            if ring > 0 { try scratch.restart(journalBytes: 4 << 20) }
            for number in 0..<perRing {
                var call = RecordScratch.Call()
                call.target = "/v1/\(ring)/\(number)"
                call.request = Array("{\"model\":\"m-\(ring)-\(number)\"}".utf8)
                call.pieces = [Array("data: {\"n\":\(number)}\n\n".utf8)]
                _ = try #require(scratch.append(call))
            }
        }
        return scratch
    }

    /// Holds what is stored against what was written.
    private static func check(_ store: Store, _ scratch: RecordScratch) throws {
        let account = try store.account(folder: scratch.folder.path)
        #expect(account.difference == 0 && account.pending == 0 && account.dropped == 0)
        #expect(account.stored == 3 * perRing)
        #expect(try store.verifyContents { _, _ in }.whole == 3 * perRing)
        var last: [String: UInt64] = [:]
        for found in try store.records(after: 0, limit: 3 * perRing, withBodies: false) {
            let record = found.record
            #expect(record.exchange == (last[record.journal] ?? 0) + 1)
            last[record.journal] = record.exchange
        }
        #expect(last.values.allSatisfy { $0 == UInt64(perRing) } && last.count == 3)
        let sums = try store.statistics(RecordFilter(), by: [.vendor])
        #expect(sums.map(\.sums.calls) == [3 * perRing])
        for found in try store.records(RecordFilter(), limit: 3 * perRing).prefix(50) {
            let whole = try store.records(named: found.record.identifier.description)
            let name = found.record.target.dropFirst(4).replacing("/", with: "-")
            #expect(
                whole.first?.record.requestBody.bytes
                    == Array("{\"model\":\"m-\(name)\"}".utf8))
        }
    }

    @Test(
        "records of several rings are stored once, in each ring's order, however many read",
        arguments: [1, 2, 8])
    func severalRings(_ processors: Int) throws {
        let scratch = try Self.filled()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics) { settings in
            settings.processors = processors
            // A segment for every few batches.
            settings.segmentBounds.bytesMax = 1 << 20
        }
        #expect(try scratch.await { metrics.recovered.current == 2 * Self.perRing })
        #expect(try scratch.await { metrics.stored.current == Self.perRing })
        consumer.end()
        try Self.check(store, scratch)
    }

    @Test("a disk that fails at times loses nothing of what was written ahead")
    func failures() throws {
        let scratch = try Self.filled()
        let calls = Atomic<Int>(0)
        var disk = SegmentDisk()
        unsafe disk.write = { file, vectors, count, offset in
            guard calls.add(1, ordering: .relaxed).newValue % 3 == 0 else {
                errno = EIO
                return -1
            }
            return unsafe pwritev(file, vectors, count, offset)
        }
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics, disk: disk) { settings in
            settings.processors = 4
            settings.segmentBounds.bytesMax = 1 << 20
        }
        #expect(try scratch.await { metrics.recovered.current == 2 * Self.perRing })
        #expect(try scratch.await { metrics.stored.current == Self.perRing })
        consumer.end()
        try Self.check(store, scratch)
    }

    @Test(
        "parts of a segment that are written ahead meet no other, and none of a sealed one counts")
    func ahead() throws {
        let scratch = try SegmentScratch()
        let writer = try scratch.writer(
            bounds: SegmentWriter.Bounds(bytesMax: 4096, ageMax: .seconds(3600)))
        func batch(_ number: UInt64) -> Batch {
            var batch = Batch()
            batch.records = [SegmentScratch.record(number, bytes: 700)]
            return batch
        }
        // Without a segment there is nothing to write ahead to.
        #expect(writer.writeAhead(batch(1)) == nil)
        try scratch.append([SegmentScratch.record(1)], writer)
        let first = try #require(writer.writeAhead(batch(2)))
        let second = try #require(writer.writeAhead(batch(3)))
        // Behind both, though no row knows them yet.
        try scratch.append([SegmentScratch.record(4)], writer)
        let third = try #require(writer.writeAhead(batch(5)))
        let parts: [(UInt64, SegmentWriter.Written)] = [(2, first), (3, second), (5, third)]
        for (number, written) in parts {
            #expect(writer.isCurrent(written, after: scratch.end))
            scratch.rows.append(
                (SegmentScratch.record(number, bytes: 700), written.pointers[0]))
        }
        var ranges = scratch.rows.map {
            $0.pointer.offset..<$0.pointer.offset + $0.pointer.footprint
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        for (one, other) in zip(ranges, ranges.dropFirst()) {
            #expect(one.upperBound <= other.lowerBound)
        }
        let reader = SegmentReader(scratch.folder)
        for row in scratch.rows.indices {
            let (faults, isRight) = scratch.faults(of: row, reader)
            #expect(faults.isEmpty && isRight)
        }
        // What was spilled is not all there.
        var spilled = batch(6)
        spilled.spilled = [0]
        #expect(writer.writeAhead(spilled) == nil)
        var last = third
        while let next = writer.writeAhead(batch(7)) { last = next }
        writer.seal()
        #expect(!writer.isCurrent(last, after: scratch.end) && writer.writeAhead(batch(8)) == nil)
    }

    @Test("readers share the journals, and are as many as there is work and room for")
    func sharing() throws {
        let scratch = try Self.filled()
        #expect(try RingReaders(journals: 3, processors: 1) == nil)
        #expect(try RingReaders(journals: 0, processors: 4) == nil)
        let paths = try JournalFolder.journals(in: scratch.folder.path)
        let sources = try paths.map { path in
            JournalSource(
                try JournalFile(opening: path), from: nil, isLeft: true,
                capture: Capture(bytesMax: 100))
        }
        let readers = try #require(try RingReaders(journals: sources.count, processors: 2))
        defer { readers.end() }
        var seen: [String: [UInt64]] = [:]
        for _ in 0..<4 {
            readers.begin(sources, RingReading.Bounds(recordsMax: 1000, now: .now()), [])
            let readings = readers.finish()
            #expect(readings.count == 2)
            for record in readings.flatMap(\.batch.records) {
                seen[record.journal, default: []].append(record.exchange)
            }
        }
        #expect(seen.count == 3)
        for numbers in seen.values { #expect(numbers == Array(1...UInt64(numbers.count))) }
    }
}
