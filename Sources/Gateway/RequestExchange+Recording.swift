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

// Record: what happens is written to the worker's journal as it happens. Nothing here waits, fails,
// or changes what the client gets; a chunk costs one copy and a checksum. Credentials are left out
// before anything is written.
extension RequestExchange {
    /// Where a frame of the exchange belongs.
    func place(_ number: UInt64, attempt: Int? = nil) -> JournalWriter.Place {
        JournalWriter.Place(
            exchange: number, attempt: number == 0 ? 0 : attempt ?? state.attempts,
            time: worker.loop.now)
    }

    /// Records a request that is about to be served, or refused by the routing.
    func recordBegin() {
        guard let journal = worker.journal else { return worker.metrics.unrecorded.add() }
        guard let identifier else { return }
        let digest = keyDigest()
        // The identifier has just read the clock.
        let wallMicroseconds = Int(identifier.high >> 16) * 1000
        let chain = route?.plan.chain ?? ""
        let dialect =
            route?.dialect ?? request.withHead { API(of: $0, path: $0.path) }?.dialect ?? .openai
        let length = isStreaming ? request.head.contentLength ?? -1 : request.body.count
        journal.scratch.removeAll()
        // The model stands in the body, or in Gemini's path: the reader of the journal finds it,
        // unless it was asked for on the way.
        var model = ""
        if case .named(let name)? = content?.model.finding { model = name }
        request.withHead { head in
            BeginPayload.write(
                identifier: identifier, wallMicroseconds: wallMicroseconds,
                acceptedBeforeNanoseconds: Int((requestEnded - client.requestBegan).nanoseconds),
                dialect: dialect.number, keyDigest: digest, bodyBytes: length,
                method: head.method.name, chain: chain, model: model, to: &journal.scratch,
                target: { Redaction.write(head.pathAndQuery, to: &$0) },
                fields: { head.writeRedactedFields(to: &$0) })
        }
        journal.hideSecrets()
        recorder.number = journal.writer.begin(journal.scratch.bytes, time: requestEnded)
        if !isStreaming { request.withBody { record(requestBody: $0.bytes) } }
    }

    /// Records a piece of the request's body.
    func record(requestBody bytes: Span<UInt8>) {
        guard let number = recorder.number, bytes.count > 0, let journal = worker.journal
        else { return }
        let offset = recorder.requestBytes
        let room = journal.capture.requestBytesMax - offset
        recorder.requestBytes += bytes.count
        if journal.redactor != nil { return gatherRequest(bytes, journal) }
        guard room > 0, recorder.isRequestWhole else { return }
        guard !journal.masksSecrets || isRequestShowable(bytes, journal) else {
            return recorder.isRequestWhole = false
        }
        let wanted = bytes.extracting(0..<min(room, bytes.count))
        writeRequest(number, wanted, offset: offset, journal)
    }

    /// Writes a piece of the request's body; where it finds no room, nothing more of it is.
    func writeRequest(
        _ number: UInt64, _ bytes: Span<UInt8>, offset: Int, _ journal: WorkerJournal
    ) {
        let isWritten =
            !journal.masksSecrets || request.head.isEncoded
            ? journal.tell(.requestBody, place(number), bytes, offset: offset)
            : journal.tellMasked(
                .requestBody, place(number), bytes, offset: offset, held: &recorder.heldRequest)
        guard !isWritten else { return }
        recorder.droppedFrames += 1
        recorder.isRequestWhole = false
    }

    /// Writes a piece of an attempt's body; where it finds no room, nothing more of it is.
    func writeResponse(
        of attempt: Attempt, _ number: UInt64, _ bytes: Span<UInt8>, offset: Int,
        _ journal: WorkerJournal
    ) {
        let place = place(number, attempt: attempt.number)
        let isWritten =
            !journal.masksSecrets
            ? journal.tell(.chunk, place, bytes, offset: offset)
            : journal.tellMasked(
                .chunk, place, bytes, offset: offset, held: &attempt.recorder.held)
        guard !isWritten else { return }
        recorder.droppedFrames += 1
        attempt.recorder.isWhole = false
    }

    /// Records that an attempt begins.
    ///
    /// `model`: the one that is really asked for, where it is another than the client's.
    func recordBegin(of attempt: Attempt, model: String, isFresh: Bool) {
        guard let number = recorder.number else { return }
        write(.attemptBegan, number, attempt.number) { payload in
            AttemptPayload(vendor: attempt.vendor.name, model: model, isFresh: isFresh)
                .write(to: &payload)
        }
    }

    /// Records that an attempt failed.
    func recordFailure(
        of attempt: Attempt, _ name: String, _ result: TransferResult?, status: Int,
        reason: String
    ) {
        guard let number = recorder.number, let journal = worker.journal else { return }
        writeGatheredResponse(of: attempt)
        writeHeld(of: attempt, number, journal)
        write(.attemptFailed, number, attempt.number) { payload in
            FailurePayload(
                name: name, curlCode: Int(result?.code.rawValue ?? 0), status: status,
                wasSent: result?.wasSent ?? true, reason: reason
            ).write(to: &payload)
        }
    }

    /// Records a vendor's head.
    ///
    /// Called from inside libcurl.
    func recordHead(of attempt: Attempt, _ head: borrowing ResponseHead) {
        guard let number = recorder.number, let journal = worker.journal else { return }
        let mediaType = head.mediaType
        attempt.recorder.headAt = worker.loop.now
        attempt.recorder.isEventStream = mediaType == .eventStream
        attempt.recorder.isReadable = !head.isEncoded
        switch mediaType {
        case .eventStream: attempt.recorder.bytesMax = .max
        case .json:
            attempt.recorder.bytesMax = max(
                journal.capture.responseBytesMax, JournalCapture.answerBytesMax)
        case .html, .other: attempt.recorder.bytesMax = journal.capture.responseBytesMax
        }
        journal.scratch.removeAll()
        HeadPayload.write(
            isEventStream: mediaType == .eventStream, encoding: head.encoding,
            to: &journal.scratch, fields: { head.writeRedactedFields(to: &$0) })
        journal.hideSecrets()
        let isWritten = journal.writer.tell(
            .responseHead, place(number, attempt: attempt.number), note: head.status,
            journal.scratch.bytes)
        if !isWritten { recorder.droppedFrames += 1 }
    }

    /// Records a piece of a response's body.
    ///
    /// Called from inside libcurl, once for every piece.
    @inline(__always)
    func record(
        _ bytes: Span<UInt8>, of attempt: Attempt, reads plain: Span<UInt8>, isReadable: Bool
    ) {
        guard let number = recorder.number else { return }
        let bytesMax = attempt.recorder.bytesMax
        let offset = attempt.recorder.bytes
        // A pattern at the end of what is kept may reach beyond it.
        let reach = worker.redactsBodies ? Self.redactionReachBytes : 0
        let isWanted =
            attempt.recorder.isWhole
            && (bytesMax == .max || offset < bytesMax.addingReportingOverflow(reach).partialValue)
        attempt.recorder.bytes = offset + bytes.count
        guard isWanted else { return }
        if worker.redactsBodies { return gatherResponse(bytes, of: attempt, number) }
        if !attempt.recorder.isReadable, masksBodies {
            return recordEncoded(
                bytes, of: attempt, reads: plain, isReadable: isReadable, number, offset: offset)
        }
        let isWritten = worker.chunkTee.tell(
            JournalWriter.Place(
                exchange: number, attempt: attempt.number, time: worker.loop.now), bytes,
            offset: offset, held: &attempt.recorder.held)
        if !isWritten {
            recorder.droppedFrames += 1
            attempt.recorder.isWhole = false
        }
    }

    /// Records how the exchange ends if nothing more is recorded of it.
    func recordDelivery() {
        guard let number = recorder.number, !recorder.isDeliveryWritten,
            let journal = worker.journal
        else { return }
        recorder.isDeliveryWritten = true
        writeRest(number, journal)
        writeSettlement(state.outcomeToBe ?? .complete, journal)
        journal.writer.announce(place(number), journal.scratch.bytes)
    }

    /// Records how the exchange ended.
    func recordSettlement(_ outcome: Outcome) {
        guard let number = recorder.number, let journal = worker.journal else { return }
        writeRest(number, journal)
        writeSettlement(outcome, journal)
        journal.writer.settle(
            place(number), isAnnounced: recorder.isDeliveryWritten, journal.scratch.bytes)
        recorder.number = nil
    }

    /// Writes what was kept back of the bodies, which are at their end.
    private func writeRest(_ number: UInt64, _ journal: WorkerJournal) {
        writeGatheredRequest()
        writeHeldRequest(number, journal)
        if let answeringAttempt { writeRest(of: answeringAttempt, number, journal) }
        if let attempt, attempt !== answeringAttempt { writeRest(of: attempt, number, journal) }
    }

    private func writeRest(of attempt: Attempt, _ number: UInt64, _ journal: WorkerJournal) {
        writeGatheredResponse(of: attempt)
        writeHeld(of: attempt, number, journal)
    }

    private func writeSettlement(_ outcome: Outcome, _ journal: WorkerJournal) {
        guard let identifier else { return }
        let now = worker.loop.now
        func since(_ instant: Instant?) -> Int {
            instant.map { Int(($0 - requestEnded).nanoseconds) } ?? -1
        }
        let response = answeringAttempt ?? attempt
        let payload = SettlementPayload(
            identifier: identifier,
            wallMicroseconds: Int(identifier.high >> 16) * 1000 + since(now) / 1000,
            outcome: outcome.rawValue,
            // What the client was given: none where it had gone before.
            status: writer.hasHead ? answeringAttempt?.status ?? recorder.ownStatus : 0,
            attempts: state.attempts, answered: answeringAttempt?.number ?? 0,
            durationNanoseconds: since(now), headNanoseconds: since(response?.recorder.headAt),
            lastByteNanoseconds: answeringAttempt.map { since($0.lastVendorByte) } ?? -1,
            requestBytes: max(bodyBytes, recorder.requestBytes),
            responseBytes: response?.recorder.bytes ?? 0,
            droppedFrames: recorder.droppedFrames, isRequestCaptured: recorder.isRequestWhole,
            isResponseCaptured: response?.recorder.isWhole ?? true,
            vendor: answeringAttempt?.vendor.name ?? vendor?.name ?? "",
            failureCode: recorder.failureCode, explanation: recorder.explanation)
        journal.scratch.removeAll()
        payload.write(to: &journal.scratch)
        journal.hideSecrets()
    }

    private func write(
        _ kind: FrameKind, _ number: UInt64, _ attempt: Int,
        _ write: (inout PayloadWriter) -> Void
    ) {
        guard let journal = worker.journal else { return }
        journal.scratch.removeAll()
        write(&journal.scratch)
        journal.hideSecrets()
        if !journal.writer.tell(
            kind, place(number, attempt: attempt), note: 0, journal.scratch.bytes)
        {
            recorder.droppedFrames += 1
        }
    }

    /// A digest of the client's credential, so that its calls can be found without it.
    private func keyDigest() -> UInt64 {
        request.withHead { head in
            let credential = head.credential
            guard credential.count > 0 else { return 0 }
            // The same one comes with every request of a connection.
            if let knownKey = client.knownKey, knownKey.isOf(credential) {
                return knownKey.digest
            }
            var digest = Digest()
            digest.add(credential)
            let value = digest.finishShort()
            client.knownKey = KnownKey(credential, digest: value)
            return value
        }
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
