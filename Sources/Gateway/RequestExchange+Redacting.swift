import HTTP
import Journal
import Primitives

// Record, where bodies have something taken out of them first. What is written is gathered until it
// can be looked at as a whole: a line of an event stream, a body to its end.
extension RequestExchange {
    /// Bytes beyond what is kept that a pattern may reach into.
    static let redactionReachBytes = 4 << 10
    private static let lineBytesMax = 1 << 20

    /// Gathers a request's body, and writes it once as much is here as is wanted of it.
    func gatherRequest(_ bytes: Span<UInt8>, _ journal: WorkerJournal) {
        guard !request.head.isEncoded else {
            // What cannot be looked at is not written.
            recorder.isRequestWhole = false
            return
        }
        let wanted = journal.capture.requestBytesMax + Self.redactionReachBytes
        let room = wanted - recorder.gatheredRequest.count
        guard room > 0, recorder.isRequestWhole, !recorder.isRequestWritten else { return }
        recorder.gatheredRequest.append(bytes.extracting(0..<min(room, bytes.count)))
        if recorder.gatheredRequest.count >= wanted { writeGatheredRequest() }
    }

    /// Writes what was gathered of a request's body.
    func writeGatheredRequest() {
        guard let number = recorder.number, let journal = worker.journal,
            let redactor = journal.redactor, !recorder.isRequestWritten,
            !recorder.gatheredRequest.isEmpty
        else { return }
        recorder.isRequestWritten = true
        var text = ByteBuffer()
        redactor.redact(
            recorder.gatheredRequest.bytes, limit: journal.capture.requestBytesMax, to: &text)
        writeRequest(number, text.bytes, offset: 0, journal)
        recorder.gatheredRequest.release()
    }

    /// Gathers a piece of a response's body; whole lines of a stream are written.
    func gatherResponse(_ bytes: Span<UInt8>, of attempt: Attempt, _ number: UInt64) {
        guard let journal = worker.journal, let redactor = journal.redactor,
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
            recorder.droppedFrames += 1
            return attempt.recorder.gathered.release()
        }
        attempt.recorder.gathered.append(
            bytes.extracting(0..<min(bytes.count, most - start)))
        if isEventStream { writeLines(of: attempt, from: start, number, journal, redactor) }
    }

    /// Writes the lines that end in what was gathered from an offset on: what lies before it was
    /// looked through when it came.
    private func writeLines(
        of attempt: Attempt, from offset: Int, _ number: UInt64, _ journal: WorkerJournal,
        _ redactor: BodyRedactor
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
        write(text.bytes, of: attempt, number, journal)
    }

    /// Writes what was gathered of a response's body, which is at its end.
    func writeGatheredResponse(of attempt: Attempt) {
        guard let number = recorder.number, let journal = worker.journal,
            let redactor = journal.redactor, !attempt.recorder.gathered.isEmpty
        else { return }
        var text = ByteBuffer()
        if attempt.recorder.isEventStream {
            redactor.redact(line: attempt.recorder.gathered.bytes, to: &text)
        } else {
            redactor.redact(
                attempt.recorder.gathered.bytes, limit: attempt.recorder.bytesMax, to: &text)
        }
        write(text.bytes, of: attempt, number, journal)
        attempt.recorder.gathered.release()
    }

    private func write(
        _ text: Span<UInt8>, of attempt: Attempt, _ number: UInt64, _ journal: WorkerJournal
    ) {
        writeResponse(
            of: attempt, number, text, offset: attempt.recorder.writtenBytes, journal)
        attempt.recorder.writtenBytes += text.count
    }
}
