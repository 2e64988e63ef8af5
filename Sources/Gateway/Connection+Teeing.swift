import Config
import Cryptography
import Dialects
import ExchangeCore
import HTTP
import Journal
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Tee: what happens is told to the worker's journal as it happens. Nothing here waits, fails, or
// changes what the client gets; a chunk costs one copy and a checksum. Credentials are left out
// before anything is written.
extension Connection {
    func place(_ exchange: UInt64) -> JournalWriter.Place {
        JournalWriter.Place(
            exchange: exchange, attempt: exchange == 0 ? 0 : self.exchange.attempts,
            time: worker.loop.now)
    }

    /// Tells of a request that is about to be served, or refused by the routing.
    func teeBegin() {
        guard let journal = worker.journal else { return worker.metrics.unrecorded.add() }
        guard let identifier else { return }
        let digest = keyDigest()
        // The identifier has just read the clock.
        let wallMicroseconds = Int(identifier.high >> 16) * 1000
        let chain = route?.plan.chain ?? ""
        let dialect =
            route?.dialect ?? parser.withHead { API(of: $0, path: $0.path) }?.dialect ?? .openai
        let length: Int =
            if case .keep = bodyMode { parser.body.count } else { parser.head.contentLength ?? -1 }
        journal.scratch.removeAll()
        BeginPayload.writeFixed(
            identifier: identifier, wallMicroseconds: wallMicroseconds,
            acceptedBeforeNanoseconds: Int((requestEnded - requestBegan).nanoseconds),
            dialect: dialect.place, keyDigest: digest, bodyBytes: length, to: &journal.scratch)
        parser.withHead { head in
            journal.scratch.text(head.method.name)
            journal.scratch.shortBlock { Redaction.write(head.pathAndQuery, to: &$0) }
        }
        journal.scratch.text(chain)
        // The model stands in the body, or in Gemini's path: the reader of the journal finds it,
        // unless it was asked for on the way.
        var model = ""
        if case .named(let name)? = content?.model.finding { model = name }
        journal.scratch.text(model)
        journal.scratch.block { parser.head.writeRedactedFields(to: &$0) }
        journal.scratch.hide(journal.mask)
        tee.exchange = journal.writer.begin(journal.scratch.bytes, time: requestEnded)
        if case .keep = bodyMode { parser.withBody { teeRequestBody($0.bytes) } }
    }

    /// Tells a piece of the request's body.
    func teeRequestBody(_ bytes: Span<UInt8>) {
        guard let number = tee.exchange, bytes.count > 0, let journal = worker.journal
        else { return }
        let offset = tee.requestBytes
        let room = journal.capture.requestBytesMax - offset
        tee.requestBytes += bytes.count
        if journal.redactor != nil { return gatherRequest(bytes, journal) }
        guard room > 0, tee.isRequestWhole else { return }
        guard journal.mask.isEmpty || isRequestShowable(bytes, journal) else {
            return tee.isRequestWhole = false
        }
        let wanted = bytes.extracting(0..<min(room, bytes.count))
        tellBody(.requestBody, number, wanted, offset: offset, journal)
    }

    /// Tells a piece of a body; where it finds no room, nothing more of the body is told.
    func tellBody(
        _ kind: FrameKind, _ number: UInt64, _ bytes: Span<UInt8>, offset: Int,
        _ journal: WorkerJournal
    ) {
        let isTold: Bool
        if journal.mask.isEmpty || kind == .requestBody && parser.head.isEncoded {
            isTold = journal.tell(kind, place(number), bytes, offset: offset)
        } else if kind == .requestBody {
            isTold = journal.tellMasked(
                kind, place(number), bytes, offset: offset, held: &tee.heldRequest)
        } else {
            isTold = journal.tellMasked(
                kind, place(number), bytes, offset: offset, held: &tee.heldResponse)
        }
        guard !isTold else { return }
        tee.droppedFrames += 1
        if kind == .requestBody { tee.isRequestWhole = false } else { tee.isResponseWhole = false }
    }

    /// Tells that an attempt begins.
    ///
    /// `model`: the one that is really asked for, where it is another than the client's.
    func teeAttemptBegan(model: String, isFresh: Bool) {
        guard let number = tee.exchange, let vendor else { return }
        tell(.attemptBegan, number) { payload in
            AttemptPayload(vendor: vendor.name, model: model, isFresh: isFresh)
                .write(to: &payload)
        }
    }

    /// Tells that an attempt came to nothing.
    func teeAttemptFailed(_ name: String, _ result: TransferResult?, status: Int, reason: String) {
        guard let number = tee.exchange, let journal = worker.journal else { return }
        tellGatheredResponse()
        tellHeld(number, journal)
        tell(.attemptFailed, number) { payload in
            FailurePayload(
                name: name, curlCode: Int(result?.code.rawValue ?? 0), status: status,
                wasSent: result?.wasSent ?? true, reason: reason
            ).write(to: &payload)
        }
    }

    /// Tells of a vendor's head.
    ///
    /// Called from inside libcurl.
    func teeHead(of transfer: Transfer) {
        guard let number = tee.exchange, let journal = worker.journal else { return }
        tee.headAt = worker.loop.now
        tee.responseBytes = 0
        tee.isResponseWhole = true
        tee.gatheredResponse.removeAll()
        tee.heldResponse.removeAll()
        tee.heldPlain.removeAll()
        tee.toldBytes = 0
        tee.isEventStream = transfer.head.mediaType == .eventStream
        tee.isResponseReadable = !transfer.head.isEncoded
        let mediaType = transfer.head.mediaType
        switch mediaType {
        case .eventStream: tee.responseBytesMax = .max
        case .json:
            tee.responseBytesMax = max(
                journal.capture.responseBytesMax, JournalCapture.answerBytesMax)
        case .html, .other: tee.responseBytesMax = journal.capture.responseBytesMax
        }
        tell(.responseHead, number, note: transfer.head.status) { payload in
            payload.byte(mediaType == .eventStream ? 1 : 0)
            transfer.head.writeEncoding(to: &payload)
            payload.block { transfer.head.writeRedactedFields(to: &$0) }
        }
    }

    /// Tells a piece of a response's body.
    ///
    /// Called from inside libcurl, once for every piece.
    @inline(__always)
    func teeChunk(_ bytes: Span<UInt8>, reads plain: Span<UInt8>, isReadable: Bool) {
        guard let number = tee.exchange else { return }
        // A pattern at the end of what is kept may reach beyond it.
        let reach = worker.redactsBodies ? Self.redactionReachBytes : 0
        let isWanted =
            tee.isResponseWhole
            && tee.responseBytes < tee.responseBytesMax.addingReportingOverflow(reach).partialValue
            || tee.responseBytesMax == .max && tee.isResponseWhole
        let offset = tee.responseBytes
        tee.responseBytes += bytes.count
        guard isWanted else { return }
        if worker.redactsBodies { return gatherResponse(bytes, number) }
        if !tee.isResponseReadable, masksBodies {
            return teeEncoded(bytes, reads: plain, isReadable: isReadable, number, offset: offset)
        }
        let isTold = worker.chunkTee.tell(
            place(number), bytes, offset: offset, held: &tee.heldResponse)
        if !isTold {
            tee.droppedFrames += 1
            tee.isResponseWhole = false
        }
    }

    /// Tells how the exchange ends if nothing more is told of it.
    ///
    /// Before the kernel is given the last byte: a process that dies right after must not leave a
    /// client with a whole answer and a record without its end.
    func teeDelivery() {
        guard let number = tee.exchange, !tee.isDeliveryTold, let journal = worker.journal
        else { return }
        tee.isDeliveryTold = true
        tellGatheredRequest()
        tellGatheredResponse()
        tellHeld(number, journal)
        writeSettlement(exchange.outcomeToBe ?? .complete, journal)
        journal.writer.announce(place(number), journal.scratch.bytes)
    }

    /// Tells how the exchange ended.
    func teeSettlement(_ outcome: Outcome) {
        guard let number = tee.exchange, let journal = worker.journal else { return }
        tellGatheredRequest()
        tellGatheredResponse()
        tellHeld(number, journal)
        writeSettlement(outcome, journal)
        journal.writer.settle(
            place(number), isAnnounced: tee.isDeliveryTold, journal.scratch.bytes)
        tee.exchange = nil
    }

    private func writeSettlement(_ outcome: Outcome, _ journal: WorkerJournal) {
        guard let identifier else { return }
        let now = worker.loop.now
        func since(_ instant: Instant?) -> Int {
            instant.map { Int(($0 - requestEnded).nanoseconds) } ?? -1
        }
        let hasVendor = tee.answered > 0
        let payload = SettlementPayload(
            identifier: identifier,
            wallMicroseconds: Int(identifier.high >> 16) * 1000 + since(now) / 1000,
            outcome: outcome.rawValue, status: tee.status, attempts: exchange.attempts,
            answered: tee.answered, durationNanoseconds: since(now),
            headNanoseconds: since(tee.headAt),
            lastByteNanoseconds: hasVendor ? since(lastVendorByte) : -1,
            requestBytes: max(bodyBytes, tee.requestBytes), responseBytes: tee.responseBytes,
            droppedFrames: tee.droppedFrames, isRequestCaptured: tee.isRequestWhole,
            isResponseCaptured: tee.isResponseWhole,
            vendor: tee.answeringVendor ?? vendor?.name ?? "",
            failureCode: tee.failureCode, explanation: tee.explanation
        )
        journal.scratch.removeAll()
        payload.write(to: &journal.scratch)
        journal.scratch.hide(journal.mask)
    }

    private func tell(
        _ kind: FrameKind, _ number: UInt64, note: Int = 0,
        _ write: (inout PayloadWriter) -> Void
    ) {
        guard let journal = worker.journal else { return }
        journal.scratch.removeAll()
        write(&journal.scratch)
        journal.scratch.hide(journal.mask)
        if !journal.writer.tell(kind, place(number), note: note, journal.scratch.bytes) {
            tee.droppedFrames += 1
        }
    }

    /// A digest of the client's credential, so that its calls can be found without it.
    private func keyDigest() -> UInt64 {
        parser.withHead { head in
            let credential = head.credential
            guard credential.count > 0 else { return 0 }
            // The same one comes with every request of a connection.
            if let knownKey, knownKey.isOf(credential) {
                return knownKey.digest
            }
            var digest = Digest()
            digest.add(credential)
            let value = digest.finishShort()
            knownKey = KnownKey(credential, digest: value)
            return value
        }
    }
}

extension ResponseHead {
    fileprivate func writeEncoding(to payload: inout PayloadWriter) {
        payload.bytes(encoding)
    }
}

/// The credential a connection last sent, and its digest.
final class KnownKey {
    private let credential: [UInt8]
    let digest: UInt64

    init(_ credential: Span<UInt8>, digest: UInt64) {
        self.credential = credential.indices.map { credential[$0] }
        self.digest = digest
    }

    func isOf(_ other: Span<UInt8>) -> Bool {
        let own = credential
        return own.span.equals(other)
    }
}
