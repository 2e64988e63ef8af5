import Codings
import HTTP
import Journal
import Primitives

// Record, where the gateway's own secrets must not be written down: a vendor may repeat a key, a
// prompt may hold one. Bodies in plain text have them masked by the journal; of encoded ones copies
// are read, and what shows a secret, or cannot be read, is not written.
extension RequestExchange {
    /// Bytes of an encoded response that wait for what follows them at most.
    private static let heldBytesMax = 1 << 20

    /// Whether bodies are looked through for secrets of the gateway's.
    var masksBodies: Bool { worker.journal?.masksSecrets ?? false }

    /// Whether a request's body may be written: an encoded one only where all of it was read, and
    /// shows no secret.
    func isRequestShowable(_ bytes: Span<UInt8>, _ journal: WorkerJournal) -> Bool {
        guard request.head.isEncoded else { return true }
        guard !isStreaming else { return false }
        let codings = request.head.list(of: .contentEncoding)
        guard let decoder = ContentDecoder(codings.span) else { return false }
        var plain = ByteBuffer()
        let isRead = decoder.decode(bytes) { plain.append($0) }
        return isRead && decoder.isAtEnd && journal.mask.first(in: plain.bytes) == nil
    }

    /// Records a piece of an encoded response, which reads as `plain`.
    func recordEncoded(
        _ bytes: Span<UInt8>, of attempt: Attempt, reads plain: Span<UInt8>, isReadable: Bool,
        _ number: UInt64, offset: Int
    ) {
        guard let journal = worker.journal else { return }
        guard isReadable else { return stopRecordingResponse(of: attempt) }
        attempt.recorder.heldPlain.append(plain)
        guard journal.mask.first(in: attempt.recorder.heldPlain.bytes) == nil else {
            return stopRecordingResponse(of: attempt)
        }
        let undecided = journal.mask.undecided(atEndOf: attempt.recorder.heldPlain.bytes)
        attempt.recorder.heldPlain.consume(attempt.recorder.heldPlain.count - undecided)
        let start = offset - attempt.recorder.held.count
        attempt.recorder.held.append(bytes)
        guard undecided == 0 else {
            if attempt.recorder.held.count > Self.heldBytesMax {
                stopRecordingResponse(of: attempt)
            }
            return
        }
        let isWritten = journal.tell(
            .chunk, place(number, attempt: attempt.number), attempt.recorder.held.bytes,
            offset: start)
        attempt.recorder.held.removeAll()
        if !isWritten { stopRecordingResponse(of: attempt) }
    }

    private func stopRecordingResponse(of attempt: Attempt) {
        attempt.recorder.isWhole = false
        recorder.droppedFrames += 1
        attempt.recorder.held.release()
        attempt.recorder.heldPlain.release()
    }

    /// Writes what was held of the request's body, which is at its end.
    func writeHeldRequest(_ number: UInt64, _ journal: WorkerJournal) {
        guard !recorder.heldRequest.isEmpty else { return }
        let end = min(recorder.requestBytes, journal.capture.requestBytesMax)
        let isWritten = journal.tellHeld(
            .requestBody, place(number), offset: end, held: &recorder.heldRequest)
        if !isWritten { recorder.isRequestWhole = false }
    }

    /// Writes what was held of a response's body, which is at its end.
    func writeHeld(of attempt: Attempt, _ number: UInt64, _ journal: WorkerJournal) {
        guard !attempt.recorder.held.isEmpty else { return }
        // Of an encoded response what it reads may go on to be a secret: it is not written.
        guard attempt.recorder.isReadable else { return stopRecordingResponse(of: attempt) }
        let isWritten = journal.tellHeld(
            .chunk, place(number, attempt: attempt.number), offset: attempt.recorder.bytes,
            held: &attempt.recorder.held)
        if !isWritten { attempt.recorder.isWhole = false }
    }
}
