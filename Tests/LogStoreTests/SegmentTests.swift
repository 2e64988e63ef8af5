import Codings
import Glibc
import Journal
import Primitives
import Reactor
import Synchronization
import Testing

@testable import LogStore

@Suite("Segments")
struct SegmentTests {
    private static func pack(_ scratch: SegmentScratch) throws {
        let packing = SegmentPacking(folder: scratch.folder, disk: SegmentDisk())
        let runs = scratch.rows.map { row in
            row.pointer.offset..<row.pointer.offset + row.pointer.footprint
        }
        // Not in the order of their offsets.
        let result = try packing.pack(scratch.end.segment, runs.reversed())
        #expect(result != nil)
    }

    /// Four records in two batches, one of them empty.
    private static func written() throws -> SegmentScratch {
        let scratch = try SegmentScratch()
        let writer = try scratch.writer()
        try scratch.append([SegmentScratch.record(1), SegmentScratch.record(2, bytes: 40)], writer)
        let empty = LogStore.Record(Identifier(high: 3, low: 3))
        try scratch.append([empty, SegmentScratch.record(4, bytes: 0)], writer)
        return scratch
    }

    @Test("what was written comes back, from plain and from packed files, at the same offsets")
    func roundTrip() throws {
        let scratch = try Self.written()
        #expect(scratch.rows[2].pointer == ContentPointer())
        #expect(scratch.rows[3].pointer.lengths[1] == 0)
        for isPacked in [false, true] {
            if isPacked { try Self.pack(scratch) }
            let reader = SegmentReader(scratch.folder)
            for row in scratch.rows.indices {
                let (faults, isRight) = scratch.faults(of: row, reader)
                #expect(faults.isEmpty && isRight, "\(row) \(isPacked)")
            }
        }
    }

    @Test("a bit that flips in a plain segment costs one entry, which is named")
    func flips() throws {
        let scratch = try Self.written()
        let whole = try scratch.bytes(of: 1)
        let reader = SegmentReader(scratch.folder)
        var named = 0
        for index in whole.indices {
            var bytes = whole
            bytes[index] ^= 1 << UInt8(index % 8)
            try scratch.replace(1, with: bytes)
            var all: [ContentFault] = []
            for row in scratch.rows.indices {
                let (faults, isRight) = scratch.faults(of: row, reader)
                #expect(isRight, "byte \(index), row \(row)")
                all += faults
            }
            // The head is not needed, and the padding holds nothing.
            #expect(all.count <= 1, "byte \(index)")
            guard let fault = all.first else { continue }
            named += 1
            #expect(fault.segment == 1 && fault.reason == .damaged)
            #expect(fault.offset <= index && index < fault.offset + 32 + 48)
        }
        #expect(named > whole.count * 2 / 3)
    }

    @Test("a bit that flips in a packed segment is found, and costs nothing")
    func packedFlips() throws {
        let scratch = try Self.written()
        try Self.pack(scratch)
        let whole = try scratch.bytes(of: 1)
        let path = scratch.folder.path(of: 1)
        for index in whole.indices {
            var bytes = whole
            bytes[index] ^= 1 << UInt8(index % 8)
            try scratch.replace(1, with: bytes)
            let reader = SegmentReader(scratch.folder)
            for row in scratch.rows.indices {
                let (faults, isRight) = scratch.faults(of: row, reader)
                #expect(isRight && faults.isEmpty, "byte \(index), row \(row)")
            }
            let damage = try SegmentFile(path, number: 1).restore()
            let only = try #require(damage.first)
            #expect(damage.count == 1 && only.range.contains(index), "byte \(index)")
            let isRight = only.restored.map { $0[...] == whole[only.range] }
            #expect(isRight == true, "byte \(index)")
        }
        // Cut anywhere it is read as far as it goes, and no further.
        for count in 0..<whole.count {
            try scratch.replace(1, with: Array(whole.prefix(count)))
            let reader = SegmentReader(scratch.folder)
            for row in scratch.rows.indices { #expect(scratch.faults(of: row, reader).isRight) }
        }
    }

    @Test("in a packed segment without parity a flipped bit is never taken for what was written")
    func flipsWithoutParity() throws {
        let scratch = try Self.written()
        try Self.pack(scratch)
        let end = try SegmentFile(scratch.folder.path(of: 1), number: 1).end
        // As earlier versions wrote it.
        let whole = Array(try scratch.bytes(of: 1).prefix(end))
        var found = 0
        for index in whole.indices {
            var bytes = whole
            bytes[index] ^= 1 << UInt8(index % 8)
            try scratch.replace(1, with: bytes)
            let reader = SegmentReader(scratch.folder)
            for row in scratch.rows.indices {
                let (faults, isRight) = scratch.faults(of: row, reader)
                #expect(isRight, "byte \(index), row \(row)")
                found += faults.count
                // Head and directory can be done without.
                let isAside = index < 32 || index >= whole.count - 48
                #expect(!isAside || faults.isEmpty, "byte \(index), row \(row)")
            }
        }
        #expect(found > 0)
    }

    @Test("a run of bad bytes is restored, and what is too much is named")
    func runs() throws {
        let scratch = try SegmentScratch()
        let writer = try scratch.writer()
        var random = RandomSource(seed: 3)
        // What cannot be packed keeps its length: three groups of blocks.
        var record = SegmentScratch.record(1)
        record.requestBody.bytes = (0..<300_000).map { _ in
            UInt8(truncatingIfNeeded: random.next())
        }
        record.requestBody.totalBytes = 300_000
        try scratch.append([record, SegmentScratch.record(2)], writer)
        try Self.pack(scratch)
        let whole = try scratch.bytes(of: 1)
        for start in [0, 5, 4096, 100_000, 250_001] {
            var bytes = whole
            for index in start..<start + 2 * 4096 + 1 { bytes[index] ^= 0x5A }
            try scratch.replace(1, with: bytes)
            let reader = SegmentReader(scratch.folder)
            for row in scratch.rows.indices {
                let (faults, isRight) = scratch.faults(of: row, reader)
                #expect(isRight && faults.isEmpty, "\(start)")
            }
        }
        var bytes = whole
        for index in 100_000..<100_000 + 4 * 4096 { bytes[index] ^= 0x5A }
        try scratch.replace(1, with: bytes)
        let damage = try SegmentFile(scratch.folder.path(of: 1), number: 1).restore()
        #expect(damage.contains { $0.restored == nil } && damage.contains { $0.restored != nil })
        let reader = SegmentReader(scratch.folder)
        #expect(scratch.faults(of: 0, reader).faults.map(\.part) == ["request_body"])
        #expect(scratch.rows.indices.allSatisfy { scratch.faults(of: $0, reader).isRight })
    }

    @Test("an entry that stands elsewhere is none, and neither is another record's")
    func copies() throws {
        let scratch = try SegmentScratch()
        let writer = try scratch.writer()
        try scratch.append([SegmentScratch.record(1), SegmentScratch.record(2)], writer)
        let (first, second) = (scratch.rows[0].pointer, scratch.rows[1].pointer)
        let count = first.footprint
        #expect(count == second.footprint)
        let whole = try scratch.bytes(of: 1)
        let entries = whole[first.offset..<first.offset + count]
        var bytes = whole
        bytes.replaceSubrange(second.offset..<second.offset + count, with: entries)
        try scratch.replace(1, with: bytes)
        // As another segment of the same length, too.
        try scratch.replace(2, with: whole)
        let reader = SegmentReader(scratch.folder)
        #expect(scratch.faults(of: 0, reader).faults.isEmpty)
        #expect(scratch.faults(of: 1, reader).faults.count == 4)
        var moved = first
        moved.segment = 2
        #expect(reader.read(moved, scratch.rows[0].record.identifier) { _, _ in }.count == 4)
        let other = scratch.rows[1].record.identifier
        #expect(reader.read(first, other) { _, _ in }.count == 4)
        // What an index may say that is damaged itself.
        moved = ContentPointer(segment: 1, offset: 1 << 40)
        moved.lengths = [1 << 40, 1 << 40, 1 << 40, 1 << 40]
        #expect(reader.read(moved, other) { _, _ in }.count == 4)
    }

    @Test("a tail without rows is cut off at whatever byte it ends, and written anew")
    func tornTail() throws {
        let scratch = try SegmentScratch()
        do {
            let writer = try scratch.writer()
            try scratch.append([SegmentScratch.record(1)], writer)
            try scratch.append([SegmentScratch.record(2)], writer, isCommitted: false)
        }
        let whole = try scratch.bytes(of: 1)
        let known = scratch.end
        for count in known.offset...whole.count {
            try scratch.replace(1, with: Array(whole.prefix(count)))
            scratch.end = known
            scratch.rows = Array(scratch.rows.prefix(1))
            let writer = try scratch.writer()
            #expect(try scratch.bytes(of: 1) == Array(whole.prefix(known.offset)))
            try scratch.append([SegmentScratch.record(2)], writer)
            #expect(try scratch.bytes(of: 1) == whole, "cut at \(count)")
            #expect(scratch.folder.numbers == [1])
        }
    }

    @Test("bytes that rows know and a power loss took are named, and nothing takes their offsets")
    func powerLoss() throws {
        let scratch = try SegmentScratch()
        do {
            let writer = try scratch.writer()
            try scratch.append([SegmentScratch.record(1)], writer)
            try scratch.append([SegmentScratch.record(2)], writer)
        }
        let whole = try scratch.bytes(of: 1)
        let known = scratch.end
        for count in scratch.rows[1].pointer.offset..<whole.count {
            try scratch.replace(1, with: Array(whole.prefix(count)))
            scratch.end = known
            scratch.rows = Array(scratch.rows.prefix(2))
            let writer = try scratch.writer()
            try scratch.append([SegmentScratch.record(3)], writer)
            #expect(scratch.end.segment == 2)
            let reader = SegmentReader(scratch.folder)
            #expect(scratch.faults(of: 0, reader).faults.isEmpty)
            let (faults, isRight) = scratch.faults(of: 1, reader)
            // The last entry's padding may be missing.
            #expect(isRight && (!faults.isEmpty || count > whole.count - 8), "cut at \(count)")
            #expect(scratch.faults(of: 2, reader).faults.isEmpty)
            _ = try scratch.folder.remove(2)
        }
    }

    @Test("segments are sealed by bytes and by age, and go on with the next number")
    func seals() throws {
        let scratch = try SegmentScratch()
        var bounds = SegmentWriter.Bounds(bytesMax: 400)
        let writer = try scratch.writer(bounds: bounds)
        for number in 1...6 {
            try scratch.append([SegmentScratch.record(UInt64(number))], writer)
        }
        #expect(scratch.rows.map(\.pointer.segment) == [1, 1, 2, 2, 3, 3])
        bounds = SegmentWriter.Bounds(ageMax: .zero)
        writer.set(bounds)
        #expect(writer.sealIfDue(after: scratch.end) && writer.current == 0)
        #expect(!writer.sealIfDue(after: scratch.end))
        try scratch.append([SegmentScratch.record(7)], writer)
        #expect(scratch.end.segment == 4)
        let reader = SegmentReader(scratch.folder)
        for row in scratch.rows.indices {
            #expect(scratch.faults(of: row, reader).faults.isEmpty)
        }
    }

    @Test("entries larger than a frame, and as many as fill several, are packed and read")
    func large() throws {
        let scratch = try SegmentScratch()
        let writer = try scratch.writer()
        let limit = ZstdFrame.contentBytesMax
        var huge = SegmentScratch.record(1)
        huge.responseBody.bytes = [UInt8](repeating: 7, count: limit * 2 + 5)
        var half = SegmentScratch.record(2)
        half.requestBody.bytes = [UInt8](repeating: 8, count: limit / 2)
        try scratch.append([half, huge, half, half, SegmentScratch.record(3)], writer)
        try Self.pack(scratch)
        let file = try SegmentFile(scratch.folder.path(of: 1), number: 1)
        let directory = SegmentDirectory(of: file)
        #expect(directory.frames.allSatisfy { $0.count <= limit } && directory.frames.count >= 5)
        let held = directory.frames.flatMap(\.ranges).reduce(0) { $0 + $1.count }
        #expect(held == scratch.end.offset - Segment.headBytes && file.size < 64 << 10)
        let reader = SegmentReader(scratch.folder)
        for row in scratch.rows.indices {
            let (faults, isRight) = scratch.faults(of: row, reader)
            #expect(faults.isEmpty && isRight, "\(row)")
        }
    }

    @Test("a disk that takes little at a time gets everything, in thousands of pieces")
    func shortWrites() throws {
        let scratch = try SegmentScratch()
        var disk = SegmentDisk()
        let calls = Atomic<Int>(0)
        unsafe disk.write = { file, vectors, count, offset in
            let call = calls.add(1, ordering: .relaxed).newValue
            guard call % 3 != 0 else {
                errno = EINTR
                return -1
            }
            guard call % 3 == 1 else { return unsafe pwritev(file, vectors, count, offset) }
            let length = unsafe min(vectors[0].iov_len, 1 + call * 37 % 900)
            return unsafe pwrite(file, vectors[0].iov_base, length, offset)
        }
        try scratch.folder.make()
        let descriptor = unsafe open(scratch.folder.path(of: 1), O_RDWR | O_CREAT, 0o600)
        defer { close(descriptor) }
        let bytes = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        try unsafe bytes.withUnsafeBytes { all in
            var vectors: [iovec] = unsafe []
            var start = 0
            while start < all.count {
                let count = min(all.count - start, 1 + start % 211)
                unsafe vectors.append(
                    iovec(
                        iov_base: all.baseAddress.map {
                            unsafe UnsafeMutableRawPointer(mutating: $0 + start)
                        }, iov_len: count))
                start += count
            }
            #expect(unsafe vectors.count > 3000)
            try unsafe disk.writeAll(&vectors, to: descriptor, at: 0)
        }
        let isSame = try scratch.bytes(of: 1) == bytes
        #expect(isSame)
    }

    @Test("large pieces go from the ring to the file, and come back with the small ones between")
    func ring() throws {
        let scratch = try RecordScratch(journalBytes: 4 << 20)
        var call = RecordScratch.Call()
        call.pieces = (1...40).map { number in
            [UInt8](repeating: UInt8(number), count: number % 2 == 0 ? 9 : 5000 + number)
        }
        let opens = (0..<5).compactMap { _ in scratch.append(call) }
        let source = JournalSource(
            scratch.file, from: nil, isLeft: false, capture: Capture(bytesMax: 70_000))
        var batch = Batch()
        source.read(into: &batch, recordsMax: 100, now: .now())
        let store = try Store(folder: scratch.folder.path)
        _ = try store.write(batch, capture: Capture(bytesMax: 70_000))
        let wanted = Array(call.pieces.flatMap { $0 }.prefix(70_000))
        for open in opens {
            let found = try store.records(named: open.identifier.description).first
            let isSame = found?.record.responseBody.bytes == wanted
            #expect(isSame && found?.record.responseBody.isCut == true)
            #expect(found?.record.requestBody.bytes == call.request)
            #expect(found?.faults.isEmpty == true)
        }
        #expect(opens.count == 5)
    }

    @Test("frames and directories that lie are bounded by what is there")
    func bombs() throws {
        let scratch = try Self.written()
        var random = RandomSource(seed: 9)
        try Self.pack(scratch)
        let packed = try scratch.bytes(of: 1)
        for _ in 0..<2000 {
            var bytes = packed
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            try scratch.replace(1, with: bytes)
            let reader = SegmentReader(scratch.folder)
            for row in scratch.rows.indices { #expect(scratch.faults(of: row, reader).isRight) }
        }
        // A frame whose content is far longer than the directory says.
        let zeros = [UInt8](repeating: 0, count: 8 << 20)
        var room = [UInt8](repeating: 0, count: ZstdFrame.bound(zeros.count))
        let count = unsafe zeros.withUnsafeBytes { content in
            unsafe room.withUnsafeMutableBytes { unsafe ZstdFrame.pack(content, into: $0) }
        }
        let frame = Array(room.prefix(try #require(count)))
        #expect(ZstdFrame.unpack(frame.span, count: 1000) == [UInt8](repeating: 0, count: 1000))
        #expect(ZstdFrame.unpack(frame.span, count: zeros.count) == zeros)
        #expect(ZstdFrame.measure(frame.span)?.content == zeros.count)
        let cut = Array(frame.dropLast())
        #expect(ZstdFrame.measure(cut.span) == nil)
    }
}
