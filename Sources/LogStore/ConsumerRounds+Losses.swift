import Journal
import Logging
import Primitives
import Telemetry

// Exchanges that will have no settlement: their worker has ended, or a part of the journal's file
// is gone.
extension ConsumerRounds {
    /// Has it in the store how many exchanges this process served before it could record any.
    func rememberUnrecorded() {
        let count = settings.unrecorded()
        guard count > unrecordedCount, isAllStored else { return }
        remember(RecordLoss(kind: .unrecorded, name: "", count: count - unrecordedCount))
        // One that cannot be written down is said in the log.
        unrecordedCount = count
    }

    /// Gives up what is open in journals, as records to be stored; whether there is any.
    func interrupt(_ sources: [JournalSource]) -> Bool {
        var reading = RingReading()
        for source in sources { source.interrupt(into: &reading.batch, now: .now()) }
        reading.batch.price(from: 0, by: settings.prices.current)
        guard !reading.batch.isEmpty else { return false }
        for source in sources {
            let tally = source.file.tally
            reading.batch.progress.append(
                Batch.Progress(
                    name: source.name, cursor: source.reader.cursor, emitted: tally.emitted,
                    dropped: tally.dropped))
            reading.released.append((source, source.reader.cursor))
        }
        unstored = [reading]
        return true
    }

    /// Counts what this process's journals lost of whose files a part is gone, once none of their
    /// exchanges is open.
    ///
    /// When all that was read is stored.
    func settleLosses() {
        for source in sources where !source.isLeft && source.file.isLost && unstored.isEmpty {
            settleLoss(of: source)
        }
    }

    private func settleLoss(of source: JournalSource) {
        let file = source.file
        if source.settledUpTo == nil {
            source.settledUpTo = 0
            settings.metrics.damage.add()
            settings.logger.error(
                """
                a part of a journal's file is gone while it is in use; it goes on in memory, where \
                a kill loses what is not stored yet, until the gateway is restarted
                """,
                metadata: ["path": "\(file.path)"])
        }
        // Nothing is settled between the first line and the last, so none was open at the first.
        let tally = file.tally
        guard tally.writeCursor == source.reader.cursor, tally.emitted != source.settledUpTo,
            file.openCount == 0, file.writeCursor == source.reader.cursor,
            !interrupt([source])
        else { return }
        do {
            let lost = try settings.store.end(source.name, tally, isOver: false)
            source.settledUpTo = tally.emitted
            guard lost > 0 else { return }
            settings.metrics.lost.add(lost)
            settings.logger.error(
                "exchanges have no record, because a part of a journal's file is gone",
                metadata: ["path": "\(file.path)", "lost": "\(lost)"])
        } catch {
            settings.logger.error(
                "what a journal has lost cannot be counted",
                metadata: ["path": "\(file.path)", "error": "\(error)"])
        }
    }
}
