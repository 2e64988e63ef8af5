import Codings
import HTTP
import Journal
import Primitives
import Transfers

// Tee, where the gateway's own secrets must not be written down: a vendor may repeat a key, and a
// prompt may hold one. Bodies in plain text have them masked by the journal; of encoded ones copies
// are read, and what shows a secret, or cannot be read, is not told.
extension Connection {
    /// Bytes of an encoded response that wait for what follows them at most.
    private static let heldBytesMax = 1 << 20

    /// Whether bodies are looked through for secrets of the gateway's.
    var masksBodies: Bool { worker.journal.map { !$0.mask.isEmpty } ?? false }

    /// Whether a request's body may be told: an encoded one only where all of it was read, and
    /// shows no secret.
    func isRequestShowable(_ bytes: Span<UInt8>, _ journal: WorkerJournal) -> Bool {
        guard parser.head.isEncoded else { return true }
        guard case .keep = bodyMode else { return false }
        let codings = parser.head.list(of: .contentEncoding)
        guard let decoder = ContentDecoder(codings.span) else { return false }
        var plain = ByteBuffer()
        let isRead = decoder.decode(bytes) { plain.append($0) }
        return isRead && decoder.isAtEnd && journal.mask.first(in: plain.bytes) == nil
    }

    /// Tells a piece of an encoded response, which reads as `plain`.
    func teeEncoded(
        _ bytes: Span<UInt8>, reads plain: Span<UInt8>, isReadable: Bool, _ number: UInt64,
        offset: Int
    ) {
        guard let journal = worker.journal else { return }
        guard isReadable, answerDecoder != nil else { return stopTellingResponse() }
        tee.heldPlain.append(plain)
        guard journal.mask.first(in: tee.heldPlain.bytes) == nil else {
            return stopTellingResponse()
        }
        let undecided = journal.mask.undecided(atEndOf: tee.heldPlain.bytes)
        tee.heldPlain.consume(tee.heldPlain.count - undecided)
        let start = offset - tee.heldResponse.count
        tee.heldResponse.append(bytes)
        guard undecided == 0 else {
            if tee.heldResponse.count > Self.heldBytesMax { stopTellingResponse() }
            return
        }
        let isTold = journal.tell(.chunk, place(number), tee.heldResponse.bytes, offset: start)
        tee.heldResponse.removeAll()
        if !isTold { stopTellingResponse() }
    }

    private func stopTellingResponse() {
        tee.isResponseWhole = false
        tee.droppedFrames += 1
        tee.heldResponse.release()
        tee.heldPlain.release()
    }

    /// Tells what was held of the bodies, which are at their end.
    func tellHeld(_ number: UInt64, _ journal: WorkerJournal) {
        if !tee.heldRequest.isEmpty {
            let end = min(tee.requestBytes, journal.capture.requestBytesMax)
            let isTold = journal.tellHeld(
                .requestBody, place(number), offset: end, held: &tee.heldRequest)
            if !isTold { tee.isRequestWhole = false }
        }
        guard !tee.heldResponse.isEmpty else { return }
        // Of an encoded response what it reads may go on to be a secret: it is not told.
        guard tee.isResponseReadable else { return stopTellingResponse() }
        let isTold = journal.tellHeld(
            .chunk, place(number), offset: tee.responseBytes, held: &tee.heldResponse)
        if !isTold { tee.isResponseWhole = false }
    }
}
