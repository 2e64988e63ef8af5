import HTTP
import Journal
import Primitives
import Transfers

// Tee, where bodies have something taken out of them first. What is told is gathered until it can
// be looked at as a whole: a line of an event stream, a body to its end.
extension Connection {
    /// Bytes beyond what is kept that a pattern may reach into.
    private static let reachBytes = 4 << 10
    private static let lineBytesMax = 1 << 20

    /// Gathers a request's body, and tells it once as much is here as is wanted of it.
    func gatherRequest(_ bytes: Span<UInt8>, _ journal: WorkerJournal) {
        let wanted = journal.capture.requestBytesMax + Self.reachBytes
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
        redactor.redact(tee.gatheredRequest.bytes, to: &text)
        let kept = min(journal.capture.requestBytesMax, text.count)
        if !tellPieces(.requestBody, number, text.bytes(0..<kept), journal) {
            tee.isRequestWhole = false
        }
        tee.gatheredRequest.release()
    }

    /// Gathers a piece of a response's body; whole lines of a stream are told.
    func gatherResponse(_ bytes: Span<UInt8>, _ number: UInt64, _ journal: WorkerJournal) {
        guard let redactor = journal.redactor, tee.isResponseWhole else { return }
        guard tee.isResponseReadable,
            tee.gatheredResponse.count + bytes.count <= Self.lineBytesMax + Self.reachBytes
        else {
            // What cannot be looked at is not told.
            tee.isResponseWhole = false
            tee.droppedFrames += 1
            return tee.gatheredResponse.release()
        }
        tee.gatheredResponse.append(bytes)
        guard tee.isEventStream else { return }
        var start = 0
        var text = ByteBuffer()
        while let end = tee.gatheredResponse.bytes.firstIndex(of: 0x0A, from: start) {
            redactor.redact(line: tee.gatheredResponse.bytes(start..<end + 1), to: &text)
            start = end + 1
        }
        tee.gatheredResponse.consume(start)
        if !tellPieces(.chunk, number, text.bytes, journal) { tee.isResponseWhole = false }
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
            redactor.redact(tee.gatheredResponse.bytes, to: &text)
        }
        let kept = min(tee.isEventStream ? .max : tee.responseBytesMax, text.count)
        if !tellPieces(.chunk, number, text.bytes(0..<kept), journal) {
            tee.isResponseWhole = false
        }
        tee.gatheredResponse.release()
    }
}
