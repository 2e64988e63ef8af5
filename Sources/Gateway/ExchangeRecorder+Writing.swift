import Config
import Dialects
import ExchangeCore
import HTTP
import Journal
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// What happens before the end: the request, each attempt, its head and its pieces.
extension ExchangeRecorder {
    /// Writes that a request is about to be served, or was refused.
    ///
    /// `isWhole`: false where it was refused, or its client gone, before all of it had come: what
    /// is here of its body is written.
    mutating func writeBegin(_ exchange: RequestExchange, isWhole: Bool = true) {
        guard let journal = exchange.worker.journal else {
            return exchange.worker.metrics.unrecorded.add()
        }
        guard let identifier = exchange.identifier else { return }
        let request = exchange.request
        let digest = exchange.caller == nil ? exchange.client.keyDigest() : 0
        let isBodyHere = !exchange.intake.isStreaming
        let declaredBytes = request.head.contentLength ?? (request.head.isChunked ? -1 : 0)
        let model = modelAtBegin(exchange, journal)
        journal.scratch.removeAll()
        request.withHead { head in
            BeginPayload.write(
                identifier: identifier,
                // The identifier has just read the clock.
                wallMicroseconds: Int(identifier.high >> 16) * 1000,
                acceptedBeforeNanoseconds: Int(
                    (exchange.requestEnded - exchange.client.requestBegan).nanoseconds),
                dialect: OwnAnswer.dialect(of: exchange).number, keyDigest: digest,
                bodyBytes: isBodyHere ? request.body.count : declaredBytes,
                method: head.method.name, chain: exchange.route?.plan.chain ?? "",
                model: ModelName.bounded(model),
                client: exchange.client.address(), caller: Metering.held(exchange),
                to: &journal.scratch,
                target: { head.writeRedactedTarget(to: &$0) },
                fields: { head.writeRedactedFields(to: &$0) })
        }
        journal.hideSecrets()
        number = journal.writer.begin(journal.scratch.bytes, time: exchange.requestEnded)
        if isBodyHere { request.withBody { writeRequest($0.bytes, of: exchange) } }
        if !isWhole, request.head.mayBringBody { isRequestWhole = false }
    }

    /// Writes a piece of the request's body.
    mutating func writeRequest(_ bytes: Span<UInt8>, of exchange: RequestExchange) {
        guard number != nil, bytes.count > 0, let journal = exchange.worker.journal else { return }
        if exchange.intake.isStreaming { modelSearch?.take(bytes) }
        let room = journal.capture.requestBytesMax - requestBytes
        requestBytes += bytes.count
        if journal.redactor != nil { return gatherRequest(bytes, exchange, journal) }
        guard room > 0, isRequestWhole else { return }
        guard !journal.masksSecrets || isRequestShowable(bytes, exchange, journal) else {
            return isRequestWhole = false
        }
        let wanted = bytes.extracting(0..<min(room, bytes.count))
        appendRequest(wanted, exchange, journal)
    }

    /// Appends a piece of the request's body; where it finds no room, nothing more of it is.
    mutating func appendRequest(
        _ bytes: Span<UInt8>, _ exchange: RequestExchange, _ journal: WorkerJournal
    ) {
        let tag = tag(exchange, attempt: exchange.state.attempts)
        let offset = writtenRequestBytes
        writtenRequestBytes += bytes.count
        let isWritten =
            !journal.masksSecrets || exchange.request.head.isEncoded
            ? journal.append(.requestBody, tag, bytes, offset: offset)
            : journal.appendMasked(.requestBody, tag, bytes, offset: offset, held: &heldRequest)
        guard !isWritten else { return }
        droppedFrames += 1
        isRequestWhole = false
        findUnwrittenModel(exchange)
    }

    /// Writes that an attempt begins.
    ///
    /// `model`: the one that is really asked for, where it is another than the client's.
    mutating func writeBegin(of attempt: Attempt, model: String, isFresh: Bool) {
        write(.attemptBegan, attempt) { payload in
            AttemptPayload(vendor: attempt.vendor.name, model: model, isFresh: isFresh)
                .write(to: &payload)
        }
    }

    /// Writes that an attempt failed.
    mutating func writeFailure(
        of attempt: Attempt, _ name: String, _ result: TransferResult?, status: Int,
        reason: String
    ) {
        guard number != nil, let journal = attempt.worker.journal else { return }
        writeGatheredResponse(of: attempt)
        writeHeldResponse(of: attempt, journal)
        write(.attemptFailed, attempt) { payload in
            FailurePayload(
                name: name, curlCode: Int(result?.code.rawValue ?? 0), status: status,
                wasSent: result?.wasSent ?? true, reason: reason
            ).write(to: &payload)
        }
    }

    /// Writes a vendor's head.
    ///
    /// Called from inside libcurl.
    mutating func writeHead(_ head: borrowing ResponseHead, of attempt: Attempt) {
        guard number != nil, let journal = attempt.worker.journal else { return }
        let mediaType = head.mediaType
        attempt.recorder.headAt = attempt.worker.loop.now
        attempt.recorder.isEventStream = mediaType == .eventStream
        attempt.recorder.isReadable = !head.isEncoded
        switch mediaType {
        case .eventStream: attempt.recorder.bytesMax = .max
        case .json:
            attempt.recorder.bytesMax = max(
                journal.capture.responseBytesMax, JournalCapture.answerBytesMax)
        // The frames of a tunnel are no body; its messages have records of their own.
        case _ where head.switchesProtocol: attempt.recorder.bytesMax = 0
        case .html, .other: attempt.recorder.bytesMax = journal.capture.responseBytesMax
        }
        journal.scratch.removeAll()
        HeadPayload.write(
            isEventStream: mediaType == .eventStream, encoding: head.encoding,
            to: &journal.scratch, fields: { head.writeRedactedFields(to: &$0) })
        journal.hideSecrets()
        let isWritten = journal.writer.append(
            .responseHead, tag(attempt.exchange, attempt: attempt.number), detail: head.status,
            journal.scratch.bytes)
        if !isWritten { droppedFrames += 1 }
    }

    /// Writes a piece of a response's body.
    ///
    /// Called from inside libcurl, once for every piece. `worker` is the attempt's: it is lent,
    /// because a piece would count a reference to it on the way.
    @inline(__always)
    mutating func write(
        _ bytes: Span<UInt8>, of attempt: Attempt, reads plain: Span<UInt8>, isReadable: Bool
    ) {
        guard let number else { return }
        let worker = attempt.worker
        let bytesMax = attempt.recorder.bytesMax
        let offset = attempt.recorder.bytes
        // A pattern at the end of what is kept may reach beyond it.
        let reach = worker.redactsBodies ? Self.redactionReachBytes : 0
        let isWanted =
            attempt.recorder.isWhole
            && (bytesMax == .max || offset < bytesMax.addingReportingOverflow(reach).partialValue)
        attempt.recorder.bytes = offset + bytes.count
        guard isWanted else { return }
        if worker.redactsBodies { return gatherResponse(bytes, of: attempt) }
        if !attempt.recorder.isReadable, worker.masksBodies {
            return writeEncoded(bytes, of: attempt, reads: plain, isReadable: isReadable)
        }
        // As many as came: all of them were written until now.
        let isWritten = worker.chunkTee.append(
            JournalWriter.FrameTag(
                exchange: number, attempt: attempt.number, time: worker.loop.now), bytes,
            offset: offset, held: &attempt.recorder.held)
        attempt.recorder.writtenBytes = offset + bytes.count
        if !isWritten {
            droppedFrames += 1
            attempt.recorder.isWhole = false
        }
    }

    /// Appends a piece of an attempt's body; where it finds no room, nothing more of it is.
    mutating func appendResponse(
        _ bytes: Span<UInt8>, of attempt: Attempt, _ journal: WorkerJournal
    ) {
        let tag = tag(attempt.exchange, attempt: attempt.number)
        let offset = attempt.recorder.writtenBytes
        attempt.recorder.writtenBytes += bytes.count
        let isWritten =
            !journal.masksSecrets
            ? journal.append(.chunk, tag, bytes, offset: offset)
            : journal.appendMasked(
                .chunk, tag, bytes, offset: offset, held: &attempt.recorder.held)
        guard !isWritten else { return }
        droppedFrames += 1
        attempt.recorder.isWhole = false
    }

    private mutating func write(
        _ kind: FrameKind, _ attempt: Attempt, _ write: (inout PayloadWriter) -> Void
    ) {
        guard number != nil, let journal = attempt.worker.journal else { return }
        journal.scratch.removeAll()
        write(&journal.scratch)
        journal.hideSecrets()
        let isWritten = journal.writer.append(
            kind, tag(attempt.exchange, attempt: attempt.number), journal.scratch.bytes)
        if !isWritten { droppedFrames += 1 }
    }
}
