import ExchangeCore
import Glibc
import Journal
import Logging
import Primitives
import Reactor
import Support
import Telemetry
import Testing

@testable import LogStore

/// A gateway's folder without a gateway: a journal, a hand on it, and the store beside it.
final class RecordScratch {
    let folder: JournalFolder
    let waker: Waker
    private(set) var file: JournalFile
    var writer: JournalWriter
    private var random = RandomSource(seed: 5)
    private var time = Instant(nanoseconds: 1_000_000_000)
    /// Bytes of each exchange's answer that were written.
    private var chunkBytes: [UInt64: Int] = [:]

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
        let names =
            ["lock"] + SegmentFolder.names(in: folder.path).filter { $0.hasPrefix("weir.db") }
        for name in names { unsafe unlink("\(folder.path)/\(name)") }
        for path in (try? JournalFolder.journals(in: folder.path)) ?? [] {
            try? JournalFolder.remove(path)
        }
        let segments = SegmentFolder(in: folder.path)
        segments.removeDrafts()
        for number in segments.numbers { _ = try? segments.remove(number) }
        unsafe rmdir(segments.path)
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
        metrics: RecordMetrics = RecordMetrics(), disk: SegmentDisk = SegmentDisk(),
        _ change: (inout Consumer.Settings) -> Void = { _ in }
    ) throws -> (consumer: Consumer, store: Store) {
        let store = try Store(folder: folder.path, disk: disk)
        var settings = settings(store, metrics, capture: capture, retain: retain)
        change(&settings)
        return (try Consumer(settings, journals: [file], waker: waker), store)
    }

    /// The settings of a consumer of this folder.
    func settings(
        _ store: Store, _ metrics: RecordMetrics, capture: Capture = Capture(bytesMax: 1 << 20),
        retain: Interval = .zero
    ) -> Consumer.Settings {
        var settings = Consumer.Settings(
            folder: folder, store: store, capture: capture, retain: retain, syncEvery: .zero,
            metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        settings.retireEvery = .milliseconds(50)
        settings.endsWithin = Patience.interval
        return settings
    }

    /// What a test writes of an exchange.
    struct Call {
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
        var fields = "host: a\r\n"
        var client = "192.0.2.7"
        /// How many pieces the request's body comes in, at least.
        var requestPieces = 1
        /// Who calls, and what is held or charged.
        var account = CallerAccount()
    }

    /// An exchange that was written in part.
    struct Open {
        let number: UInt64
        let identifier: Identifier
        let call: Call
    }

    func tick(_ interval: Interval = .milliseconds(1)) -> Instant {
        time = time + interval
        return time
    }

    /// Writes a request; nil where there was no room.
    func begin(_ call: Call) -> Open? {
        let identifier = Identifier.next(
            using: &random, milliseconds: UInt64(call.accepted))
        var payload = PayloadWriter()
        BeginPayload(
            identifier: identifier, wallMicroseconds: call.accepted * 1000,
            dialect: call.dialect, keyDigest: call.key, bodyBytes: call.request.count,
            target: call.target, fields: call.fields, client: call.client, caller: call.account
        ).write(to: &payload)
        guard let number = writer.begin(payload.bytes, time: tick()) else { return nil }
        let tag = JournalWriter.FrameTag(exchange: number, time: time)
        let step = max(1, call.request.count / call.requestPieces)
        for start in stride(from: 0, to: call.request.count, by: step) {
            _ = writer.appendBody(
                .requestBody, tag,
                Array(call.request[start...].prefix(step)).span, at: start)
        }
        var attempt = PayloadWriter()
        AttemptPayload(vendor: call.vendor).write(to: &attempt)
        writer.append(
            .attemptBegan, JournalWriter.FrameTag(exchange: number, attempt: 1, time: time),
            attempt.bytes)
        return Open(number: number, identifier: identifier, call: call)
    }

    func head(_ open: Open, _ call: Call) {
        var payload = PayloadWriter()
        HeadPayload(
            isEventStream: call.isStream, encoding: call.encoding, fields: "content-type: x\r\n"
        ).write(to: &payload)
        writer.append(
            .responseHead, JournalWriter.FrameTag(exchange: open.number, attempt: 1, time: tick()),
            detail: call.status, payload.bytes)
    }

    /// Leaves bytes of an answer out, as damage does that takes a frame.
    func skip(_ bytes: Int, of open: Open) {
        chunkBytes[open.number, default: 0] += bytes
    }

    @discardableResult
    func chunk(_ open: Open, _ piece: [UInt8]) -> Bool {
        let offset = chunkBytes[open.number] ?? 0
        let isWritten = writer.appendBody(
            .chunk, JournalWriter.FrameTag(exchange: open.number, attempt: 1, time: tick()),
            piece.span, at: offset)
        if isWritten { chunkBytes[open.number] = offset + piece.count }
        return isWritten
    }

    /// Writes an end, or only the delivery frame before it.
    func settle(
        _ open: Open, _ call: Call, isCaptured: Bool = true, isDelivery: Bool = false
    ) {
        var payload = PayloadWriter()
        SettlementPayload(
            identifier: open.identifier, wallMicroseconds: call.accepted * 1000 + 5000,
            outcome: call.outcome.rawValue, status: call.status, attempts: 1, answered: 1,
            durationNanoseconds: 5_000_000, headNanoseconds: 1_000_000,
            requestBytes: call.request.count,
            responseBytes: call.pieces.reduce(0) { $0 + $1.count },
            isResponseCaptured: isCaptured, vendor: call.vendor, caller: call.account
        ).write(to: &payload)
        let tag = JournalWriter.FrameTag(exchange: open.number, time: tick())
        if isDelivery { return writer.appendDelivery(tag, payload.bytes) }
        writer.settle(tag, payload.bytes)
    }

    /// Writes a whole exchange; nil where there was no room for it.
    @discardableResult
    func append(_ call: Call) -> Open? {
        guard let open = begin(call) else { return nil }
        head(open, call)
        var isCaptured = true
        for piece in call.pieces where isCaptured { isCaptured = chunk(open, piece) }
        settle(open, call, isCaptured: isCaptured)
        return open
    }

    /// The records that assembling the journal's frames gives, without a store.
    func assemble(capture: Capture = Capture(bytesMax: 1 << 20)) -> [Record] {
        let source = JournalSource(file, from: nil, isLeft: false, capture: capture)
        var batch = Batch()
        source.read(into: &batch, recordsMax: 100_000, now: .now())
        let cursor = source.release(into: &batch, now: .now())
        let records = Self.records(&batch)
        file.release(upTo: cursor)
        return records
    }

    /// What is open in the journal, as a start finds it.
    func interrupt(capture: Capture = Capture(bytesMax: 1 << 20)) -> [Record] {
        let source = JournalSource(file, from: nil, isLeft: true, capture: capture)
        var batch = Batch()
        source.read(into: &batch, recordsMax: 100_000, now: .now())
        source.interrupt(into: &batch, now: .now())
        return Self.records(&batch)
    }

    /// The records of a batch, with their bodies.
    private static func records(_ batch: inout Batch) -> [Record] {
        for index in batch.records.indices {
            batch.records[index].requestBody.bytes = bytes(batch.contents[index].request)
            batch.records[index].responseBody.bytes = bytes(batch.contents[index].response)
        }
        return batch.records
    }

    private static func bytes(_ pieces: BodyPieces) -> [UInt8] {
        var bytes: [UInt8] = []
        unsafe pieces.withEach { run, _, _ in unsafe bytes.append(contentsOf: run) }
        return bytes
    }

    /// Flips a bit of a file.
    static func flip(_ path: String, at offset: Int, bit: Int = 0) throws {
        let file = unsafe open(path, O_RDWR)
        guard file >= 0 else { throw SystemError(call: "open \(path)") }
        defer { close(file) }
        var byte: UInt8 = 0
        #expect(unsafe pread(file, &byte, 1, off_t(offset)) == 1)
        byte ^= 1 << UInt8(bit)
        #expect(unsafe pwrite(file, &byte, 1, off_t(offset)) == 1)
    }

    /// Waits until a condition holds; false when it never did.
    func await(_ condition: () throws -> Bool) throws -> Bool {
        try Patience.await(condition)
    }
}

// What tests write, they write once, and what is lent of it is copied.
extension Store {
    func write(_ batch: Batch, capture: Capture) throws(Failure) -> Written {
        var batch = batch
        return try write(&batch, capture: capture)
    }
}

extension SegmentWriter {
    func append(_ batch: Batch, after end: End) throws(SystemError) -> Written {
        var batch = batch
        return try append(&batch, after: end)
    }

    func writeAhead(_ batch: Batch) -> Written? {
        var batch = batch
        return writeAhead(&batch)
    }
}

extension ExchangeRows {
    convenience init(_ batch: Batch, _ snapshot: NameBook.Snapshot) {
        var batch = batch
        self.init(&batch, snapshot)
    }
}
