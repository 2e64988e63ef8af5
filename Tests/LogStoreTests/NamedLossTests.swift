import GRDB
import Glibc
import Journal
import Primitives
import Reactor
import Support
import Telemetry
import Testing

@testable import LogStore

/// What another hand, or a disk, takes from the record: it is named, and no more is lost with it.
@Suite("Losses of the record")
struct NamedLossTests {
    /// A store with three segments, the last of which is being written.
    private static func store(_ folder: ScratchFolder) throws -> Store {
        let store = try Store(folder: folder.path)
        for number in 1...3 {
            try store.insert([SegmentScratch.record(UInt64(number), bytes: 9000)])
            if number < 3 { store.sealSegment() }
        }
        return store
    }

    private static func names(_ store: Store) throws -> [String] {
        try store.losses().map { "\($0.kind.rawValue) \($0.name)" }
    }

    @Test("a segment that is gone is named, where neither its age nor a bound took it")
    func segments() throws {
        let table: [(change: (Store, String) throws -> Void, lost: [String])] = [
            ({ _, _ in }, []),
            ({ store, _ in _ = try store.evict(bytesMax: 1) }, []),
            ({ store, _ in _ = try store.retireSegments(before: .max) }, []),
            ({ _, path in unsafe unlink("\(path)/segments/00000002.seg") }, ["segment_missing 2"]),
            ({ _, path in unsafe unlink("\(path)/segments/00000003.seg") }, ["segment_missing 3"]),
            (
                { _, path in unsafe rename("\(path)/segments", "\(path)/elsewhere") },
                (1...3).map { "segment_missing \($0)" }
            ),
            (
                // Killed between the mark and the removal, or right after it.
                { store, path in
                    try store.markRemoved(1)
                    try store.markRemoved(2)
                    unsafe unlink("\(path)/segments/00000002.seg")
                }, []
            ),
        ]
        for (change, lost) in table {
            let folder = try ScratchFolder("loss")
            let store = try Self.store(folder)
            try change(store, folder.path)
            #expect(try Self.names(store) == lost)
            try store.close()
            // A start changes nothing of that.
            let again = try Store(folder: folder.path)
            #expect(try Self.names(again) == lost)
            try again.insert([SegmentScratch.record(9)])
            #expect(try Self.names(again) == lost)
            try again.close()
        }
    }

    @Test("what a version did not write down, or a copy has not, is not taken for lost")
    func unknown() throws {
        let folder = try ScratchFolder("loss")
        let store = try Self.store(folder)
        unsafe unlink("\(folder.path)/segments/00000001.seg")
        try store.begin(journals: ["01ARZ3NDEKTSV4RRFFQ69G5FAV"])
        #expect(
            try Self.names(store)
                == ["segment_missing 1", "journal_missing 01ARZ3NDEKTSV4RRFFQ69G5FAV"])
        try store.backUp(to: "\(folder.path)/copy.tar")
        let other = try ScratchFolder("loss-copy")
        try Store.restore("\(folder.path)/copy.tar", into: other.path, replacing: false)
        let copy = try Store(folder: other.path)
        #expect(try Self.names(copy) == [])
        #expect(try copy.account(folder: other.path).difference == 0)
        try copy.close()
        try store.database.write { db in
            try db.execute(sql: "DROP TABLE losses")
            try db.execute(sql: "DROP TABLE removed_segments")
            try db.execute(
                sql: "DELETE FROM grdb_migrations WHERE identifier = ?",
                arguments: [Store.lossesMigration])
            try db.execute(sql: "DELETE FROM journals")
        }
        try store.close()
        let again = try Store(folder: folder.path)
        #expect(try Self.names(again) == [])
        unsafe unlink("\(folder.path)/segments/00000002.seg")
        #expect(try Self.names(again) == ["segment_missing 2"])
    }

    @Test(
        "of a segment that is taken away under the process, what comes later is kept",
        arguments: ["file", "folder", "moved file", "moved folder", "other file"])
    func deleted(_ change: String) throws {
        let scratch = try RecordScratch()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics) {
            $0.lookEvery = .milliseconds(1)
        }
        scratch.append(RecordScratch.Call())
        #expect(try scratch.await { metrics.stored.current == 1 })
        let (folder, file) = (store.segments.path, store.segments.path(of: 1))
        switch change {
        case "file": unsafe unlink(file)
        case "folder":
            unsafe unlink(file)
            unsafe rmdir(folder)
        case "moved file": unsafe rename(file, "\(folder)/away")
        case "moved folder": unsafe rename(folder, "\(folder).away")
        default:
            unsafe unlink(file)
            close(unsafe open(file, O_WRONLY | O_CREAT, 0o600))
        }
        let isGone = change != "other file"
        #expect(try scratch.await { metrics.missingSegments.current == (isGone ? 1 : 0) })
        for count in 2...4 {
            scratch.append(RecordScratch.Call())
            #expect(try scratch.await { metrics.stored.current == count })
        }
        let account = try store.verifyContents { _, _ in }
        #expect(account.whole == 3 && account.records == 4)
        #expect(try Self.names(store) == (isGone ? ["segment_missing 1"] : []))
        #expect(metrics.currentTrouble.isEmpty)
        consumer.end()
        unsafe unlink("\(folder)/away")
        unsafe unlink("\(folder).away/00000001.seg")
        unsafe rmdir("\(folder).away")
    }

    @Test("what was written ahead into a segment that is gone is written once more")
    func ahead() throws {
        let scratch = try SegmentScratch()
        let writer = try scratch.writer()
        try scratch.append([SegmentScratch.record(1)], writer)
        var batch = Batch()
        batch.records = [SegmentScratch.record(2)]
        let written = try #require(writer.writeAhead(&batch))
        #expect(writer.isCurrent(written, after: scratch.end))
        #expect(try scratch.folder.remove(1))
        #expect(!writer.isCurrent(written, after: scratch.end))
        #expect(writer.writeAhead(&batch) == nil)
        try scratch.append([SegmentScratch.record(2)], writer)
        #expect(writer.current == 2 && scratch.folder.numbers == [2])
    }

    // MARK: Journals

    @Test(
        "journals that are gone, put aside or damaged are named",
        arguments: [
            "whole", "gone", "no journal", "frame", "mark", "version", "size", "name", "count",
            "killed and gone",
        ])
    func journals(_ damage: String) throws {
        let scratch = try RecordScratch()
        for _ in 0..<3 { scratch.append(RecordScratch.Call()) }
        let (path, name) = (scratch.file.path, scratch.file.name.description)
        defer { unsafe unlink("\(path).damaged") }
        if damage.hasSuffix("gone") {
            let store = try Store(folder: scratch.folder.path)
            try store.begin(journals: [name])
            try store.close()
        }
        switch damage {
        case "gone", "killed and gone": unsafe unlink(path)
        case "no journal":
            try RecordScratch.flip(path, at: 0)
            try RecordScratch.flip(path, at: 16)
        case "mark": try RecordScratch.flip(path, at: 3, bit: 6)
        case "version": try RecordScratch.flip(path, at: 8)
        case "size": try RecordScratch.flip(path, at: 20, bit: 2)
        // The first frame of the ring, in its payload.
        case "frame": try RecordScratch.flip(path, at: 64 << 10 | 60)
        case "name": try RecordScratch.flip(path, at: 33)
        case "count": try RecordScratch.flip(path, at: 136)
        default: break
        }
        try scratch.restart()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics)
        let isHead = ["mark", "version", "size", "name"].contains(damage)
        let isRead = isHead || ["whole", "count"].contains(damage)
        #expect(try scratch.await { !isRead || metrics.recovered.current == 3 })
        consumer.end()
        let losses = try Self.names(store)
        switch damage {
        case "whole": #expect(losses == [])
        case "gone", "killed and gone": #expect(losses == ["journal_missing \(name)"])
        case "no journal": #expect(losses == ["journal_put_aside \(name).journal.damaged"])
        case "frame": #expect(losses.contains("journal_damaged \(name)"))
        case _ where isHead: #expect(losses == ["journal_damaged \(name)"])
        default:
            // Three are counted as two or as eleven: one is no loss, the other may be.
            #expect(losses == [] || losses == ["exchanges_lost \(name)"])
        }
        #expect(try store.account(folder: scratch.folder.path).difference == 0)
    }

    private static func size(_ path: String) -> Int? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    // MARK: The index

    /// A folder as a killed process leaves it: all is in the log of the database.
    private static func killed() throws -> (folder: ScratchFolder, records: Int) {
        let (folder, copy) = (try ScratchFolder("log"), try ScratchFolder("log-copy"))
        let store = try Store(folder: folder.path)
        for number in 1...6 {
            try store.insert([SegmentScratch.record(UInt64(number), bytes: 900)])
        }
        let names = ["weir.db", "weir.db-wal", "segments"].map { "\(folder.path)/\($0)" }
        let copying = try ChildProcess("/bin/cp", ["-r"] + names + [copy.path])
        #expect(try copying.wait() == 0)
        try store.close()
        return (copy, 6)
    }

    @Test("one bit of the index's log that flips is put right, or the log is said to be damaged")
    func bit() throws {
        let (folder, _) = try Self.killed()
        let path = Store.path(in: folder.path)
        let log = "\(path)-wal"
        let frame = 24 + 16384
        let frames = 30
        #expect(unsafe truncate(log, off_t(32 + frames * frame)) == 0)
        #expect(try WriteAheadLog.look(path, repairs: true) == .whole)
        // The head; of some frames page, commit, salts, sums and bytes.
        var offsets = [0, 9, 17, 25, 31]
        for number in [0, 7, 12] {
            let within = [
                0, 3, 7, 9, 15, 16, 22, 23, 24, 1000, 1001, 5003, 9002, frame - 4, frame - 1,
            ]
            offsets += within.map { 32 + number * frame + $0 }
        }
        var mended = 0
        let whole = "\(log).whole"
        #expect(try ChildProcess("/bin/cp", [log, whole]).wait() == 0)
        for (index, offset) in offsets.enumerated() {
            let before = try Self.byte(log, offset)
            try RecordScratch.flip(log, at: offset, bit: index % 8)
            let seen = try WriteAheadLog.look(path, repairs: false)
            #expect(try Self.byte(log, offset) != before)
            #expect(try WriteAheadLog.look(path, repairs: true) == seen, "\(offset)")
            if try Self.byte(log, offset) == before {
                #expect(seen == .flipped([offset]))
                mended += 1
                // Nothing else was changed.
                #expect(try ChildProcess("/usr/bin/cmp", [log, whole]).wait() == 0, "\(offset)")
                continue
            }
            if case .flipped(let others) = seen {
                // Another bit of a page that a later frame has anew.
                let start = (offset - 32) / frame * frame + 32
                let inPage = start + 24..<start + frame
                #expect(inPage.contains(offset) && others.allSatisfy(inPage.contains))
                let page = try Self.number(log, start)
                let later = stride(from: start + frame, to: 32 + frames * frame, by: frame)
                #expect(try later.contains { try Self.number(log, $0) == page }, "\(offset)")
                #expect(try WriteAheadLog.look(path, repairs: false) == .whole, "\(offset)")
                mended += 1
            } else {
                #expect(seen == .damaged, "\(offset)")
            }
            #expect(try ChildProcess("/bin/cp", [whole, log]).wait() == 0)
        }
        #expect(mended > offsets.count / 2, "\(mended) of \(offsets.count)")
    }

    private static func number(_ path: String, _ offset: Int) throws -> Int {
        try (0..<4).reduce(0) { try $0 << 8 | Int(byte(path, offset + $1)) }
    }

    private static func byte(_ path: String, _ offset: Int) throws -> UInt8 {
        let file = unsafe open(path, O_RDONLY)
        guard file >= 0 else { throw SystemError(call: "open \(path)") }
        defer { close(file) }
        return try #require(SegmentFile.read(file, offset..<offset + 1).first)
    }

    @Test("with a bit of the log put right the index is whole")
    func mended() throws {
        let (folder, records) = try Self.killed()
        // In the first frame: else nothing at all would be read.
        try RecordScratch.flip("\(folder.path)/weir.db-wal", at: 32 + 24 + 1000)
        let reading = try? Store(reading: folder.path)
        let losses = try reading.map { try Self.names($0) }
        #expect(losses == nil || losses == ["index_damaged weir.db-wal"])
        try reading?.close()
        let store = try Store(folder: folder.path)
        #expect(try store.count(RecordFilter()) == records)
        #expect(try store.verifyContents { _, _ in }.whole == records)
        #expect(store.repairs.count == 1 && store.repairs[0].contains("\(32 + 24 + 1000)"))
        #expect(try Self.names(store) == [])
        try store.close()
    }

    @Test("where more of the log is damaged, what rows do not know any more is put aside")
    func log() throws {
        let (folder, records) = try Self.killed()
        let bytes = try #require(Self.size("\(folder.path)/segments/00000001.seg"))
        for offset in [2000, 3000] {
            try RecordScratch.flip("\(folder.path)/weir.db-wal", at: offset)
        }
        // Before the migrations in the log there is nothing.
        let store = try Store(folder: folder.path)
        #expect(try store.count(RecordFilter()) < records)
        #expect(store.repairs.count == 1)
        #expect(Self.size("\(folder.path)/segments/00000001.seg.damaged") == bytes)
        #expect(try Self.names(store) == ["index_behind segments/00000001.seg.damaged"])
        // Whether a key was ever asked for is lost with the rest, and so one is.
        #expect(!Store.isKeyless(folder.path) && store.keyMarkStamp() != 0)
        try store.insert([SegmentScratch.record(9)])
        #expect(store.segments.numbers.last == 2)
        try store.close()
    }

    @Test("a database that knows less of a journal than was given back has lost rows")
    func behind() throws {
        let scratch = try RecordScratch()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics)
        scratch.append(RecordScratch.Call())
        #expect(try scratch.await { metrics.stored.current == 1 })
        try store.database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        // As it is on the disk without its log, which is lost.
        let saved = "\(scratch.folder.path)/saved"
        let path = Store.path(in: scratch.folder.path)
        let copying = try ChildProcess("/bin/cp", [path, saved])
        #expect(try copying.wait() == 0)
        for _ in 0..<5 { scratch.append(RecordScratch.Call()) }
        #expect(try scratch.await { metrics.stored.current == 6 })
        #expect(try scratch.await { scratch.file.readCursor == scratch.file.writeCursor })
        let journal = scratch.file.path
        let kept = "\(scratch.folder.path)/kept"
        #expect(try ChildProcess("/bin/cp", [journal, kept]).wait() == 0)
        consumer.end()
        try store.close()
        for ending in ["-wal", "-shm"] { unsafe unlink(path + ending) }
        #expect(unsafe rename(saved, path) == 0 && rename(kept, journal) == 0)
        let again = try Store(folder: scratch.folder.path)
        #expect(try again.losses().map(\.kind) == [.indexBehind])
        let aside = "\(again.segments.path)/00000001.seg.damaged"
        #expect(unsafe access(aside, F_OK) == 0)
        try again.insert([SegmentScratch.record(9)])
        #expect(again.segments.numbers == [1, 2])
        try again.close()
        unsafe unlink(aside)
    }

    @Test("segments of which no row knows are put aside and named, and no number is used again")
    func foreign() throws {
        let folder = try ScratchFolder("loss")
        let store = try Self.store(folder)
        let count = store.segments.numbers.count
        try store.close()
        let path = Store.path(in: folder.path)
        for ending in ["", "-wal", "-shm"] { unsafe unlink(path + ending) }
        // A start makes its journals before it opens the database.
        var random = RandomSource(seed: 3)
        let journal = try JournalFolder(folder.path).makeJournal(
            capacity: 64 << 10, using: &random)
        defer { unsafe unlink(journal.path) }
        for _ in 0..<2 {
            let again = try Store(folder: folder.path)
            #expect(try again.losses().map(\.kind) == Array(repeating: .indexBehind, count: count))
            #expect(try again.unledSegments().count == count)
            try again.insert([SegmentScratch.record(9)])
            // Those of which rows know stay.
            #expect(again.segments.numbers.allSatisfy { $0 > count })
            #expect(try again.verifyContents { _, _ in }.damaged == 0)
            try again.close()
        }
    }

    @Test("pages of the index that contradict each other are found")
    func pages() throws {
        let folder = try ScratchFolder("loss")
        let store = try Self.store(folder)
        #expect(try store.damagedPages() == nil)
        // An entry of an index whose row is another one, as a bit that flips in a page makes it.
        try store.database.write { db in
            try db.execute(
                sql: """
                    PRAGMA writable_schema = ON;
                    UPDATE sqlite_master SET sql = replace(sql, 'accepted_us', 'status')
                    WHERE name = 'exchanges_accepted';
                    PRAGMA writable_schema = OFF;
                    """)
        }
        try store.close()
        let again = try Store(reading: folder.path)
        #expect(try again.damagedPages()?.kind == .pagesDamaged)
        try again.close()
    }

    @Test("a segment between others that no row knows is found; one that is written now is not")
    func stray() throws {
        let folder = try ScratchFolder("loss")
        let store = try Self.store(folder)
        let numbers = store.segments.numbers
        #expect(try store.unledSegments() == [])
        // As after a kill between a segment's first write and its transaction.
        try store.database.write { db in
            try db.execute(
                sql: "DELETE FROM segments WHERE number IN (?, ?)",
                arguments: [
                    Int64(numbers[0]), Int64(numbers[numbers.count - 1]),
                ])
        }
        let strays = [numbers[0], numbers[numbers.count - 1]].map(store.segments.path(of:))
        #expect(try store.unledSegments() == strays)
        let gateway = try JournalFolder(folder.path)
        #expect(try store.unledSegments() == [strays[0]])
        withExtendedLifetime(gateway) {}
        try store.close()
    }
}
