import Glibc
import Journal
import Primitives
import Reactor
import Support
import Telemetry
import Testing

@testable import LogStore

@Suite("Copies of the store")
struct CopyTests {
    @Test("a copy is the store at one moment, and becomes the store of another folder")
    func copies() throws {
        let folder = try ScratchFolder("copy")
        let store = try Store(folder: folder.path)
        for number in 1...3 {
            // One is in a packed segment, one in a plain one, one in the one that is being written.
            try store.insert([ErasingTests.record(number, session: "s", bytes: 9000)])
            if number < 3 { store.sealSegment() }
            if number == 1 { try store.packSegments { _, _, _ in } }
        }
        let copy = "\(folder.path)/copy.tar"
        // Opened as a command does, which may change nothing.
        try Store(reading: folder.path).backUp(to: copy)
        try store.insert([ErasingTests.record(4, session: "s", bytes: 9)])
        var status = stat()
        #expect(unsafe stat(copy, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(throws: SystemError.self) { try store.backUp(to: copy) }
        #expect(unsafe access("\(copy).index", F_OK) != 0)
        let tar = try ChildProcess("/bin/tar", ["-tf", copy])
        #expect(try tar.wait() == 0)
        let names = (1...3).map { "segments/0000000\($0).seg\n" }.joined()
        #expect(tar.text == "weir.db\n\(names)checksum\n")

        let other = try ScratchFolder("restored")
        try Store.restore(copy, into: other.path, replacing: false)
        let restored = try Store(folder: other.path)
        let records = try restored.records(after: 0, limit: 9, withBodies: true).map(\.record)
        #expect(records == (1...3).map { ErasingTests.record($0, session: "s", bytes: 9000) })
        #expect(try restored.statistics(RecordFilter()).map(\.sums.calls) == [3])
        try restored.insert([ErasingTests.record(9, session: "s", bytes: 9)])
        #expect(try restored.verifyContents { _, _ in }.whole == 4)
        #expect(restored.segments.numbers == [1, 2, 3])
        restored.sealSegment()
        try restored.insert([ErasingTests.record(10, session: "s", bytes: 9)])
        #expect(restored.segments.numbers == [1, 2, 3, 4])
        try restored.close()

        #expect(throws: Store.Failure.self) {
            try Store.restore(copy, into: other.path, replacing: false)
        }
        try Store.restore(copy, into: other.path, replacing: true)
        let again = try Store(reading: other.path)
        #expect(try again.count(RecordFilter()) == 3)
        #expect(try again.verifyContents { _, _ in }.whole == 3)
        #expect(again.segments.numbers == [1, 2, 3])
        let left = Set(SegmentFolder.names(in: other.path))
        #expect(left.isSubset(of: ["lock", "segments", "weir.db", "weir.db-wal", "weir.db-shm"]))
        let held = try JournalFolder(other.path)
        #expect(throws: JournalFolder.Unusable.self) {
            try Store.restore(copy, into: other.path, replacing: true)
        }
        withExtendedLifetime(held) {}
    }

    @Test("a restore that was killed at any step leaves one record, and no text of another")
    func death() throws {
        let source = try ScratchFolder("copy-death")
        let store = try Store(folder: source.path)
        try store.insert([ErasingTests.record(1, session: "s", bytes: 9000)])
        let copy = "\(source.path)/copy.tar"
        try store.backUp(to: copy)
        // Up to the third the record of before is there, and from then on the copy.
        for step in 1...7 {
            let scratch = try ScratchFolder("restore-death")
            defer { withExtendedLifetime(scratch) {} }
            let folder = scratch.path
            let before = try Store(folder: folder)
            try before.insert([ErasingTests.record(2, session: "s", bytes: 9000)])
            try before.close()
            let draft = "\(folder)/\(step < 4 ? "restoring" : "restored")"
            #expect(unsafe mkdir(draft, 0o700) == 0)
            let tar = try ChildProcess("/bin/tar", ["-xf", copy, "-C", draft])
            #expect(try tar.wait() == 0)
            if step == 1 { unsafe unlink("\(draft)/weir.db") }
            if step >= 5 { unsafe unlink("\(folder)/weir.db") }
            if step >= 6 { #expect(rename("\(folder)/segments", "\(folder)/segments.replaced")) }
            if step >= 7 { #expect(rename("\(draft)/segments", "\(folder)/segments")) }
            // Beside a gateway that has the folder, nothing is touched.
            do {
                let held = try JournalFolder(folder)
                #expect(throws: JournalFolder.Unusable.self) {
                    try Store.settleInterruptedRestore(in: folder)
                }
                withExtendedLifetime(held) {}
            }
            if step % 2 == 0 { try Store.settleInterruptedRestore(in: folder) }
            let after = try Store(folder: folder)
            let found = try after.records(after: 0, limit: 9, withBodies: true).map(\.record)
            let wanted = step < 4 ? 2 : 1
            #expect(
                found == [ErasingTests.record(wanted, session: "s", bytes: 9000)], "step \(step)")
            #expect(try after.verifyContents { _, _ in }.whole == 1, "step \(step)")
            let left = SegmentFolder.names(in: folder).filter { !$0.hasPrefix("weir.db.keyless-") }
            #expect(
                Set(left).isSubset(of: [
                    "lock", "segments", "weir.db", "weir.db-wal", "weir.db-shm",
                ]),
                "step \(step): \(left)")
            #expect(SegmentFolder.names(in: "\(folder)/segments").count == 1, "step \(step)")
        }
    }

    private func rename(_ old: String, _ new: String) -> Bool {
        unsafe Glibc.rename(old, new) == 0
    }

    @Test("a copy that was made while journals were written to accounts for its records")
    func account() throws {
        let scratch = try RecordScratch()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics)
        for _ in 0..<3 { #expect(scratch.append(RecordScratch.Call()) != nil) }
        let isStored = try scratch.await { metrics.stored.current == 3 }
        #expect(isStored)
        let copy = "\(scratch.folder.path)/copy.tar"
        try Store(reading: scratch.folder.path).backUp(to: copy)
        let other = try ScratchFolder("restored-account")
        try Store.restore(copy, into: other.path, replacing: false)
        let account = try Store(reading: other.path).account(folder: other.path)
        #expect(account.emitted == 3 && account.stored == 3 && account.difference == 0)
        #expect(account.journals == 0)
        consumer.end()
        withExtendedLifetime(store) {}
    }

    @Test("a copy that is cut or changed anywhere is refused, and the store of before stays")
    func damage() throws {
        let folder = try ScratchFolder("copy-damage")
        let store = try Store(folder: folder.path)
        try store.insert([ErasingTests.record(1, session: "s", bytes: 9000)])
        let copy = "\(folder.path)/copy.tar"
        try store.backUp(to: copy)
        let whole = Self.bytes(copy)
        let other = try ScratchFolder("restored-not")
        let before = try Store(folder: other.path)
        try before.insert((2...3).map { ErasingTests.record($0, session: "s", bytes: 9) })
        try before.close()
        // The two empty heads at the end are tar's; whole is what the checksum says.
        let end = whole.count - 3 * Archive.unitBytes + 1
        var random = RandomSource(seed: 3)
        for number in 0..<60 {
            var bytes = whole
            let offset =
                number < 20
                ? number * end / 20 : Int.random(in: 0..<end, using: &random)
            if number % 2 == 0 {
                bytes.removeLast(bytes.count - offset)
            } else {
                bytes[offset] ^= 1 << UInt8(number % 8)
            }
            try Self.write(bytes, to: copy)
            #expect(throws: (any Error).self, "\(number): \(offset)") {
                try Store.restore(copy, into: other.path, replacing: true)
            }
        }
        let after = try Store(reading: other.path)
        #expect(try after.verifyContents { _, _ in }.whole == 2)
        #expect(unsafe access("\(other.path)/restoring", F_OK) != 0)
        try Self.write(whole, to: copy)
        try Store.restore(copy, into: other.path, replacing: true)
        #expect(try Store(reading: other.path).count(RecordFilter()) == 1)
    }

    @Test("no name in a copy leads out of the folder")
    func names() throws {
        let folder = try ScratchFolder("copy-names")
        for name in [
            "../weir.db", "/etc/weir.db", "segments/../../x", "segments/1.seg", "segments/",
            "segments/00000001.seg.new", "weir.db-wal", "lock", "segments//00000001.seg",
        ] {
            let copy = "\(folder.path)/copy.tar"
            unsafe unlink(copy)
            let archive = try ArchiveWriter(copy)
            try archive.add(name, count: 3) { _ in [1, 2, 3] }
            try archive.end()
            #expect(throws: ArchiveReader.Unusable.self, "\(name)") {
                try Store.restore(copy, into: "\(folder.path)/record", replacing: true)
            }
            #expect(SegmentFolder.names(in: "\(folder.path)/record") == ["lock"])
        }
    }

    @Test("a head says what tar reads, of files of any size")
    func heads() {
        for (name, count) in [
            ("a", 0), ("weir.db", 1), (String(repeating: "n", count: 100), 511),
            ("b", 1 << 33 - 1), ("c", 1 << 33), ("d", 9 << 40),
        ] {
            let head = Archive.head(name, count: count)
            #expect(head.count == 512)
            let file = Archive.file(head.span)
            #expect(file?.name == name && file?.count == count)
            // The two behind the sum's digits say nothing.
            for index in 0..<512 where !(154...155 ~= index) {
                var bytes = head
                bytes[index] ^= 0x41
                #expect(Archive.file(bytes.span) == nil, "\(index)")
            }
        }
        for (count, padding) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511)] {
            #expect(Archive.padding(count) == padding)
        }
    }

    private static func bytes(_ path: String) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY)
        guard file >= 0 else { return [] }
        defer { close(file) }
        return SegmentFile.read(file, 0..<Int(lseek(file, 0, SEEK_END)))
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw SystemError(call: "open") }
        defer { close(file) }
        guard unsafe pwrite(file, bytes, bytes.count, 0) == bytes.count else {
            throw SystemError(call: "pwrite")
        }
    }

    @Test("what is no copy of a record is refused, and changes nothing")
    func strangers() throws {
        let folder = try ScratchFolder("strange")
        let path = "\(folder.path)/copy.tar"
        for text in ["", "no database at all, but a text that is long enough to be read as one"] {
            let file = unsafe try #require(fopen(path, "we"))
            unsafe fputs(text, file)
            unsafe fclose(file)
            #expect(throws: (any Error).self) {
                try Store.restore(path, into: folder.path, replacing: true)
            }
            #expect(unsafe access(Store.path(in: folder.path), F_OK) != 0)
        }
        #expect(throws: SystemError.self) {
            try Store.restore("\(folder.path)/none", into: folder.path, replacing: true)
        }
    }
}
