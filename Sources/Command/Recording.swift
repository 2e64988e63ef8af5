import Config
import Gateway
import Journal
import LogStore
import Logging
import Primitives
import Reactor
import Telemetry

/// The record's parts, wired: a journal for each worker, the store, and the thread between them.
///
/// What the disk does not let us do is said and counted; traffic goes on without a record.
final class Recording {
    /// For health and metrics.
    let source: RecordSource
    private let metrics = RecordMetrics()
    private let journals: [JournalFile]
    private let waker: Waker
    private let capture: Capture
    private var consumer: Consumer?

    init(
        _ log: Configuration.Log, workerCount: Int, logger: Logger
    ) throws(Composition.StartError) {
        capture = Capture(mode: log.capture, limitBytes: log.captureLimitBytes)
        do {
            waker = try Waker()
        } catch {
            throw Composition.StartError(description: "\(error)")
        }
        var journals: [JournalFile] = []
        do {
            let folder = try JournalFolder(log.path)
            let store = try Store(folder: log.path)
            var random = RandomSource()
            for _ in 0..<workerCount {
                journals.append(
                    try folder.makeJournal(capacity: log.journalSizeBytes, using: &random))
            }
            consumer = try Consumer(
                Consumer.Settings(
                    folder: folder, store: store, capture: capture, retain: log.retain,
                    syncEvery: log.journalSync, metrics: metrics, logger: logger),
                journals: journals, waker: waker)
        } catch let error as JournalFolder.Unusable {
            throw Composition.StartError(description: "\(error)")
        } catch {
            for journal in journals { try? JournalFolder.remove(journal.path) }
            journals = []
            metrics.note(trouble: "\(error)")
            logger.error(
                "exchanges are served and not recorded",
                metadata: ["log.path": "\(log.path)", "error": "\(error)"])
        }
        self.journals = journals
        let files = journals
        source = RecordSource(metrics: metrics) {
            var counts = RecordCounts()
            for file in files {
                let tally = file.tally
                counts.emitted += tally.emitted
                counts.dropped += tally.dropped
                counts.droppedFrames += tally.droppedFrames
                counts.droppedBytes += tally.droppedBytes
            }
            return counts
        }
    }

    /// What a worker makes its journal of, on its own thread.
    func journalPlan(_ index: Int) -> @Sendable () -> WorkerJournal? {
        guard journals.indices.contains(index) else { return { nil } }
        let file = journals[index]
        let waker = waker
        let capture = JournalCapture(keptBytesMax: capture.bytesMax)
        return { WorkerJournal(JournalWriter(file, waker: waker), capture: capture) }
    }

    /// Stores what is left.
    ///
    /// After the workers have ended.
    func end() {
        consumer?.end()
        consumer = nil
    }
}
