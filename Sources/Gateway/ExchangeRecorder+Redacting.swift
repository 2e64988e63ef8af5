import HTTP
import Journal
import Primitives
import Telemetry

// Bodies with redaction. Bytes are gathered until they can be read as a whole: a line of an event
// stream, or a body to its end.
extension ExchangeRecorder {
    /// Bytes beyond what is kept that a pattern may reach into.
    static let redactionReachBytes = 4 << 10
    private static let lineBytesMax = 1 << 20

    /// Gathers a request's body, and writes it once as much of it is here as is to be kept.
    mutating func gatherRequest(
        _ bytes: Span<UInt8>, _ exchange: RequestExchange, _ journal: WorkerJournal
    ) {
        guard !exchange.request.head.isEncoded else {
            // A body that cannot be read is not written.
            isRequestWhole = false
            return
        }
        let wanted = journal.capture.requestBytesMax + Self.redactionReachBytes
        let room = wanted - gatheredRequest.count
        guard room > 0, isRequestWhole, !isRequestWritten else { return }
        gatheredRequest.append(bytes.extracting(0..<min(room, bytes.count)))
        if gatheredRequest.count >= wanted { writeGatheredRequest(exchange) }
    }

    /// Writes what was gathered of a request's body.
    mutating func writeGatheredRequest(_ exchange: RequestExchange) {
        guard number != nil, let journal = exchange.worker.journal,
            let redactor = journal.redactor, !isRequestWritten, !gatheredRequest.isEmpty
        else { return }
        isRequestWritten = true
        var text = ByteBuffer()
        let isRedacted = redactor.redact(
            gatheredRequest.bytes, limit: journal.capture.requestBytesMax, to: &text)
        gatheredRequest.release()
        guard isRedacted else {
            isRequestWhole = false
            return countWithheld(exchange.worker)
        }
        appendRequest(text.bytes, exchange, journal)
    }

    /// Gathers a piece of a response's body; whole lines of a stream are written.
    mutating func gatherResponse(_ bytes: Span<UInt8>, of attempt: Attempt) {
        guard let journal = attempt.worker.journal, let redactor = journal.redactor,
            attempt.recorder.isWhole
        else { return }
        let isEventStream = attempt.recorder.isEventStream
        let most =
            Self.redactionReachBytes
            + (isEventStream ? Self.lineBytesMax : attempt.recorder.bytesMax)
        let start = attempt.recorder.gathered.count
        let isFull = start + bytes.count > most
        guard attempt.recorder.isReadable, !isFull || !isEventStream else {
            return withhold(attempt)
        }
        attempt.recorder.gathered.append(
            bytes.extracting(0..<min(bytes.count, most - start)))
        if isEventStream { writeLines(of: attempt, from: start, journal, redactor) }
    }

    /// Writes the lines that end in what was gathered from an offset on: what lies before it was
    /// looked through when it came.
    private mutating func writeLines(
        of attempt: Attempt, from offset: Int, _ journal: WorkerJournal, _ redactor: BodyRedactor
    ) {
        var start = 0
        var next = offset
        var text = ByteBuffer()
        while true {
            let end = attempt.recorder.gathered.bytes.firstIndex(
                below: 0, or: 0x0A, or: 0x0D, from: next)
            guard end < attempt.recorder.gathered.count else { break }
            let line = start..<end + 1
            guard redactor.redact(line: attempt.recorder.gathered.bytes(line), to: &text) else {
                // The lines before it are written; what follows could hold the rest of its event.
                writeRedacted(text.bytes, of: attempt, journal)
                return withhold(attempt)
            }
            start = end + 1
            next = start
        }
        attempt.recorder.gathered.consume(start)
        writeRedacted(text.bytes, of: attempt, journal)
    }

    /// Writes what was gathered of a response's body, which is at its end.
    mutating func writeGatheredResponse(of attempt: Attempt) {
        guard number != nil, let journal = attempt.worker.journal,
            let redactor = journal.redactor, !attempt.recorder.gathered.isEmpty
        else { return }
        var text = ByteBuffer()
        let isRedacted =
            attempt.recorder.isEventStream
            ? redactor.redact(line: attempt.recorder.gathered.bytes, to: &text)
            : redactor.redact(
                attempt.recorder.gathered.bytes, limit: attempt.recorder.bytesMax, to: &text)
        guard isRedacted else { return withhold(attempt) }
        writeRedacted(text.bytes, of: attempt, journal)
        attempt.recorder.gathered.release()
    }

    /// Writes no more of a response's body: what cannot be read is not written.
    private mutating func withhold(_ attempt: Attempt) {
        attempt.recorder.isWhole = false
        attempt.recorder.gathered.release()
        countWithheld(attempt.worker)
    }

    private mutating func countWithheld(_ worker: Worker) {
        droppedFrames += 1
        worker.metrics.withheldBodies.add()
    }

    private mutating func writeRedacted(
        _ text: Span<UInt8>, of attempt: Attempt, _ journal: WorkerJournal
    ) {
        appendResponse(text, of: attempt, journal)
    }
}
