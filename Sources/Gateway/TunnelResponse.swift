import Dialects
import ExchangeCore
import HTTP
import Journal
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

/// The record of one response in a tunnel: what asked for it, and the messages of its answer, which
/// are recorded as the events of a stream.
final class TunnelResponse {
    /// What a record says instead of a method of HTTP's.
    static let method = "WEBSOCKET"

    private let exchange: RequestExchange
    private let journal: WorkerJournal
    private let number: UInt64
    private let identifier: Identifier
    private let began: Instant
    let lane: String
    /// The response's own name, once it is known.
    var name = ""
    /// What the vendor says of an error; 200 without one: its stream would have had that.
    var status = 200

    private var requestBytes = 0
    private var responseBytes = 0
    // Of them, those that the journal was given.
    private var writtenRequestBytes = 0
    private var writtenResponseBytes = 0
    private var isRequestWhole = true
    private var isResponseWhole = true
    private var heldRequest = ByteBuffer()
    private var heldResponse = ByteBuffer()
    /// What waits for its end before it is redacted.
    private var gathered = ByteBuffer()
    /// A message as the line of an event; kept for the next one.
    private var line = ByteBuffer()
    private var headAt: Instant?
    private var lastAt: Instant?

    private static let gatheredBytesMax = 1 << 20

    /// Begins the record of a response; nil where the journal has no room for it.
    init?(
        of exchange: RequestExchange, _ journal: WorkerJournal, vendor: String, model: String,
        lane: String
    ) {
        let worker = exchange.worker
        self.exchange = exchange
        self.journal = journal
        self.lane = lane
        began = worker.loop.now
        let identifier = Identifier.next(using: &worker.random)
        self.identifier = identifier
        journal.scratch.removeAll()
        exchange.request.withHead { head in
            BeginPayload.write(
                identifier: identifier, wallMicroseconds: Int(identifier.high >> 16) * 1000,
                acceptedBeforeNanoseconds: 0, dialect: OwnAnswer.dialect(of: exchange).number,
                keyDigest: exchange.client.keyDigest(), bodyBytes: -1, method: Self.method,
                chain: exchange.route?.plan.chain ?? "", model: ModelName.bounded(model),
                client: exchange.client.address(), caller: Metering.held(exchange),
                to: &journal.scratch,
                target: { head.writeRedactedTarget(to: &$0) },
                fields: {
                    head.writeRedactedFields(to: &$0)
                    // The exchange of the tunnel that the response is in.
                    $0.append("x-weir-tunnel: ")
                    exchange.identifier?.write(to: &$0)
                    $0.append("\r\n")
                })
        }
        journal.hideSecrets()
        guard let number = journal.writer.begin(journal.scratch.bytes, time: began) else {
            return nil
        }
        self.number = number
        journal.scratch.removeAll()
        AttemptPayload(vendor: vendor).write(to: &journal.scratch)
        append(.attemptBegan)
    }

    private func tag(attempt: Int = 1) -> JournalWriter.FrameTag {
        JournalWriter.FrameTag(
            exchange: number, attempt: attempt, time: exchange.worker.loop.now)
    }

    private func append(_ kind: FrameKind, detail: Int = 0) {
        let journal = journal
        journal.hideSecrets()
        _ = journal.writer.append(kind, tag(), detail: detail, journal.scratch.bytes)
    }

    // MARK: Request

    /// Takes a piece of the message that asks for it.
    func takeRequest(_ bytes: Span<UInt8>) {
        let room = journal.capture.requestBytesMax - requestBytes
        requestBytes += bytes.count
        guard room > 0, isRequestWhole else { return }
        let wanted = bytes.extracting(0..<min(room, bytes.count))
        if journal.redactor != nil { return gathered.append(wanted) }
        appendRequest(wanted)
    }

    /// The message that asks for it is at its end.
    func endRequest() {
        guard let redactor = journal.redactor else { return }
        var text = ByteBuffer()
        let isRedacted = redactor.redact(
            gathered.bytes, limit: journal.capture.requestBytesMax, to: &text)
        gathered.release()
        guard isRedacted else { return isRequestWhole = false }
        appendRequest(text.bytes)
    }

    private func appendRequest(_ bytes: Span<UInt8>) {
        let offset = writtenRequestBytes
        writtenRequestBytes += bytes.count
        let isWritten =
            journal.masksSecrets
            ? journal.appendMasked(
                .requestBody, tag(attempt: 0), bytes, offset: offset, held: &heldRequest)
            : journal.append(.requestBody, tag(attempt: 0), bytes, offset: offset)
        if !isWritten { isRequestWhole = false }
    }

    // MARK: Answer

    private func beginAnswer() {
        guard headAt == nil else { return }
        headAt = exchange.worker.loop.now
        journal.scratch.removeAll()
        HeadPayload(isEventStream: true).write(to: &journal.scratch)
        append(.responseHead, detail: status)
    }

    /// A message of the answer begins that has not come as a whole.
    func beginEvent() {
        beginAnswer()
        var text = ByteBuffer()
        text.append("data: ")
        write(text.bytes)
    }

    /// Takes a whole message of the answer: one frame of the journal's instead of three.
    func takeWholeEvent(_ bytes: Span<UInt8>) {
        beginAnswer()
        line.removeAll()
        line.append("data: ")
        append(withoutLineEnds: bytes, to: &line)
        line.append("\n\n")
        write(line.bytes)
        endLine()
    }

    /// Takes a piece of a message of the answer.
    func takeEvent(_ bytes: Span<UInt8>) {
        guard bytes.firstIndex(below: 0, or: 0x0A, or: 0x0D) < bytes.count else {
            return write(bytes)
        }
        var text = ByteBuffer()
        append(withoutLineEnds: bytes, to: &text)
        write(text.bytes)
    }

    /// Between the parts of JSON a line's end is a space like any other.
    private func append(withoutLineEnds bytes: Span<UInt8>, to text: inout ByteBuffer) {
        var start = 0
        while start < bytes.count {
            let end = bytes.firstIndex(below: 0, or: 0x0A, or: 0x0D, from: start)
            text.append(bytes.extracting(start..<end))
            if end < bytes.count { text.append(byte: 0x20) }
            start = end + 1
        }
    }

    /// The message is at its end.
    func endEvent() {
        var text = ByteBuffer()
        text.append("\n\n")
        write(text.bytes)
        endLine()
    }

    private func endLine() {
        guard let redactor = journal.redactor, isResponseWhole else { return }
        var redacted = ByteBuffer()
        let isRedacted = redactor.redact(line: gathered.bytes, to: &redacted)
        gathered.release()
        guard isRedacted else { return isResponseWhole = false }
        appendResponse(redacted.bytes)
    }

    private func write(_ bytes: Span<UInt8>) {
        lastAt = exchange.worker.loop.now
        responseBytes += bytes.count
        guard isResponseWhole else { return }
        guard journal.redactor == nil else {
            gathered.append(bytes)
            if gathered.count > Self.gatheredBytesMax {
                gathered.release()
                isResponseWhole = false
            }
            return
        }
        appendResponse(bytes)
    }

    private func appendResponse(_ bytes: Span<UInt8>) {
        let offset = writtenResponseBytes
        writtenResponseBytes += bytes.count
        let isWritten =
            journal.masksSecrets
            ? journal.appendMasked(.chunk, tag(), bytes, offset: offset, held: &heldResponse)
            : journal.append(.chunk, tag(), bytes, offset: offset)
        if !isWritten { isResponseWhole = false }
    }

    // MARK: End

    /// Nothing more of it can be read.
    func markGap() {
        isResponseWhole = false
        gathered.release()
    }

    /// Writes how it ended.
    func settle(_ outcome: Outcome, vendor: String) {
        _ = journal.appendHeld(
            .requestBody, tag(attempt: 0), offset: writtenRequestBytes, held: &heldRequest)
        _ = journal.appendHeld(
            .chunk, tag(), offset: writtenResponseBytes, held: &heldResponse)
        let now = exchange.worker.loop.now
        func since(_ instant: Instant?) -> Int {
            instant.map { Int(($0 - began).nanoseconds) } ?? -1
        }
        let payload = SettlementPayload(
            identifier: identifier,
            wallMicroseconds: Int(identifier.high >> 16) * 1000 + since(now) / 1000,
            outcome: outcome.rawValue, status: headAt == nil ? 0 : status, attempts: 1,
            answered: headAt == nil ? 0 : 1, durationNanoseconds: since(now),
            headNanoseconds: since(headAt), lastByteNanoseconds: since(lastAt),
            requestBytes: requestBytes, responseBytes: responseBytes,
            droppedFrames: isRequestWhole && isResponseWhole ? 0 : 1,
            isRequestCaptured: isRequestWhole, isResponseCaptured: isResponseWhole,
            vendor: vendor)
        let journal = journal
        journal.scratch.removeAll()
        payload.write(to: &journal.scratch)
        journal.hideSecrets()
        journal.writer.settle(tag(), journal.scratch.bytes)
    }
}
