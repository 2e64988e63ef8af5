import Glibc
import Journal
import Primitives
import Synchronization
import Telemetry
import Testing

@testable import LogStore

@Suite("Journals that are cut off in use")
struct LossTests {
    @Test(
        "what is lost is counted, what comes later is stored, and the account is right",
        arguments: [0, 8192, 64 << 10, (64 << 10) + 8192])
    func cut(to bytes: Int) throws {
        let scratch = try RecordScratch(journalBytes: 256 << 10)
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics)
        var call = RecordScratch.Call()
        call.pieces = [[UInt8](repeating: 0x61, count: 9000)]
        for _ in 0..<5 { #expect(scratch.append(call) != nil) }
        #expect(try scratch.await { metrics.stored.current == 5 })
        // One is open, with its beginning in the ring.
        let open = try #require(scratch.begin(call))
        #expect(unsafe truncate(scratch.file.path, off_t(bytes)) == 0)
        for _ in 0..<30 {
            #expect(try scratch.await { scratch.append(call) != nil })
        }
        scratch.settle(open, call)
        let emitted = scratch.file.tally.emitted
        #expect(emitted == 36)
        let isSettled = try scratch.await {
            metrics.stored.current + metrics.lost.current == emitted
        }
        #expect(isSettled, "stored \(metrics.stored.current), lost \(metrics.lost.current)")
        #expect(scratch.file.isLost && metrics.stored.current >= 35)
        // Bodies that were written after the cut are whole.
        let contents = try store.verifyContents { _, _ in }
        #expect(contents.damaged <= 1 && contents.whole >= 34)
        consumer.end()
        let account = try store.account(folder: scratch.folder.path)
        #expect(account.emitted == emitted && account.difference == 0)
        #expect(account.stored + account.dropped == emitted && account.pending == 0)
        #expect(try JournalFolder.journals(in: scratch.folder.path).isEmpty)
    }

    @Test("a body that waits to be stored when its ring is cut off holds up no other")
    func whileStoring() throws {
        let scratch = try RecordScratch(journalBytes: 256 << 10)
        var disk = SegmentDisk()
        let path = scratch.file.path
        let isCut = Atomic<Bool>(false)
        unsafe disk.write = { file, vectors, count, offset in
            // Between the reading and the writing of the first round with a body.
            if !isCut.exchange(true, ordering: .relaxed) {
                unsafe truncate(path, 64 << 10)
            }
            return unsafe pwritev(file, vectors, count, offset)
        }
        let metrics = RecordMetrics()
        var call = RecordScratch.Call()
        call.pieces = [[UInt8](repeating: 0x61, count: 30_000)]
        for _ in 0..<3 { #expect(scratch.append(call) != nil) }
        let (consumer, store) = try scratch.consumer(metrics: metrics, disk: disk)
        #expect(try scratch.await { metrics.stored.current + metrics.lost.current == 3 })
        for _ in 0..<3 { #expect(try scratch.await { scratch.append(call) != nil }) }
        #expect(try scratch.await { metrics.stored.current + metrics.lost.current == 6 })
        #expect(metrics.failures.current == 0 && metrics.stored.current >= 3)
        consumer.end()
        #expect(try store.account(folder: scratch.folder.path).difference == 0)
    }
}
