import HTTP
import Journal
import Primitives

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
        redactor.redact(
            gatheredRequest.bytes, limit: journal.capture.requestBytesMax, to: &text)
        appendRequest(text.bytes, offset: 0, exchange, journal)
        gatheredRequest.release()
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
            attempt.recorder.isWhole = false
            droppedFrames += 1
            return attempt.recorder.gathered.release()
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
            redactor.redact(line: attempt.recorder.gathered.bytes(start..<end + 1), to: &text)
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
        if attempt.recorder.isEventStream {
            redactor.redact(line: attempt.recorder.gathered.bytes, to: &text)
        } else {
            redactor.redact(
                attempt.recorder.gathered.bytes, limit: attempt.recorder.bytesMax, to: &text)
        }
        writeRedacted(text.bytes, of: attempt, journal)
        attempt.recorder.gathered.release()
    }

    private mutating func writeRedacted(
        _ text: Span<UInt8>, of attempt: Attempt, _ journal: WorkerJournal
    ) {
        appendResponse(text, of: attempt, offset: attempt.recorder.writtenBytes, journal)
        attempt.recorder.writtenBytes += text.count
    }
}
