import Access
import Codings
import Dialects
import ExchangeCore
import HTTP
import Journal
import Primitives
import Telemetry

// DESIGN
//
// An exchange's frames come one by one and become a record with the last of them. What is missing,
// because it found no room or was damaged, is missing in the record too: the settlement alone
// suffices for one. Responses are kept by attempt until it is known whose the client got.

/// An exchange on its way to becoming a record.
final class Assembly {
    var record: Record
    /// What is kept of its bodies.
    private(set) var content = RecordContent()
    /// Whether frames of it were put into the store, because it was open for long.
    var isSpilled = false

    /// Bytes that come out of an encoded answer at most: nothing of them is held, and two thousand
    /// embeddings are 80 MB of text.
    private static let decodedBytesMax = 512 << 20

    /// Its number in the journal.
    let exchange: UInt64

    private let capture: Capture
    private let memory: AssemblyMemory
    private var began: Instant
    private var hasBegin = false
    private var request = BodyOrder()
    /// Looks for the model in the pieces of the request's body; nil before and after.
    private var modelScan: ModelScan?
    private var names: CallerNames?
    /// By their attempts: nearly always one.
    private var responses: [Response] = []
    private var delivery: (payload: [UInt8], time: Instant)?

    /// The response to one attempt.
    private final class Response {
        let attempt: Int
        var observer: AnswerObserver?
        var decoder: ContentDecoder?
        var fields = ""
        var status = 0
        var isStream = false
        var headAt: Instant
        var lastAt: Instant?
        var kept = BodyPieces()
        var order = BodyOrder()

        init(attempt: Int, headAt: Instant) {
            self.attempt = attempt
            self.headAt = headAt
        }
    }

    init(
        journal: String, exchange: UInt64, time: Instant, capture: Capture,
        _ memory: AssemblyMemory = AssemblyMemory()
    ) {
        self.exchange = exchange
        self.memory = memory
        record = Record(Identifier(high: 0, low: 0))
        record.journal = journal
        record.exchange = exchange
        self.capture = capture
        began = time
    }

    /// Takes a frame; true with the last one.
    ///
    /// `ring`: the journal whose ring keeps the frame until the record is stored; without one
    /// everything that is kept is copied.
    func take(_ frame: borrowing Frame, in ring: JournalFile? = nil) -> Bool {
        switch frame.kind {
        case .begin: begin(frame)
        case .requestBody: takeRequestBody(frame, ring)
        case .attemptBegan: attemptBegan(frame)
        case .attemptFailed: attemptFailed(frame)
        case .translation:
            if let index = attempt(frame.attempt) {
                record.attempts[index].translation = frame.payload.text
            }
        case .responseHead: takeHead(frame)
        case .chunk: takeChunk(frame, ring)
        case .delivery:
            // Most are overtaken by the settlement at once, and never read.
            delivery = ([UInt8](frame.payload), frame.time)
        case .requestBodyAside, .chunkAside:
            // Lent as the pieces that they are.
            break
        case .settlement:
            settle(frame.payload, at: frame.time)
            return true
        }
        return false
    }

    /// Hands the record over to a batch, and keeps none: a copy would count some thirty references.
    func handOver(to batch: inout Batch) {
        let index = batch.records.count
        if isSpilled { batch.spilled.insert(index) }
        batch.records.append(Record(Identifier(high: 0, low: 0)))
        batch.contents.append(RecordContent())
        swap(&batch.records[index], &record)
        swap(&batch.contents[index], &content)
    }

    /// Gives up the bytes kept so far: they are in the store.
    func forgetBodies() {
        content = RecordContent()
        for response in responses { response.kept = BodyPieces() }
    }

    /// The record of an exchange that will have no settlement: as it was about to end, or as one
    /// that was interrupted.
    func interrupted(at time: Instant) -> Record {
        if let delivery {
            settle(delivery.payload.span, at: delivery.time)
            return record
        }
        record.outcome = Record.interrupted
        record.errorKind = "gateway_interrupted"
        record.errorMessage = "the gateway ended before the exchange did"
        record.answered = responses.reduce(0) { max($0, $1.attempt) }
        if record.vendor.isEmpty { record.vendor = record.attempts.last?.vendor ?? "" }
        let answering = response(to: record.answered)
        let last = answering?.lastAt ?? time
        adopt(record.answered, end: last)
        record.endMicroseconds = offset(last) ?? 0
        record.status = answering?.status ?? 0
        record.requestBytes = max(record.requestBytes, request.bytes)
        record.requestBody.totalBytes = record.requestBytes
        record.responseBytes = answering?.order.bytes ?? 0
        record.droppedFrames = holesCount
        return record
    }

    /// A time that calendars have, and to which exporters can add an offset.
    private static func wallClock(_ microseconds: Int, before earlier: Int) -> Int {
        let latest = 9999 * 366 * 86_400 * 1_000_000
        return min(max(0, microseconds), latest) - min(max(0, earlier), latest)
    }

    private func offset(_ time: Instant) -> Int? {
        max(0, Int((time - began).nanoseconds / 1000))
    }

    private func begin(_ frame: borrowing Frame) {
        guard let payload = BeginPayload(frame.payload) else { return }
        hasBegin = true
        let before = Interval(nanoseconds: Int64(clamping: payload.acceptedBeforeNanoseconds))
        // Numbers of a journal may be anything: to trap on one would be to trap at every start.
        began = Instant(nanoseconds: frame.time.nanoseconds &- before.nanoseconds)
        record.identifier = payload.identifier
        record.acceptedMicroseconds = Self.wallClock(
            payload.wallMicroseconds, before: Int(before.nanoseconds / 1000))
        record.requestMicroseconds = Int(before.nanoseconds / 1000)
        record.dialect = Dialect(number: payload.dialect) ?? .openai
        record.method = payload.method
        record.target = payload.target
        record.chain = payload.chain
        // Gemini names its model in the path. What is in a tunnel may have another model than the
        // handshake, whose target it has.
        let isInTunnel = payload.method == "WEBSOCKET"
        let inTarget = isInTunnel ? nil : record.dialect.model(inTarget: payload.target)
        record.model = ModelName.bounded(inTarget ?? payload.model)
        record.requestFields = payload.fields
        record.client = payload.client
        names = CallerNames(fields: payload.fields.utf8.span, keepsContent: capture.bytesMax > 0)
        record.trace = TraceParent(fields: payload.fields.utf8.span)?.description ?? ""
        if payload.keyDigest != 0 { record.key = memory.name(ofKey: payload.keyDigest) }
        // What is held is charged, unless a settlement says more.
        adopt(payload.caller, basis: .reserved)
        if payload.bodyBytes > 0 { record.requestBytes = payload.bodyBytes }
    }

    private func takeRequestBody(_ frame: borrowing Frame, _ ring: JournalFile?) {
        let start = request.bytes
        guard request.take(frame), frame.missingBytes == 0 else {
            modelScan = nil
            names?.endBody()
            return
        }
        if record.model.isEmpty { findModel(frame.payload, isFirst: start == 0) }
        names?.take(body: frame.payload, keepsContent: capture.bytesMax > 0)
        keep(frame, ring, in: &content.request, seen: request.bytes)
    }

    /// Bodies of which a piece is missing.
    private var holesCount: Int {
        (request.hasHole ? 1 : 0) + responses.count { $0.order.hasHole }
    }

    private func findModel(_ bytes: Span<UInt8>, isFirst: Bool) {
        if isFirst {
            let fields = HeaderLines(text: record.requestFields)
            modelScan =
                ModelScan.isPlainJSON(bytes)
                ? ModelScan()
                : ModelScan(
                    contentType: fields.list(of: "content-type").span,
                    contentEncoding: fields.list(of: "content-encoding").span)
        }
        modelScan?.take(bytes)
        guard let scan = modelScan, scan.isOver else { return }
        record.model = ModelName.bounded(scan.name ?? "")
        modelScan = nil
    }

    /// Takes over the model that the body's last bytes, or the worker, named.
    private func endModelScan(_ payload: SettlementPayload) {
        guard record.model.isEmpty else { return }
        record.model = ModelName.bounded(payload.model)
        // The end of a body that was not written as a whole may be the middle of a name.
        guard record.model.isEmpty, payload.isRequestCaptured, !request.hasHole,
            request.bytes >= payload.requestBytes
        else { return }
        modelScan?.end()
        record.model = ModelName.bounded(modelScan?.name ?? "")
    }

    /// Keeps what of a piece still falls within the limit; `seen` counts the piece already.
    private func keep(
        _ frame: borrowing Frame, _ ring: JournalFile?, in kept: inout BodyPieces, seen: Int
    ) {
        let count = frame.payload.count
        let room = min(capture.bytesMax - (seen - count), count)
        guard room > 0 else { return }
        if let ring, !frame.isAside {
            kept.append(room, at: frame.position, in: ring)
        } else {
            kept.append(frame.payload.extracting(0..<room))
        }
    }

    private func attempt(_ number: Int) -> Int? {
        guard number > 0, number <= 255 else { return nil }
        while record.attempts.count < number { record.attempts.append(Record.Attempt()) }
        return number - 1
    }

    private func attemptBegan(_ frame: borrowing Frame) {
        guard let index = attempt(frame.attempt), let payload = AttemptPayload(frame.payload)
        else { return }
        record.attempts[index].vendor = payload.vendor
        record.attempts[index].model = ModelName.bounded(payload.model)
        record.attempts[index].isFresh = payload.isFresh
        record.attempts[index].beganMicroseconds = offset(frame.time) ?? 0
    }

    private func attemptFailed(_ frame: borrowing Frame) {
        guard let index = attempt(frame.attempt), let payload = FailurePayload(frame.payload)
        else { return }
        record.attempts[index].failedMicroseconds = offset(frame.time)
        record.attempts[index].failure = payload.name
        record.attempts[index].curlCode = payload.curlCode
        record.attempts[index].reason = payload.reason
        record.attempts[index].wasSent = payload.wasSent
        if payload.status > 0 { record.attempts[index].status = payload.status }
    }

    private func takeHead(_ frame: borrowing Frame) {
        guard let index = attempt(frame.attempt), let payload = HeadPayload(frame.payload)
        else { return }
        let isTranslated = !record.attempts[index].translation.isEmpty
        let response = Response(attempt: frame.attempt, headAt: frame.time)
        response.fields = payload.fields
        response.status = frame.detail
        response.isStream = payload.isEventStream
        response.observer = AnswerObserver(
            dialect: isTranslated
                ? record.attempts[index].translatedDialect ?? record.dialect : record.dialect,
            isEventStream: payload.isEventStream, templates: memory.usage)
        let encoding = payload.encoding.utf8
        response.decoder = ContentDecoder(encoding.span, bytesMax: Self.decodedBytesMax)
        if response.decoder == nil, !ContentDecoder.isIdentity(encoding.span) {
            response.observer?.markGap()
        }
        record.attempts[index].status = frame.detail
        record.attempts[index].headMicroseconds = offset(frame.time)
        responses.removeAll { $0.attempt == frame.attempt }
        responses.append(response)
    }

    private func response(to attempt: Int) -> Response? {
        for response in responses where response.attempt == attempt { return response }
        return nil
    }

    private func takeChunk(_ frame: borrowing Frame, _ ring: JournalFile?) {
        guard let response = response(to: frame.attempt) else { return }
        let time = frame.time
        response.lastAt = time
        guard response.order.take(frame), frame.missingBytes == 0 else {
            response.observer?.markGap()
            return
        }
        keep(frame, ring, in: &response.kept, seen: response.order.bytes)
        guard let decoder = response.decoder else {
            response.observer?.take(frame.payload, at: time, in: &memory.outline)
            return
        }
        let isWhole = decoder.decode(frame.payload) {
            response.observer?.take($0, at: time, in: &memory.outline)
        }
        if !isWhole { response.observer?.markGap() }
    }

    private func settle(_ bytes: Span<UInt8>, at time: Instant) {
        guard let payload = SettlementPayload(bytes) else { return }
        let duration = Interval(nanoseconds: Int64(clamping: payload.durationNanoseconds))
        let requestEnded = Instant(
            nanoseconds: time.nanoseconds &- duration.nanoseconds)
        record.identifier = payload.identifier
        if !hasBegin {
            began = requestEnded
            record.acceptedMicroseconds = Self.wallClock(
                payload.wallMicroseconds, before: Int(duration.nanoseconds / 1000))
        }
        record.outcome =
            Outcome(rawValue: payload.outcome)?.name ?? Record.interrupted
        record.status = payload.status
        record.answered = payload.answered
        record.vendor = payload.vendor
        record.errorKind = payload.failureCode
        record.errorMessage = payload.explanation
        record.requestBytes = max(payload.requestBytes, 0)
        record.responseBytes = payload.responseBytes
        record.droppedFrames = payload.droppedFrames + holesCount
        endModelScan(payload)
        adopt(payload.caller, basis: Charge.Basis(number: payload.caller.basis))
        // Attempts that found no room are counted all the same.
        _ = attempt(min(payload.attempts, 255))
        if !payload.isResponseCaptured { response(to: payload.answered)?.observer?.markGap() }
        record.endMicroseconds = offset(time) ?? 0
        if payload.headNanoseconds >= 0 {
            record.headMicroseconds = offset(
                requestEnded + Interval(nanoseconds: Int64(payload.headNanoseconds)))
        }
        if payload.lastByteNanoseconds >= 0 {
            record.lastByteMicroseconds = offset(
                requestEnded + Interval(nanoseconds: Int64(payload.lastByteNanoseconds)))
        }
        adopt(payload.answered, end: time)
        record.requestBody.totalBytes = max(record.requestBytes, content.request.count)
        record.responseBody.totalBytes = max(record.responseBytes, content.response.count)
    }

    /// Takes over what the request names, and what the response of the attempt that the client got
    /// says.
    private func adopt(_ number: Int, end: Instant) {
        if let names {
            record.session = names.session
            record.agent = names.agent
            record.parentAgent = names.parent
        }
        guard let response = response(to: number) else { return }
        response.observer?.end(at: end, in: &memory.outline)
        record.responseFields = response.fields
        content.response = response.kept
        record.responseBody.totalBytes = response.order.bytes
        record.isStream = response.isStream
        record.headMicroseconds = record.headMicroseconds ?? offset(response.headAt)
        guard let facts = response.observer?.facts else { return }
        memory.usage = facts.usageTemplates
        // A vendor's words are content where they are more than a name: it may repeat the prompt.
        let isKept = capture.bytesMax > 0
        record.answeringModel =
            isKept || facts.model.isName ? ModelName.bounded(facts.model) : ""
        record.contentMicroseconds = facts.firstContent.flatMap(offset)
        record.finishReason =
            isKept || facts.finishReason.isWord
            ? ModelName.bounded(facts.finishReason) : "other"
        if !facts.errorKind.isEmpty, record.errorKind.isEmpty {
            record.errorKind =
                isKept || facts.errorKind.isWord ? ModelName.bounded(facts.errorKind) : "error"
            record.errorMessage = isKept ? facts.errorMessage : ""
        }
        // Without the terminal marker that is due here, a clean end may be a truncation.
        if record.isStream, facts.isUnderstood, !facts.sawTerminal, record.outcome == "complete",
            200..<300 ~= record.status, record.status != 204, record.method != "HEAD",
            record.answerDialect.marksStreamEnds(target: record.answerTarget.utf8.span)
        {
            record.outcome = Outcome.truncated.name
        }
        record.account(facts, isDecoded: response.decoder?.isAtEnd ?? true)
    }
}
