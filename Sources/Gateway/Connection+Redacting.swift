import HTTP
import Journal
import Primitives
import Transfers

// Tee, where bodies have something taken out of them first. What is told is gathered until it can
// be looked at as a whole: a line of an event stream, a body to its end.
extension Connection {
    /// Bytes beyond what is kept that a pattern may reach into.
    static let redactionReachBytes = 4 << 10
    private static let lineBytesMax = 1 << 20

    /// Gathers a request's body, and tells it once as much is here as is wanted of it.
    func gatherRequest(_ bytes: Span<UInt8>, _ journal: WorkerJournal) {
        guard !parser.head.isEncoded else {
            // What cannot be looked at is not told.
            tee.isRequestWhole = false
            return
        }
        let wanted = journal.capture.requestBytesMax + Self.redactionReachBytes
        let room = wanted - tee.gatheredRequest.count
        guard room > 0, tee.isRequestWhole, !tee.isRequestTold else { return }
        tee.gatheredRequest.append(bytes.extracting(0..<min(room, bytes.count)))
        if tee.gatheredRequest.count >= wanted { tellGatheredRequest() }
    }

    /// Tells what was gathered of a request's body.
    func tellGatheredRequest() {
        guard let number = tee.exchange, let journal = worker.journal,
            let redactor = journal.redactor, !tee.isRequestTold, !tee.gatheredRequest.isEmpty
        else { return }
        tee.isRequestTold = true
        var text = ByteBuffer()
        redactor.redact(
            tee.gatheredRequest.bytes, limit: journal.capture.requestBytesMax, to: &text)
        tellBody(.requestBody, number, text.bytes, offset: 0, journal)
        tee.gatheredRequest.release()
    }

    /// Gathers a piece of a response's body; whole lines of a stream are told.
    func gatherResponse(_ bytes: Span<UInt8>, _ number: UInt64) {
        guard let journal = worker.journal, let redactor = journal.redactor, tee.isResponseWhole
        else { return }
        let most =
            Self.redactionReachBytes
            + (tee.isEventStream ? Self.lineBytesMax : tee.responseBytesMax)
        let isFull = tee.gatheredResponse.count + bytes.count > most
        guard tee.isResponseReadable, !isFull || !tee.isEventStream else {
            tee.isResponseWhole = false
            tee.droppedFrames += 1
            return tee.gatheredResponse.release()
        }
        let start = tee.gatheredResponse.count
        tee.gatheredResponse.append(
            bytes.extracting(0..<min(bytes.count, most - tee.gatheredResponse.count)))
        if tee.isEventStream { tellLines(from: start, number, journal, redactor) }
    }

    /// Tells the lines that end in what was gathered from an offset on: what lies before it was
    /// looked through when it came.
    private func tellLines(
        from offset: Int, _ number: UInt64, _ journal: WorkerJournal, _ redactor: BodyRedactor
    ) {
        var start = 0
        var next = offset
        var text = ByteBuffer()
        while true {
            let end = tee.gatheredResponse.bytes.firstIndex(
                below: 0, or: 0x0A, or: 0x0D, from: next)
            guard end < tee.gatheredResponse.count else { break }
            redactor.redact(line: tee.gatheredResponse.bytes(start..<end + 1), to: &text)
            start = end + 1
            next = start
        }
        tee.gatheredResponse.consume(start)
        tellBody(.chunk, number, text.bytes, offset: tee.toldBytes, journal)
        tee.toldBytes += text.count
    }

    /// Tells what was gathered of a response's body, which is at its end.
    func tellGatheredResponse() {
        guard let number = tee.exchange, let journal = worker.journal,
            let redactor = journal.redactor, !tee.gatheredResponse.isEmpty
        else { return }
        var text = ByteBuffer()
        if tee.isEventStream {
            redactor.redact(line: tee.gatheredResponse.bytes, to: &text)
        } else {
            redactor.redact(tee.gatheredResponse.bytes, limit: tee.responseBytesMax, to: &text)
        }
        tellBody(.chunk, number, text.bytes, offset: tee.toldBytes, journal)
        tee.toldBytes += text.count
        tee.gatheredResponse.release()
    }
}
