import Glibc
import Primitives
import Reactor
import Synchronization
import Testing

@testable import LogStore

/// What of a round is large goes past the kernel's cache.
@Suite("Writing past the kernel's cache")
struct DirectWritingTests {
    @Test("whole blocks are taken where they are many")
    func blocks() {
        let (block, least) = (DirectFile.blockBytes, SegmentPlan.directBytesMin)
        for (range, blocks) in [
            (0..<least, 0..<least), (0..<least - 1, nil), (1..<least, nil),
            (1..<least + block, block..<least + block),
            (1..<least + block - 1, nil),
            (block - 1..<least + 2 * block - 1, block..<least + block),
            (0..<0, nil),
        ] as [(Range<Int>, Range<Int>?)] {
            #expect(SegmentPlan.blocks(of: range) == blocks, "\(range)")
        }
    }

    /// Rounds of sizes around a block, the least of what is large, and the memory that they go
    /// through.
    private static let rounds: [[LogStore.Record]] = {
        var bytes = (0..<251).map { UInt8($0) }
        while bytes.count < 2 << 20 { bytes += bytes }
        let sizes = [9, 600_000, 4096, 540_000, 5, 2 << 20, 4095]
        return sizes.enumerated().map { [bytes] index, size in
            (1...3).map { number in
                var record = SegmentScratch.record(UInt64(3 * index + number))
                if number < 3 {
                    record.requestBody.bytes = Array(bytes[index..<index + number * size / 3])
                }
                return record
            }
        }
    }()

    /// What a segment holds behind its head, which says when it was made.
    private static func entries(_ scratch: SegmentScratch) throws -> [UInt8] {
        Array(try scratch.bytes(of: 1).dropFirst(Segment.headBytes))
    }

    @Test("the file has the same bytes as one written through the cache, whatever the disk takes")
    func same() throws {
        let plain = try SegmentScratch()
        let writer = try plain.writer()
        writer.isHurried = true
        for round in Self.rounds { try plain.append(round, writer) }
        let wanted = try Self.entries(plain)
        for refusedCall in [0, 1, 2, 3, 4] {
            let scratch = try SegmentScratch()
            let calls = Atomic<Int>(0)
            let cached = Atomic<Int>(0)
            var disk = SegmentDisk()
            unsafe disk.writeDirect = { file, blocks, offset in
                let call = calls.add(1, ordering: .relaxed).newValue
                guard call == refusedCall else { return unsafe file.write(blocks, at: offset) }
                // By turns it takes nothing, or a part.
                guard call % 2 == 0 else { return -1 }
                let half = unsafe UnsafeRawBufferPointer(rebasing: blocks[..<8192])
                return unsafe file.write(half, at: offset)
            }
            unsafe disk.write = { file, vectors, count, offset in
                let taken = unsafe pwritev(file, vectors, count, offset)
                cached.add(max(0, taken), ordering: .relaxed)
                return taken
            }
            let direct = try scratch.writer(disk)
            for round in Self.rounds { try scratch.append(round, direct) }
            let isSame = try Self.entries(scratch) == wanted
            #expect(isSame, "\(refusedCall)")
            // Of what is large little more than its first and last bytes, where the disk takes it.
            guard refusedCall == 0, calls.load(ordering: .relaxed) > 0 else { continue }
            #expect(cached.load(ordering: .relaxed) < 100_000)
        }
    }

    @Test("memory for blocks is kept while it is used")
    func stages() throws {
        let stages = WriteStages()
        for isUsed in [false, true, true, false, true] {
            if isUsed { Self.use(stages) }
            #expect(stages.trim() == isUsed)
        }
    }

    private static func use(_ stages: WriteStages) {
        // Two writes at once have memory of their own.
        guard let one = stages.take(), let other = stages.take() else { return }
        stages.keep(one)
        stages.keep(other)
    }

    @Test("a ring is fast while much of it is read within a second")
    func pace() {
        var pace = RingPace(capacity: 1600)
        for (milliseconds, cursor, isFast) in [
            (0, 5000, false), (500, 5099, false), (999, 5099, false), (1000, 5099, false),
            (1500, 5198, false), (1900, 5199, true), (2000, 5199, true), (2999, 5298, true),
            (3000, 5298, false), (9000, 9000, true), (9999, 9000, true), (10_000, 9000, false),
        ] as [(Int64, UInt64, Bool)] {
            pace.update(cursor, now: Instant(nanoseconds: milliseconds * 1_000_000))
            #expect(pace.isFast == isFast, "\(milliseconds)")
        }
    }

    @Test("a disk that is full is found through the cache, and said")
    func full() throws {
        let scratch = try SegmentScratch()
        var disk = SegmentDisk()
        unsafe disk.writeDirect = { _, _, _ in -1 }
        unsafe disk.write = { file, vectors, count, offset in
            guard offset > 1 << 20 else { return unsafe pwritev(file, vectors, count, offset) }
            errno = ENOSPC
            return -1
        }
        let writer = try scratch.writer(disk)
        try scratch.append([SegmentScratch.record(1, bytes: 1 << 20)], writer)
        #expect(throws: SystemError.self) {
            try scratch.append([SegmentScratch.record(2, bytes: 1 << 20)], writer)
        }
        let (faults, isRight) = scratch.faults(of: 0, SegmentReader(scratch.folder))
        #expect(faults.isEmpty && isRight)
    }
}
