import ExchangeCore
import Glibc
import Journal
import Logging
import Primitives
import Reactor
import Support
import Telemetry

@testable import LogStore

/// A gateway's folder without a gateway: a journal, a hand on it, and the store beside it.
final class RecordScratch {
    let folder: JournalFolder
    let waker: Waker
    private(set) var file: JournalFile
    var writer: JournalWriter
    private var random = RandomSource(seed: 5)
    private var time = Instant(nanoseconds: 1_000_000_000)

    init(journalBytes: Int = 1 << 20) throws {
        var template = Array("/tmp/weir-record-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError(call: "mkdtemp") }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        folder = try JournalFolder(path)
        waker = try Waker()
        file = try folder.makeJournal(capacity: journalBytes, using: &random)
        writer = JournalWriter(file, waker: waker)
    }

    deinit {
        let names = ["weir.db", "weir.db-wal", "weir.db-shm", "lock"]
        for name in names { unsafe unlink("\(folder.path)/\(name)") }
        for path in JournalFolder.journals(in: folder.path) { try? JournalFolder.remove(path) }
        unsafe rmdir(folder.path)
    }

    /// A journal of the next process: the one before is left as it is.
    func restart(journalBytes: Int = 1 << 20) throws {
        file = try folder.makeJournal(capacity: journalBytes, using: &random)
        writer = JournalWriter(file, waker: waker)
    }

    /// The consumer of this folder, on its thread.
    func consumer(
        capture: Capture = Capture(bytesMax: 1 << 20), retain: Interval = .zero,
        metrics: RecordMetrics = RecordMetrics()
    ) throws -> (consumer: Consumer, store: Store) {
        let store = try Store(folder: folder.path)
        var settings = Consumer.Settings(
            folder: folder, store: store, capture: capture, retain: retain, syncEvery: .zero,
            metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        settings.retireEvery = .milliseconds(50)
        settings.endsWithin = Patience.interval
        return (try Consumer(settings, journals: [file], waker: waker), store)
    }

    /// What a test tells of an exchange.
    struct Told {
        var dialect = 0
        var target = "/v1/chat/completions"
        var request = Array("{\"model\":\"m-1\"}".utf8)
        var isStream = true
        var status = 200
        var encoding = ""
        /// The response's body, as it came.
        var pieces: [[UInt8]] = []
        var outcome = Outcome.complete
        var vendor = "openai"
        var key: UInt64 = 0xABCD
        /// Milliseconds since 1970.
        var accepted = 1_700_000_000_000
    }

    /// An exchange that was told in part.
    struct Open {
        let number: UInt64
        let identifier: Identifier
        let told: Told
    }

    func tick(_ interval: Interval = .milliseconds(1)) -> Instant {
        time = time + interval
        return time
    }

    /// Tells of a request; nil where there was no room.
    func begin(_ told: Told) -> Open? {
        let identifier = Identifier.next(
            using: &random, milliseconds: UInt64(told.accepted))
        var payload = PayloadWriter()
        BeginPayload(
            identifier: identifier, wallMicroseconds: told.accepted * 1000,
            dialect: told.dialect, keyDigest: told.key, bodyBytes: told.request.count,
            target: told.target, fields: "host: a\r\n"
        ).write(to: &payload)
        guard let number = writer.begin(payload.bytes, time: tick()) else { return nil }
        let place = JournalWriter.Place(exchange: number, time: time)
        _ = writer.tellBody(.requestBody, place, told.request.span)
        var attempt = PayloadWriter()
        AttemptPayload(vendor: told.vendor).write(to: &attempt)
        writer.tell(
            .attemptBegan, JournalWriter.Place(exchange: number, attempt: 1, time: time),
            attempt.bytes)
        return Open(number: number, identifier: identifier, told: told)
    }

    func head(_ open: Open, _ told: Told) {
        var payload = PayloadWriter()
        HeadPayload(
            isEventStream: told.isStream, encoding: told.encoding, fields: "content-type: x\r\n"
        ).write(to: &payload)
        writer.tell(
            .responseHead, JournalWriter.Place(exchange: open.number, attempt: 1, time: tick()),
            note: told.status, payload.bytes)
    }

    @discardableResult
    func chunk(_ open: Open, _ piece: [UInt8]) -> Bool {
        writer.tellBody(
            .chunk, JournalWriter.Place(exchange: open.number, attempt: 1, time: tick()),
            piece.span)
    }

    /// Tells of an end; where it is only announced, as the last word before it.
    func settle(
        _ open: Open, _ told: Told, isCaptured: Bool = true, isAnnouncement: Bool = false
    ) {
        var payload = PayloadWriter()
        SettlementPayload(
            identifier: open.identifier, wallMicroseconds: told.accepted * 1000 + 5000,
            outcome: told.outcome.rawValue, status: told.status, attempts: 1, answered: 1,
            durationNanoseconds: 5_000_000, headNanoseconds: 1_000_000,
            requestBytes: told.request.count,
            responseBytes: told.pieces.reduce(0) { $0 + $1.count },
            isResponseCaptured: isCaptured, vendor: told.vendor
        ).write(to: &payload)
        let place = JournalWriter.Place(exchange: open.number, time: tick())
        if isAnnouncement { return writer.announce(place, payload.bytes) }
        writer.settle(place, payload.bytes)
    }

    /// Tells of a whole exchange; nil where there was no room for it.
    @discardableResult
    func tell(_ told: Told) -> Open? {
        guard let open = begin(told) else { return nil }
        head(open, told)
        var isCaptured = true
        for piece in told.pieces where isCaptured { isCaptured = chunk(open, piece) }
        settle(open, told, isCaptured: isCaptured)
        return open
    }

    /// The records that assembling the journal's frames gives, without a store.
    func assemble(capture: Capture = Capture(bytesMax: 1 << 20)) -> [Record] {
        let source = JournalSource(file, from: nil, isLeft: false, capture: capture)
        var batch = Batch()
        source.read(into: &batch, recordsMax: 100_000, now: .now())
        let cursor = source.release(into: &batch, now: .now())
        file.release(upTo: cursor)
        return batch.records
    }

    /// Waits until a condition holds; false when it never did.
    func await(_ condition: () throws -> Bool) throws -> Bool {
        try Patience.await(condition)
    }
}
