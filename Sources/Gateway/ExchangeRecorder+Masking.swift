import Codings
import ExchangeCore
import HTTP
import Journal
import Primitives

// Where the gateway's own secrets must not be written down: a vendor may repeat a key, a prompt may
// hold one. Bodies in plain text have them masked by the journal; of encoded ones copies are read,
// and what shows a secret, or cannot be read, is not written.
extension ExchangeRecorder {
    /// Bytes of an encoded response that may wait for the bytes after them, at most.
    private static let heldBytesMax = 1 << 20

    /// Whether a request's body may be written: an encoded one only where all of it was read, and
    /// shows no secret.
    func isRequestShowable(
        _ bytes: Span<UInt8>, _ exchange: RequestExchange, _ journal: WorkerJournal
    ) -> Bool {
        guard exchange.request.head.isEncoded else { return true }
        guard !exchange.intake.isStreaming else { return false }
        let codings = exchange.request.head.list(of: .contentEncoding)
        guard let decoder = ContentDecoder(codings.span) else { return false }
        var plain = ByteBuffer()
        let isRead = decoder.decode(bytes) { plain.append($0) }
        return isRead && decoder.isAtEnd && journal.mask.first(in: plain.bytes) == nil
    }

    /// Writes a piece of an encoded response, which reads as `plain`.
    mutating func writeEncoded(
        _ bytes: Span<UInt8>, of attempt: Attempt, reads plain: Span<UInt8>, isReadable: Bool
    ) {
        guard let journal = attempt.worker.journal else { return }
        guard isReadable else { return stopResponse(of: attempt) }
        attempt.recorder.heldPlain.append(plain)
        guard journal.mask.first(in: attempt.recorder.heldPlain.bytes) == nil else {
            return stopResponse(of: attempt)
        }
        let undecided = journal.mask.undecided(atEndOf: attempt.recorder.heldPlain.bytes)
        attempt.recorder.heldPlain.consume(attempt.recorder.heldPlain.count - undecided)
        attempt.recorder.held.append(bytes)
        guard undecided == 0 else {
            if attempt.recorder.held.count > Self.heldBytesMax { stopResponse(of: attempt) }
            return
        }
        let isWritten = journal.append(
            .chunk, tag(attempt.exchange, attempt: attempt.number), attempt.recorder.held.bytes,
            offset: attempt.recorder.writtenBytes)
        attempt.recorder.writtenBytes += attempt.recorder.held.count
        attempt.recorder.held.removeAll()
        if !isWritten { stopResponse(of: attempt) }
    }

    private mutating func stopResponse(of attempt: Attempt) {
        attempt.recorder.isWhole = false
        droppedFrames += 1
        attempt.recorder.held.release()
        attempt.recorder.heldPlain.release()
    }

    /// Writes what was held of the request's body, which is at its end.
    mutating func writeHeldRequest(_ exchange: RequestExchange, _ journal: WorkerJournal) {
        guard !heldRequest.isEmpty else { return }
        let isWritten = journal.appendHeld(
            .requestBody, tag(exchange, attempt: exchange.state.attempts),
            offset: writtenRequestBytes, held: &heldRequest)
        if !isWritten { isRequestWhole = false }
    }

    /// Writes what was held of a response's body, which is at its end.
    mutating func writeHeldResponse(of attempt: Attempt, _ journal: WorkerJournal) {
        guard !attempt.recorder.held.isEmpty else { return }
        // The decoded end of the response may be the beginning of a secret: it is not written.
        guard attempt.recorder.isReadable else { return stopResponse(of: attempt) }
        let isWritten = journal.appendHeld(
            .chunk, tag(attempt.exchange, attempt: attempt.number),
            offset: attempt.recorder.writtenBytes, held: &attempt.recorder.held)
        if !isWritten { attempt.recorder.isWhole = false }
    }
}
