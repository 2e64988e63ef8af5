import Codings
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

@Suite("Erasing")
struct ErasingTests {
    static func record(_ number: Int, session: String, bytes: Int) -> LogStore.Record {
        var record = LogStore.Record(Identifier(high: 7, low: UInt64(number)))
        record.journal = "j"
        record.session = session
        record.key = "key\(number % 3)"
        record.acceptedMicroseconds = number * 1_000_000
        record.target = "/v1/messages?note=\(canary(number))"
        record.errorMessage = canary(number)
        record.requestFields = "x-note: \(canary(number))\r\n"
        record.costNanodollars = number
        let text = Array(String(repeating: canary(number) + " ", count: bytes / 16 + 1).utf8)
        record.requestBody = LogStore.Record.Body(bytes: text, totalBytes: text.count)
        record.responseBody = record.requestBody
        return record
    }

    private static func canary(_ number: Int) -> String { "<canary-\(number)>" }

    /// Every byte that a folder's files hold, and what is packed in them.
    private static func contents(of folder: String) -> [[UInt8]] {
        let segments = SegmentFolder(in: folder)
        var contents = ["weir.db", "weir.db-wal"].map { Self.bytes("\(folder)/\($0)") }
        for name in SegmentFolder.names(in: segments.path) {
            contents.append(Self.bytes("\(segments.path)/\(name)"))
        }
        for number in segments.numbers {
            guard let file = try? SegmentFile(segments.path(of: number), number: number),
                file.head.isPacked
            else { continue }
            for frame in SegmentDirectory(of: file).frames {
                contents.append(
                    ZstdFrame.unpack(
                        file.read(frame.offset..<frame.offset + frame.packedCount).span,
                        count: frame.count))
            }
        }
        return contents
    }

    private static func bytes(_ path: String) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY)
        guard file >= 0 else { return [] }
        defer { close(file) }
        return SegmentFile.read(file, 0..<Int(lseek(file, 0, SEEK_END)))
    }

    /// Those of some records whose text is in the files of a folder.
    private static func found(_ numbers: some Sequence<Int>, in folder: String) -> Set<Int> {
        let contents = contents(of: folder)
        return Set(
            numbers.filter { number in
                let text = Array(canary(number).utf8)
                return contents.contains { $0.span.holds(text.span) }
            })
    }

    @Test("what was erased is in no file, whatever its size and the order, and the rest is there")
    func erased() throws {
        let folder = try ScratchFolder("erase")
        let store = try Store(folder: folder.path)
        var random = RandomSource(seed: 11)
        var numbers = Array(1...60)
        for number in numbers {
            let size = [10, 300, 5000, 40_000, 90_000][number % 5]
            try store.insert([Self.record(number, session: "s", bytes: size)])
            // Two are packed, one is complete and plain, and one is being written.
            if number % 15 == 0, number < 60 { store.sealSegment() }
            if number == 30 { try store.packSegments { _, _, _ in } }
        }
        numbers.shuffle(using: &random)
        var erased: Set<Int> = []
        while !numbers.isEmpty {
            let now = Array(numbers.prefix(7))
            numbers.removeFirst(now.count)
            // Another process does it, beside the gateway's.
            let other = try Store(changing: folder.path)
            try other.erase(numbers: now.map(Int64.init))
            try other.close()
            erased.formUnion(now)
            #expect(Self.found(1...60, in: folder.path) == Set(1...60).subtracting(erased))
            let account = try store.verifyContents { id, fault in
                Issue.record("\(id): \(fault)")
            }
            #expect(account.whole == 60 - erased.count)
        }
        let records = try store.records(after: 0, limit: 99, withBodies: true).map(\.record)
        #expect(records.count == 60)
        for record in records {
            #expect(record.requestBody.bytes.isEmpty && record.requestBody.totalBytes > 0)
            #expect(record.target == "/v1/messages" && record.requestFields.isEmpty)
            #expect(record.errorMessage.isEmpty && record.costNanodollars != nil)
        }
        #expect(store.segments.numbers == [1, 2, 3, 4])
    }

    @Test(
        "in what is damaged beyond its parity no text is left, and what is whole stays",
        arguments: [1, 900, 5000, 12_000, 40_000])
    func damagedFrames(bytes count: Int) throws {
        for start in [0.1, 0.33, 0.6, 0.9] {
            let folder = try ScratchFolder("erase-damaged")
            let store = try Store(folder: folder.path)
            var random = RandomSource(seed: UInt64(count))
            for number in 1...30 {
                // What differs is long enough that frames are, too.
                var record = Self.record(number, session: "s", bytes: 100)
                let noise = (0..<100).map { _ in String(random.next(), radix: 16) }.joined()
                record.requestBody.bytes += Array(noise.utf8)
                record.requestBody.totalBytes = record.requestBody.bytes.count
                try store.insert([record])
            }
            store.sealSegment()
            try store.packSegments { _, _, _ in }
            let path = store.segments.path(of: 1)
            var bytes = Self.bytes(path)
            let first = Int(Double(bytes.count) * start)
            for index in first..<min(first + count, bytes.count) { bytes[index] ^= 0xFF }
            let file = unsafe try #require(fopen(path, "we"))
            unsafe fwrite(bytes, 1, bytes.count, file)
            unsafe fclose(file)
            func damaged() throws -> Set<String> {
                var ids: Set<String> = []
                _ = try store.verifyContents { id, _ in ids.insert(id) }
                return ids
            }
            let before = try damaged()
            try store.erase(numbers: (1...15).map { Int64(2 * $0 - 1) })
            let left = Self.found((1...15).map { 2 * $0 - 1 }, in: folder.path)
            #expect(left.isEmpty, "\(start)")
            #expect(try damaged().isSubset(of: before), "\(start)")
        }
    }

    @Test("records of a store without segments are erased, too")
    func bodiesInTable() throws {
        let folder = try ScratchFolder("erase-old")
        let record = Self.record(1, session: "s", bytes: 40_000)
        try OldStore.write([record], in: folder.path)
        let store = try Store(folder: folder.path)
        #expect(Self.found([1], in: folder.path) == [1])
        try store.erase(numbers: [1])
        #expect(Self.found([1], in: folder.path) == [])
    }

    @Test("frames of an exchange that was open for long are erased with it", arguments: [0, 1])
    func openFrames(packs: Int) throws {
        let scratch = try RecordScratch(journalBytes: 128 << 10)
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics)
        let call = RecordScratch.Call()
        let open = try #require(scratch.begin(call))
        scratch.head(open, call)
        let folder = scratch.folder.path
        let text = "data: \(Self.canary(1)) \(String(repeating: "x", count: 900))\n\n"
        for _ in 0..<400 {
            #expect(try scratch.await { scratch.chunk(open, Array(text.utf8)) })
        }
        // It is in flight, by its name, and counted.
        let inFlight = try store.exchangesInFlight(folder: folder)
        #expect(inFlight.map(\.identifier) == [open.identifier])
        #expect(try store.account(folder: folder).pending == 1)
        scratch.settle(open, call)
        #expect(try scratch.await { metrics.stored.current == 1 })
        #expect(try store.exchangesInFlight(folder: folder).isEmpty)
        consumer.end()
        let found = try store.records(after: 0, limit: 2, withBodies: true)
        #expect(found.map(\.record.responseBody.bytes.count) == [400 * text.utf8.count])
        func left() throws -> Int? {
            try store.database.read { db in
                try Int.fetchOne(db, sql: "SELECT count(*) FROM left_entries")
            }
        }
        #expect(try left() ?? 0 > 0)
        if packs > 0 {
            store.sealSegment()
            try store.packSegments { _, _, _ in }
            #expect(try left() == 0)
            #expect(try store.verifyContents { _, _ in }.whole == 1)
        }
        #expect(Self.found([1], in: folder) == [1])
        try store.erase(numbers: [1])
        #expect(Self.found([1], in: folder) == [])
        #expect(try left() == 0)
    }

    @Test("a death at any step leaves what the next start erases, and nothing else is touched")
    func death() throws {
        var step = 0
        var isOver = false
        while !isOver {
            step += 1
            let folder = try ScratchFolder("erase-death")
            let store = try Store(folder: folder.path)
            for number in 1...6 {
                try store.insert([Self.record(number, session: "s", bytes: 9000)])
                if number == 3 {
                    store.sealSegment()
                    try store.packSegments { _, _, _ in }
                }
            }
            try store.close()
            let calls = Atomic<Int>(0)
            let last = step
            let isDead: @Sendable () -> Bool = {
                calls.add(1, ordering: .relaxed).newValue >= last
            }
            var disk = SegmentDisk()
            unsafe disk.write = { unsafe isDead() ? -1 : pwritev($0, $1, $2, $3) }
            disk.sync = { isDead() ? EIO : fdatasync($0) == 0 ? 0 : errno }
            disk.rename = { isDead() ? EIO : unsafe rename($0, $1) == 0 ? 0 : errno }
            do {
                try Store(changing: folder.path, disk: disk).erase(numbers: [2, 5])
                isOver = true
            } catch {
                #expect(error is SystemError, "\(error)")
            }
            // A death, unlike an error, leaves the draft, too.
            let next = try Store(folder: folder.path)
            let isBegun = try next.database.read {
                try Bool.fetchOne(
                    $0, sql: "SELECT EXISTS (SELECT 1 FROM erasures WHERE segment = 1)") ?? false
            }
            #expect(isBegun == (step <= 6))
            if isBegun {
                let draft = next.segments.draftPath(of: 1)
                let file = unsafe try #require(fopen(draft, "we"))
                unsafe fputs(Self.canary(2), file)
                unsafe fclose(file)
            }
            #expect(try next.finishErasures())
            #expect(Self.found(1...6, in: folder.path) == [1, 3, 4, 6], "step \(step)")
            #expect(try next.verifyContents { _, _ in }.whole == 4)
            let rest = try next.database.read {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM erasures")
            }
            #expect(rest == 0)
        }
        // Head, frame, directory, parity, sync and rename of the one; two writes an entry and sync
        // of the other.
        #expect(step > 10)
    }

    @Test("a segment is packed or erased from, one at a time, and a backup keeps both away")
    func locks() throws {
        let folder = try ScratchFolder("erase-locks")
        let path = SegmentFolder(in: folder.path)
        let isHeld = Atomic<Bool>(false)
        var disk = SegmentDisk()
        disk.sync = { file in
            do {
                _ = try SegmentFile.held(1, in: path, waits: false)
            } catch {
                isHeld.store(error is SegmentFile.Refusal, ordering: .relaxed)
            }
            return fdatasync(file) == 0 ? 0 : errno
        }
        let store = try Store(folder: folder.path, disk: disk)
        try store.insert([Self.record(1, session: "s", bytes: 9000)])
        store.sealSegment()
        do {
            let held = try SegmentFile.held(1, in: path, waits: false)
            #expect(throws: SegmentFile.Refusal.self) { try store.packSegments { _, _, _ in } }
            withExtendedLifetime(held) {}
        }
        try store.packSegments { _, _, _ in }
        #expect(isHeld.load(ordering: .relaxed) == true)
        #expect(try SegmentFile.held(2, in: path, waits: true) == nil)

        let copying = try DirectoryLock(ifFree: folder.path, isShared: true)
        #expect(throws: Store.Failure.self) { try store.erase(numbers: [1]) }
        #expect(Self.found([1], in: folder.path) == [1])
        // Another copy is not in its way.
        try store.backUp(to: "\(folder.path)/copy.tar")
        withExtendedLifetime(copying) {}
    }

    @Test("while a gateway writes, packs and takes away, what is erased stays away")
    func besideTheGateway() throws {
        let folder = try ScratchFolder("erase-beside")
        let store = try Store(folder: folder.path)
        store.set(SegmentWriter.Bounds(bytesMax: 4000))
        let isOver = Atomic<Bool>(false)
        let packing = try Thread(name: "test-pack") {
            while !isOver.load(ordering: .acquiring) {
                do {
                    try store.packSegments { _, _, _ in }
                } catch {
                    guard error is SegmentFile.Refusal else { Issue.record("\(error)"); return }
                }
            }
        }
        let count = 120
        var erased: Set<Int> = []
        let other = try Store(changing: folder.path)
        for number in 1...count {
            try store.insert([Self.record(number, session: "s", bytes: 900)])
            guard number % 3 == 0 else { continue }
            let numbers = [number - 1, max(1, number / 2)]
            try other.erase(numbers: numbers.map(Int64.init))
            erased.formUnion(numbers)
        }
        isOver.store(true, ordering: .releasing)
        packing.join()
        #expect(Self.found(1...count, in: folder.path) == Set(1...count).subtracting(erased))
        let account = try store.verifyContents { id, fault in Issue.record("\(id): \(fault)") }
        #expect(account.whole == count - erased.count)
        #expect(store.segments.numbers.count > 10)
    }

    @Test("a caller's records are its own, and later turns of a session are named")
    func callers() throws {
        let folder = try ScratchFolder("forget")
        let store = try Store(folder: folder.path)
        try store.insert(
            (1...6).map { number in
                Self.record(
                    number, session: number == 4 ? "other" : number == 6 ? "" : "s", bytes: 9)
            })
        #expect(try store.numbers(.session("s")) == [1, 2, 3, 5])
        #expect(try store.numbers(.session("")) == [])
        #expect(try store.numbers(.key("key1")) == [1, 4])
        #expect(try store.numbers(.key("key")) == [])
        func id(_ number: UInt64) -> String { Identifier(high: 7, low: number).description }
        #expect(try store.laterTurns(than: [2]) == [id(3), id(5)])
        #expect(try store.laterTurns(than: [1, 3]) == [id(2), id(5)])
        #expect(try store.laterTurns(than: [1, 2, 3, 5]) == [])
        #expect(try store.laterTurns(than: [6]) == [])
        #expect(throws: Store.Failure.self) { try Store(changing: "\(folder.path)/none") }
    }
}
