import ExchangeCore
import GRDB
import Glibc
import Primitives
import Reactor
import Support
import Telemetry
import Testing

@testable import Journal
@testable import LogStore

@Suite("Consumer")
struct ConsumerTests {
    private static func call(_ number: Int) -> RecordScratch.Call {
        var call = RecordScratch.Call()
        call.target = "/v1/\(number)"
        call.pieces = [Array("data: {\"n\":\(number)}\n\n".utf8), Array("data: [DONE]\n\n".utf8)]
        return call
    }

    private static func targets(_ store: Store) throws -> [String] {
        try store.records(after: 0, limit: .max, withBodies: false).map(\.record.target).sorted()
    }

    @Test("what is written becomes records, and every moment adds up")
    func accounting() throws {
        let scratch = try RecordScratch(journalBytes: 128 << 10)
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics)
        let reader = try Store(reading: scratch.folder.path)
        var call = 0
        for number in 0..<5000 {
            if scratch.append(Self.call(number)) != nil { call += 1 }
            if number % 250 == 0 {
                let account = try reader.account(folder: scratch.folder.path)
                #expect(account.difference == 0)
                #expect(account.emitted == number + 1)
            }
        }
        // The ring's room is given back a moment after the records are counted.
        let isRead = try scratch.await {
            metrics.stored.current == call
                && scratch.file.readCursor == scratch.file.tally.writeCursor
        }
        #expect(isRead)
        let open = try #require(scratch.begin(Self.call(9999)))
        var account = try reader.account(folder: scratch.folder.path)
        #expect(account.difference == 0 && account.pending == 1)
        #expect(account.stored == call && account.dropped == 5000 - call)
        scratch.settle(open, Self.call(9999))
        consumer.end()
        account = try Store(reading: scratch.folder.path).account(folder: scratch.folder.path)
        #expect(account.difference == 0 && account.pending == 0 && account.stored == call + 1)
        #expect(try JournalFolder.journals(in: scratch.folder.path).isEmpty)
        withExtendedLifetime(store) {}
    }

    @Test("an account is taken again when frames are wiped between its readings")
    func wipedMeanwhile() throws {
        let scratch = try RecordScratch()
        for number in 0..<10 { scratch.append(Self.call(number)) }
        let store = try Store(folder: scratch.folder.path)
        let reader = try Store(reading: scratch.folder.path)
        let source = JournalSource(
            scratch.file, from: nil, isLeft: false, capture: Capture(bytesMax: 100))
        var interruptions = 0
        let account = try reader.accountSteadily(scratch.file) {
            interruptions += 1
            guard interruptions == 1 else { return }
            // A round up to the middle of its giving back: the ring's cursor is still behind.
            var batch = Batch()
            source.read(into: &batch, recordsMax: 4, now: .now())
            let cursor = source.release(into: &batch, now: .now())
            batch.progress = [Batch.Progress(name: source.name, cursor: cursor, emitted: 10)]
            _ = try store.write(batch, capture: Capture(bytesMax: 100))
            scratch.file.wipe(0..<cursor)
        }
        #expect(interruptions == 2 && scratch.file.readCursor == 0)
        #expect(account.difference == 0 && account.emitted == 10)
        #expect(account.stored == 4 && account.pending == 6)
    }

    @Test("an account counts a journal once that ends while it is taken")
    func endsMeanwhile() throws {
        let scratch = try RecordScratch()
        for number in 0..<10 { scratch.append(Self.call(number)) }
        let store = try Store(folder: scratch.folder.path)
        let reader = try Store(reading: scratch.folder.path)
        var tally = JournalFile.Tally()
        tally.emitted = 10
        tally.dropped = 3
        _ = try store.end(scratch.file.name.description, tally)
        let account = try reader.accountSteadily(scratch.file)
        #expect(account.emitted == 10 && account.pending == 0 && account.difference == 0)
        #expect(try reader.account(folder: scratch.folder.path).emitted == 10)
    }

    @Test("an account fails where it cannot look")
    func cannotLook() throws {
        let scratch = try RecordScratch()
        scratch.append(Self.call(1))
        let store = try Store(folder: scratch.folder.path)
        #expect(throws: SystemError.self) { try store.account(folder: "/nowhere") }
        #expect(unsafe chmod(scratch.file.path, 0o400) == 0)
        #expect(try store.account(folder: scratch.folder.path).pending == 1)
        let path = "\(scratch.folder.path)/A.journal"
        #expect(unsafe symlink("/nowhere", path) == 0)
        #expect(throws: (any Error).self) { try store.account(folder: scratch.folder.path) }
        unsafe unlink(path)
        close(unsafe open(path, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: JournalFile.Unusable.self) {
            try store.account(folder: scratch.folder.path)
        }
        unsafe unlink(path)
    }

    @Test("what a dead process left is stored by the next, once, its open exchanges interrupted")
    func leftovers() throws {
        let scratch = try RecordScratch()
        for number in 0..<20 { scratch.append(Self.call(number)) }
        let open = try #require(scratch.begin(Self.call(77)))
        scratch.head(open, Self.call(77))
        scratch.chunk(open, Array("data: {}\n\n".utf8))
        // One that was about to be whole, and one that was about to break.
        var broken = Self.call(66)
        broken.outcome = .truncated
        let about = try [Self.call(65), broken].map { call in
            let open = try #require(scratch.begin(call))
            scratch.head(open, call)
            for piece in call.pieces { scratch.chunk(open, piece) }
            scratch.settle(open, call, isDelivery: true)
            return open
        }
        let left = scratch.file.path
        try scratch.restart()
        scratch.append(Self.call(88))
        let metrics = RecordMetrics()
        let (consumer, _) = try scratch.consumer(metrics: metrics)
        #expect(try scratch.await { metrics.recovered.current == 23 })
        #expect(try scratch.await { metrics.stored.current == 1 })
        consumer.end()
        #expect(unsafe access(left, F_OK) != 0)
        let store = try Store(reading: scratch.folder.path)
        #expect(try store.count(RecordFilter()) == 24)
        let ends = try about.map {
            try store.records(named: $0.identifier.description).first?.record.outcome
        }
        #expect(ends == ["complete", "truncated"])
        let interrupted = try #require(
            try store.records(named: open.identifier.description).first)
        #expect(interrupted.record.outcome == Record.interrupted)
        #expect(interrupted.record.status == 200 && interrupted.record.vendor == "openai")
        #expect(interrupted.record.responseBody.bytes == Array("data: {}\n\n".utf8))
        #expect(!interrupted.record.responseBody.isCut && interrupted.record.responseBytes == 10)
        #expect(interrupted.record.requestBody.bytes == open.call.request)
        #expect(interrupted.record.requestBody.totalBytes == open.call.request.count)
        let account = try store.account(folder: scratch.folder.path)
        #expect(account.difference == 0 && account.stored == 24 && account.pending == 0)
    }

    @Test("a process that died between the commit and the giving back stores nothing twice")
    func betweenTwo() throws {
        let scratch = try RecordScratch()
        for number in 0..<10 { scratch.append(Self.call(number)) }
        let open = try #require(scratch.begin(Self.call(50)))
        // A round up to its commit; the ring's cursor stays behind.
        let store = try Store(folder: scratch.folder.path)
        let source = JournalSource(
            scratch.file, from: nil, isLeft: false, capture: Capture(bytesMax: 100))
        var batch = Batch()
        source.read(into: &batch, recordsMax: 1000, now: .now())
        let cursor = source.release(into: &batch, now: .now())
        batch.progress = [Batch.Progress(name: source.name, cursor: cursor, emitted: 11)]
        _ = try store.write(batch, capture: Capture(bytesMax: 100))
        try store.close()
        scratch.settle(open, Self.call(50))
        #expect(scratch.file.readCursor == 0)
        try scratch.restart()
        let metrics = RecordMetrics()
        let (consumer, _) = try scratch.consumer(metrics: metrics)
        #expect(try scratch.await { metrics.recovered.current == 1 })
        consumer.end()
        let after = try Store(reading: scratch.folder.path)
        #expect(try after.count(RecordFilter()) == 11)
        #expect(try after.account(folder: scratch.folder.path).difference == 0)
    }

    @Test("frames of a long exchange leave the ring, and its record is whole all the same")
    func spills() throws {
        let scratch = try RecordScratch(journalBytes: 128 << 10)
        let metrics = RecordMetrics()
        let (consumer, _) = try scratch.consumer(
            capture: Capture(bytesMax: 4 << 20), metrics: metrics)
        var call = Self.call(1)
        call.pieces = []
        let open = try #require(scratch.begin(call))
        scratch.head(open, call)
        // Many laps of the ring, one piece at a time as the ring has room.
        for number in 0..<600 {
            var piece = Array("data: {\"n\":\(number),\"pad\":\"".utf8)
            piece += [UInt8](repeating: 0x61, count: 1000) + Array("\"}\n\n".utf8)
            let isTaken = try scratch.await { scratch.chunk(open, piece) }
            #expect(isTaken)
            call.pieces.append(piece)
        }
        scratch.settle(open, call)
        #expect(try scratch.await { metrics.stored.current == 1 })
        consumer.end()
        let store = try Store(reading: scratch.folder.path)
        let found = try #require(try store.records(named: open.identifier.description).first)
        #expect(found.record.responseBody.bytes == call.pieces.flatMap { $0 })
        #expect(found.record.requestBody.bytes == call.request)
        let spilled = try store.database.read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM open_entries")
        }
        #expect(spilled == 0)
    }

    @Test("while the store fails nothing waits; then all that found room is stored")
    func outage() throws {
        let scratch = try RecordScratch(journalBytes: 128 << 10)
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics)
        scratch.append(Self.call(0))
        #expect(try scratch.await { metrics.stored.current == 1 })
        // A limit below what is there already: SQLITE_FULL for all on this connection.
        try store.database.writeWithoutTransaction { db in
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = 1")
        }
        let reader = try Store(reading: scratch.folder.path)
        var call = 1
        for number in 1..<3000 where scratch.append(Self.call(number)) != nil { call += 1 }
        #expect(call < 3000)
        #expect(try scratch.await { metrics.failures.current > 0 })
        #expect(metrics.currentTrouble.contains("SQLITE_FULL"))
        let during = try reader.account(folder: scratch.folder.path)
        #expect(during.difference == 0 && during.emitted == 3000)
        #expect(during.dropped == 3000 - call)
        try store.database.writeWithoutTransaction { db in
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = 1000000")
        }
        #expect(try scratch.await { metrics.stored.current == call })
        #expect(metrics.currentTrouble.isEmpty)
        consumer.end()
        let after = try Store(reading: scratch.folder.path).account(folder: scratch.folder.path)
        #expect(after.difference == 0 && after.pending == 0 && after.stored == call)
    }

    @Test("old records go while new ones come without a pause")
    func retention() throws {
        let scratch = try RecordScratch()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(retain: .seconds(86_400), metrics: metrics)
        // All of them are years old: what is stored is taken out again.
        for number in 0..<1200 { scratch.append(Self.call(number)) }
        let isRetired = try scratch.await {
            scratch.append(Self.call(5000))
            return metrics.retired.current > 1000
        }
        #expect(isRetired)
        // The segment goes with the last of its records.
        #expect(try scratch.await { store.segments.numbers.isEmpty })
        consumer.end()
        let account = try store.account(folder: scratch.folder.path)
        #expect(account.difference == 0)
    }

    @Test("removed records are in no file any more")
    func wiped() throws {
        let scratch = try RecordScratch()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(retain: .seconds(86_400), metrics: metrics)
        for number in 0..<300 {
            var call = Self.call(number)
            call.pieces = [Array(String(repeating: "canary-of-old ", count: 200).utf8)]
            scratch.append(call)
        }
        let names = ["weir.db", "weir.db-wal"]
        func files(holding text: String) throws -> [String] {
            try names.filter { name in
                let path = "\(scratch.folder.path)/\(name)"
                let grep = try ChildProcess("/bin/grep", ["-q", "-a", text, path])
                return try grep.wait() == 0
            }
        }
        let isWiped = try scratch.await {
            guard metrics.retired.current >= 300 else {
                // Rounds come with what is written.
                var call = Self.call(5000)
                call.accepted = Int(Identifier.wallClockMilliseconds())
                scratch.append(call)
                return false
            }
            return try files(holding: "canary-of-old").isEmpty
        }
        #expect(isWiped)
        let journal = try ChildProcess(
            "/bin/grep", ["-q", "-a", "canary-of-old", scratch.file.path])
        #expect(try journal.wait() == 1)
        consumer.end()
        withExtendedLifetime(store) {}
    }

    @Test("a file that is no journal is put aside, a damaged one read as far as it can be")
    func damage() throws {
        let scratch = try RecordScratch()
        for number in 0..<30 { scratch.append(Self.call(number)) }
        try Self.overwrite(scratch.file.path, at: 65536 + 3000, with: 0xEE, count: 200)
        let junk = "\(scratch.folder.path)/00000000000000000000000000.journal"
        try Self.overwrite(junk, at: 0, with: 1, count: 5000)
        try scratch.restart()
        let metrics = RecordMetrics()
        let (consumer, _) = try scratch.consumer(metrics: metrics)
        #expect(try scratch.await { metrics.recovered.current >= 25 })
        consumer.end()
        #expect(unsafe access("\(junk).damaged", F_OK) == 0)
        unsafe unlink("\(junk).damaged")
        #expect(metrics.damage.current >= 2)
        let store = try Store(reading: scratch.folder.path)
        let account = try store.account(folder: scratch.folder.path)
        #expect(account.emitted == 30 && account.difference == 0 && account.pending == 0)
        #expect(try Self.targets(store).count == account.stored)
    }

    @Test("ten thousand tiny pieces, binary bodies and events of ten megabytes are stored")
    func shapes() throws {
        let scratch = try RecordScratch(journalBytes: 64 << 20)
        let metrics = RecordMetrics()
        let (consumer, _) = try scratch.consumer(
            capture: Capture(bytesMax: 16 << 20), metrics: metrics)
        var tiny = RecordScratch.Call()
        tiny.pieces = (0..<10_000).map { [UInt8(truncatingIfNeeded: $0)] }
        var huge = RecordScratch.Call()
        huge.pieces =
            [Array("data: {\"x\":\"".utf8)]
            + [[UInt8]](repeating: [UInt8](repeating: 0xFF, count: 1 << 20), count: 10)
            + [Array("\"}\n\ndata: [DONE]\n\n".utf8)]
        let all = [tiny, huge].compactMap { call in scratch.append(call).map { ($0, call) } }
        #expect(try scratch.await { metrics.stored.current == 2 })
        consumer.end()
        let store = try Store(reading: scratch.folder.path)
        for (open, call) in all {
            let found = try #require(
                try store.records(named: open.identifier.description).first)
            #expect(found.record.responseBody.bytes == call.pieces.flatMap { $0 })
        }
    }

    private static func overwrite(
        _ path: String, at offset: Int, with byte: UInt8, count: Int
    ) throws {
        let file = unsafe open(path, O_RDWR | O_CREAT, 0o600)
        guard file >= 0 else { throw SystemError(call: "open") }
        defer { close(file) }
        let bytes = [UInt8](repeating: byte, count: count)
        guard unsafe pwrite(file, bytes, count, off_t(offset)) == count else {
            throw SystemError(call: "pwrite")
        }
    }
}
