import CJournal
import Glibc
import Journal
import Primitives
import Reactor
import Support
import Synchronization
import Testing

@Suite("Journal")
struct JournalTests {
    @Test("frames come back as they were written, in order, over many laps of the ring")
    func laps() throws {
        let scratch = try JournalScratch()
        var random = RandomSource(seed: 1)
        var reader = JournalReader(scratch.file)
        for round in 0..<2000 {
            let exchange = try #require(scratch.begin("request \(round)"))
            let piece = (0..<Int.random(in: 0...900, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            #expect(scratch.body(exchange, piece))
            scratch.settle(exchange)
            let seen = JournalScratch.frames(&reader)
            #expect(seen.map(\.kind) == [.begin, .chunk, .settlement])
            #expect(seen.allSatisfy { $0.exchange == exchange })
            #expect(seen.first?.payload == Array("request \(round)".utf8))
            #expect(seen.dropFirst().first?.payload == piece)
            scratch.file.release(upTo: reader.cursor)
        }
        let damage = reader.damageCount
        #expect(damage == 0)
        #expect(scratch.file.writeCursor > 5 * UInt64(scratch.file.capacity))
        #expect(scratch.file.tally.emitted == 2000 && scratch.file.tally.dropped == 0)
    }

    /// Whether the kernel can be asked for pages: Linux before 5.14 cannot.
    private static let canPrepare: Bool = {
        guard let scratch = try? JournalScratch(capacity: 4 << 20) else { return true }
        return scratch.file.prepare(0..<(2 << 20)) == 2 << 20
    }()

    @Test(
        "a writer meets no page that is not there where the reader has prepared the ring",
        .enabled(if: canPrepare, "the kernel is older than 5.14"))
    func pages() throws {
        let scratch = try JournalScratch(capacity: 4 << 20)
        let run = UInt64(JournalFile.pageRunBytes)
        #expect(scratch.file.prepare(0..<(2 << 20)) == 2 << 20)
        let piece = [UInt8](repeating: 7, count: 4000)
        let ownThread: Int32 = 1  // RUSAGE_THREAD, which glibc shows to GNU sources alone
        func faults(upTo end: UInt64) throws -> Int {
            var before = rusage()
            var after = rusage()
            let exchange = try #require(scratch.begin())
            unsafe getrusage(ownThread, &before)
            while scratch.file.writeCursor + 8000 < end { _ = scratch.body(exchange, piece) }
            unsafe getrusage(ownThread, &after)
            return after.ru_minflt - before.ru_minflt
        }
        #expect(try faults(upTo: 2 << 20) < 8)
        // Where it was not prepared pages cost faults: one for sixteen at the least.
        #expect(try faults(upTo: 3 << 20) >= 16)
        scratch.file.release(upTo: scratch.file.writeCursor)
        let end = (4 << 20) + 8 * run
        #expect(scratch.file.prepare((4 << 20)..<end) == end)
        _ = try faults(upTo: 4 << 20)
        #expect(try faults(upTo: end) < 8)
    }

    @Test("when room is short bodies go first, then whole exchanges, settlements never")
    func ranks() throws {
        let scratch = try JournalScratch()
        var open: [UInt64] = []
        var refusedBodies = 0
        let piece = [UInt8](repeating: 7, count: 1000)
        while let exchange = scratch.begin() {
            open.append(exchange)
            if !scratch.body(exchange, piece) { refusedBodies += 1 }
        }
        #expect(refusedBodies > 0)
        #expect(open.count > 20)
        #expect(scratch.writer.openCount == open.count)
        // Nothing but settlements fits any more, and every one of them does.
        let head = [UInt8](repeating: 7, count: 2 * JournalWriter.settlementBytesMax)
        let isWritten = scratch.writer.append(.responseHead, scratch.tag(1), head.span)
        #expect(!isWritten)
        for (index, exchange) in open.enumerated() {
            if index % 2 == 0 { scratch.appendDelivery(exchange) }
            scratch.settle(exchange, isDeliveryWritten: index % 2 == 0)
        }
        let seen = scratch.frames()
        #expect(seen.filter { $0.kind == .delivery }.count == (open.count + 1) / 2)
        #expect(seen.filter { $0.kind == .settlement }.map(\.exchange) == open)
        #expect(seen.filter { $0.kind == .begin }.count == open.count)
        let tally = scratch.file.tally
        #expect(tally.emitted == open.count + 1 && tally.dropped == 1)
        #expect(tally.droppedFrames == refusedBodies + 1)
        #expect(tally.droppedBytes == 1000 * refusedBodies + head.count)
        // With room again, it goes on.
        scratch.file.release(upTo: scratch.file.writeCursor)
        #expect(scratch.begin() == UInt64(open.count + 2))
    }

    @Test("whatever the file holds, reading ends, and whole frames are found")
    func damage() throws {
        let scratch = try JournalScratch()
        for _ in 0..<40 {
            guard let exchange = scratch.begin() else { break }
            _ = scratch.body(exchange, [UInt8](repeating: UInt8(exchange), count: 200))
            scratch.settle(exchange)
        }
        let whole = scratch.frames()
        let path = scratch.file.path
        for seed in 0..<400 {
            var random = RandomSource(seed: UInt64(seed))
            let copy = "\(path).copy"
            var bytes = try Self.bytes(of: path)
            let written = Int(scratch.file.writeCursor)
            // A bit, a run of zeros, a run of noise, or a length that reaches anywhere.
            let start = 65536 + Int.random(in: 0..<written, using: &random)
            let end = min(start + Int.random(in: 1...300, using: &random), 65536 + written)
            switch seed % 4 {
            case 0: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: for index in start..<end { bytes[index] = 0 }
            case 2:
                for index in start..<end {
                    bytes[index] = UInt8.random(in: .min ... .max, using: &random)
                }
            default: for index in start..<min(start + 4, end) { bytes[index] = 0xFF }
            }
            try Self.write(bytes, to: copy)
            defer { unsafe unlink(copy) }
            var reader = JournalReader(try JournalFile(opening: copy))
            let seen = JournalScratch.frames(&reader)
            let (isAtEnd, damage) = (reader.isAtEnd, reader.damageCount)
            #expect(isAtEnd)
            // Nothing invented; at most what was touched is missing.
            #expect(seen.allSatisfy { whole.contains($0) })
            #expect(seen.count >= whole.count - 6)
            #expect(seen.count == whole.count || damage > 0)
        }
    }

    @Test("bytes of a body that are frames elsewhere are none where they stand")
    func forged() throws {
        let scratch = try JournalScratch(capacity: 256 << 10)
        let exchange = try #require(scratch.begin())
        scratch.settle(exchange)
        // All that a frame is, of this very journal, as a client might have learnt it.
        let frames = Array(try Self.bytes(of: scratch.file.path)[65536..<65536 + 512])
        let other = try JournalScratch()
        let strange = try #require(other.begin("forged"))
        other.settle(strange)
        let others = Array(try Self.bytes(of: other.file.path)[65536..<65536 + 512])
        let victim = try #require(scratch.begin())
        let start = Int(scratch.file.writeCursor)
        #expect(scratch.body(victim, frames + others))
        // The frame's own head is damaged, so that reading goes on inside its body.
        var bytes = try Self.bytes(of: scratch.file.path)
        for index in start..<start + 32 { bytes[65536 + index] = 0 }
        let copy = "\(scratch.file.path).copy"
        try Self.write(bytes, to: copy)
        defer { unsafe unlink(copy) }
        var reader = JournalReader(try JournalFile(opening: copy))
        let seen = JournalScratch.frames(&reader)
        #expect(seen.map(\.exchange) == [exchange, exchange, victim])
        #expect(!seen.contains { $0.payload == Array("forged".utf8) })
    }

    @Test("what was read is wiped, in the file, too")
    func wiped() throws {
        let scratch = try JournalScratch()
        let exchange = try #require(scratch.begin("canary-request"))
        #expect(scratch.body(exchange, Array("canary-body".utf8)))
        scratch.settle(exchange)
        #expect(try Self.bytes(of: scratch.file.path).firstRange(of: Array("canary".utf8)) != nil)
        #expect(scratch.frames().count == 3)
        scratch.file.release(upTo: scratch.file.writeCursor)
        #expect(try Self.bytes(of: scratch.file.path).firstRange(of: Array("canary".utf8)) == nil)
    }

    @Test("a journal is written to for as long as its process holds the mark")
    func writerLock() throws {
        let scratch = try JournalScratch()
        #expect(!WriterLock.isHeld(on: scratch.file.path))
        do {
            let lock = try WriterLock(scratch.file.path)
            #expect(WriterLock.isHeld(on: scratch.file.path))
            #expect(throws: SystemError.self) { try WriterLock(scratch.file.path) }
            withExtendedLifetime(lock) {}
        }
        #expect(!WriterLock.isHeld(on: scratch.file.path))
        #expect(!WriterLock.isHeld(on: scratch.file.path + ".none"))
    }

    @Test("a folder goes to another process with its lock, and is free when all copies are closed")
    func givenAway() throws {
        let scratch = try JournalScratch()
        let path = scratch.folder.path
        let copy = try scratch.folder.lockCopy()
        do {
            let taken = try JournalFolder(path, takingOver: copy)
            #expect(throws: JournalFolder.Unusable.self) { try JournalFolder(path) }
            withExtendedLifetime(taken) {}
        }
        let other = try JournalScratch()
        #expect(throws: JournalFolder.Unusable.self) {
            try JournalFolder(path, takingOver: try other.folder.lockCopy())
        }
    }

    @Test("links and folders that others write to are refused")
    func owners() throws {
        let scratch = try JournalScratch()
        let path = scratch.folder.path
        let link = "\(path)/link.journal"
        defer { unsafe unlink(link) }
        #expect(unsafe symlink(scratch.file.path, link) == 0)
        #expect(throws: (any Error).self) { try JournalFile(opening: link) }
        #expect(throws: (any Error).self) { try JournalFile(opening: path) }
        let open = "\(path)-open"
        defer { unsafe rmdir(open) }
        #expect(unsafe mkdir(open, 0o700) == 0 && chmod(open, 0o777) == 0)
        #expect(throws: JournalFolder.Unusable.self) { try JournalFolder(open) }
        let other = "\(path)-other"
        defer { unsafe rmdir(other) }
        #expect(unsafe mkdir(other, 0o700) == 0)
        // Only the administrator can give a folder away.
        if unsafe chown(other, 65532, 65532) == 0, geteuid() == 0 {
            #expect(throws: JournalFolder.Unusable.self) { try JournalFolder(other) }
        }
        let linked = "\(path)-linked"
        #expect(unsafe mkdir(linked, 0o700) == 0)
        #expect(unsafe symlink("/dev/null", "\(linked)/lock") == 0)
        #expect(throws: (any Error).self) { try JournalFolder(linked) }
        unsafe unlink("\(linked)/lock")
        unsafe rmdir(linked)
    }

    @Test("a file of any bytes is read to its end, or refused")
    func noise() throws {
        let scratch = try JournalScratch()
        let head = try Self.bytes(of: scratch.file.path).prefix(65536)
        var openedCount = 0
        for seed in 0..<200 {
            var random = RandomSource(seed: UInt64(seed))
            var bytes = Array(head)
            for _ in 0..<Int.random(in: 0...16, using: &random) {
                bytes[Int.random(in: 0..<512, using: &random)] =
                    UInt8.random(in: .min ... .max, using: &random)
            }
            let capacity = 65536 * Int.random(in: 1...2, using: &random)
            // Many marks, so that many headers are looked into.
            for index in 0..<capacity {
                bytes.append(index % 16 == 8 ? 0xE1 : index % 16 == 9 ? 0x57 : UInt8(index % 8))
            }
            if seed % 3 == 0 {
                let cursor = UInt64(Int.random(in: 0...capacity, using: &random))
                for index in 0..<8 {
                    bytes[128 + index] = UInt8(truncatingIfNeeded: cursor >> UInt64(8 * index))
                }
            }
            let copy = "\(scratch.file.path).noise"
            try Self.write(bytes, to: copy)
            defer { unsafe unlink(copy) }
            guard let file = try? JournalFile(opening: copy) else { continue }
            openedCount += 1
            var reader = JournalReader(file)
            let seen = JournalScratch.frames(&reader)
            let isAtEnd = reader.isAtEnd
            #expect(seen.isEmpty && isAtEnd)
        }
        #expect(openedCount > 0, "no file was read")
        for size in [0, 1, 65535, 65536, 70000] {
            let copy = "\(scratch.file.path).short"
            try Self.write([UInt8](repeating: 1, count: size), to: copy)
            defer { unsafe unlink(copy) }
            #expect(throws: (any Error).self) { try JournalFile(opening: copy) }
        }
    }

    @Test("a reader beside the writer loses nothing, sees nothing twice, and is woken")
    func threads() throws {
        let scratch = try JournalScratch(capacity: 256 << 10)
        let total = 20_000
        let file = scratch.file
        let waker = scratch.waker
        let settled = Mutex<[UInt64]>([])
        let thread = try Thread(name: "reader") {
            var reader = JournalReader(file)
            var count = 0
            while count < total {
                reader.read { frame in
                    guard frame.kind == .settlement else { return true }
                    settled.withLock { $0.append(frame.exchange) }
                    count += 1
                    return true
                }
                let cursor = reader.cursor
                file.release(upTo: cursor)
                guard count < total else { return }
                waker.sleep(atMost: Patience.interval) { file.writeCursor != cursor }
            }
        }
        var begun: [UInt64] = []
        while begun.count < total {
            guard let exchange = scratch.begin() else { continue }
            _ = scratch.body(exchange, [UInt8](repeating: 1, count: 300))
            scratch.settle(exchange)
            begun.append(exchange)
        }
        thread.join()
        #expect(settled.withLock { $0 } == begun)
        let tally = file.tally
        #expect(tally.emitted == begun.count + tally.dropped)
    }

    @Test("a folder serves one gateway at a time, and says whose it is")
    func lock() throws {
        let scratch = try JournalScratch()
        let error = #expect(throws: JournalFolder.Unusable.self) {
            try JournalFolder(scratch.folder.path)
        }
        #expect(error?.description.contains("process \(getpid())") == true)
        #expect(throws: SystemError.self) { try JournalFolder("/proc/nowhere/x") }
    }

    @Test("what a process left is found and read by the next")
    func leftovers() throws {
        let scratch = try JournalScratch()
        let exchange = try #require(scratch.begin())
        _ = scratch.body(exchange, [1, 2, 3])
        let paths = try JournalFolder.journals(in: scratch.folder.path)
        #expect(paths == [scratch.file.path])
        let again = try JournalFile(opening: paths[0])
        #expect(again.name == scratch.file.name)
        var reader = JournalReader(again)
        let seen = JournalScratch.frames(&reader)
        #expect(seen.map(\.kind) == [.begin, .chunk])
    }

    @Test("the processor's checksum is the table's, and RFC 3720's")
    func checksum() {
        #expect(Self.checksums(Array("123456789".utf8)).fast == 0xE306_9283)
        var random = RandomSource(seed: 3)
        let bytes = (0..<10_000).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        // Around where three runs side by side begin.
        for count in [
            0, 1, 7, 8, 9, 63, 64, 383, 384, 385, 768, 1000, 3000, 3071, 3072, 3073, 3456, 10_000,
        ] {
            let whole = Self.checksums(Array(bytes[..<count]))
            #expect(whole.fast == whole.table)
            let half = Self.checksums(Array(bytes[..<(count / 2)])).fast
            let both = Self.checksums(Array(bytes[(count / 2)..<count]), after: half)
            #expect(both.fast == whole.fast && both.table == whole.fast)
        }
    }

    private static func checksums(
        _ bytes: [UInt8], after: UInt32 = 0
    ) -> (fast: UInt32, table: UInt32) {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe (
                cjournal_crc32c(after, bytes.baseAddress, bytes.count),
                cjournal_crc32c_table(after, bytes.baseAddress, bytes.count)
            )
        }
    }

    static func bytes(of path: String) throws -> [UInt8] {
        guard let file = unsafe fopen(path, "r") else { throw SystemError(call: "fopen") }
        defer { unsafe fclose(file) }
        var status = stat()
        unsafe fstat(fileno(file), &status)
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        guard unsafe fread(&bytes, 1, bytes.count, file) == bytes.count else {
            throw SystemError(call: "fread")
        }
        return bytes
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        guard let file = unsafe fopen(path, "w") else { throw SystemError(call: "fopen") }
        let count = unsafe fwrite(bytes, 1, bytes.count, file)
        guard unsafe fclose(file) == 0, count == bytes.count else {
            throw SystemError(call: "fwrite")
        }
    }
}

extension Span<UInt8> {
    func elementsEqual(_ other: [UInt8]) -> Bool {
        count == other.count && other.indices.allSatisfy { self[$0] == other[$0] }
    }
}
