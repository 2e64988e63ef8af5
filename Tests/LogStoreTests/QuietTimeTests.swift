import Primitives
import Reactor
import Support
import Synchronization
import Testing

@testable import LogStore

@Suite("Quiet times")
struct QuietTimeTests {
    @Test("a twentieth of all processors is little, in a look that was long enough")
    func decisions() {
        for (taken, milliseconds, processors, isQuiet) in [
            (0, 100, 2, true), (10_000_000, 100, 2, true), (10_000_001, 100, 2, false),
            (10_000_000, 100, 1, false), (5_000_000, 100, 1, true), (0, 49, 2, false),
            (0, 50, 2, true), (0, 0, 2, false), (100_000_000, 1000, 2, true),
        ] as [(Int64, Int64, Int, Bool)] {
            let quiet = QuietTime(takenNanoseconds: { 0 }, processors: processors)
            let found = quiet.isQuiet(taken: taken, in: .milliseconds(milliseconds))
            #expect(found == isQuiet, "\(taken) in \(milliseconds)")
        }
    }

    @Test("a look finds what the process took meanwhile")
    func looks() throws {
        let taken = Atomic<Int64>(0)
        let step = Atomic<Int64>(0)
        let quiet = QuietTime(
            takenNanoseconds: {
                taken.add(step.load(ordering: .relaxed), ordering: .relaxed).newValue
            }, processors: 1)
        let waker = try Waker()
        #expect(quiet.isNow(waker) { false })
        step.store(3_600_000_000_000, ordering: .relaxed)
        #expect(!quiet.isNow(waker) { false })
        // What a segment wakes has not looked.
        step.store(0, ordering: .relaxed)
        #expect(!quiet.isNow(waker) { true })
    }

    @Test("as much may wait as is little beside the free room")
    func room() {
        for (bytes, freeBytes, mayWait) in [
            (0, 0, true), (1, 0, false), (1 << 20, 8 << 20, true), (1 << 20, 7 << 20, false),
            (8 << 30, 1 << 40, true), (8 << 30 + 1, 1 << 40, false), (0, -1, true),
        ] {
            #expect(PackingPressure.mayWait(bytes, freeBytes: freeBytes) == mayWait, "\(bytes)")
        }
    }

    @Test("segments are packed once the gateway does little, and not before")
    func packing() throws {
        let scratch = try RecordScratch()
        let isBusy = Atomic<Bool>(true)
        let looks = Atomic<Int64>(0)
        let (consumer, store) = try scratch.consumer {
            $0.packs = true
            $0.segmentBounds.bytesMax = 20_000
            $0.quiet.takenNanoseconds = {
                let count = looks.add(1, ordering: .relaxed).newValue
                return isBusy.load(ordering: .relaxed) ? count * 3_600_000_000_000 : 0
            }
        }
        let text = String(repeating: "a", count: 9000)
        var call = RecordScratch.Call()
        call.request = Array("{\"model\":\"m\",\"x\":\"\(text)\"}".utf8)
        // Of two looks at a sealed segment the first has ended.
        let hasLooked = try scratch.await {
            if store.segments.numbers.count < 3 { scratch.append(call) }
            return looks.load(ordering: .relaxed) > 3
        }
        #expect(hasLooked)
        let unpacked = try store.unpackedSegments(after: 0)
        #expect(!unpacked.isEmpty)
        isBusy.store(false, ordering: .relaxed)
        let isPacked = try scratch.await {
            Set(try store.unpackedSegments(after: 0)).isDisjoint(with: unpacked)
        }
        #expect(isPacked)
        consumer.end()
        let account = try store.verifyContents { _, _ in Issue.record("a fault") }
        #expect(account.whole > 2)
    }
}
