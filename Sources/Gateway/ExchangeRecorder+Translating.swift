import ExchangeCore
import Journal
import Primitives
import Reactor
import Translation

extension ExchangeRecorder {
    /// Bytes that are written of a translation's losses at most.
    private static let lossBytesMax = 32 << 10

    /// Writes between which forms an attempt is translated, and what of the request is lost.
    mutating func writeTranslation(of attempt: Attempt) {
        guard let translated = attempt.translated else { return }
        writeTranslation(of: attempt, translated, translated.losses)
    }

    /// Writes what the answer loses, too, where it loses something.
    mutating func writeAnswerLosses(of attempt: Attempt) {
        guard let translated = attempt.translated, let translator = attempt.pipeline.translator
        else { return }
        let losses = translator.losses
        guard losses.count > translated.losses.count else { return }
        writeTranslation(of: attempt, translated, losses)
    }

    private mutating func writeTranslation(
        of attempt: Attempt, _ translated: TranslatedRequest, _ losses: [Loss]
    ) {
        guard number != nil, let journal = attempt.worker.journal else { return }
        // A path may hold a name that the client chose: where no content is kept, their number is.
        let value = TranslationHeader.value(
            from: translated.client, to: translated.vendor, losses: losses,
            bytesMax: journal.capture.responseBytesMax > 0 ? Self.lossBytesMax : 0)
        journal.scratch.removeAll()
        journal.scratch.raw(value)
        journal.hideSecrets()
        let isWritten = journal.writer.append(
            .translation, tag(attempt.exchange, attempt: attempt.number), journal.scratch.bytes)
        if !isWritten { droppedFrames += 1 }
    }
}
