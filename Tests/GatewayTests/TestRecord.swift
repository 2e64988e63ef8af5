import Config
import Gateway
import Glibc
import Journal
import LogStore
import Logging
import Primitives
import Reactor
import Support
import Synchronization
import Telemetry

/// The record of a gateway under test: a journal, the thread that reads it, and the store.
final class TestRecord: Sendable {
    /// Where it is.
    var folder: String { scratch.path }
    private let scratch: ScratchFolder
    let metrics = RecordMetrics()
    private let file: JournalFile
    private let waker: Waker
    private let capture: JournalCapture
    private let parts: Mutex<(consumer: Consumer, store: Store)?>

    init(_ log: Configuration.Log, logger: Logger) throws {
        scratch = try ScratchFolder("gateway")
        let folder = scratch.path
        let kept = Capture(mode: log.capture, limitBytes: log.captureLimitBytes)
        capture = JournalCapture(keptBytesMax: kept.bytesMax, isFull: log.capture == "full")
        let journals = try JournalFolder(folder)
        var random = RandomSource()
        file = try journals.makeJournal(
            capacity: 1 << 20, keepsContentAside: capture.needsAside, using: &random)
        waker = try Waker()
        let store = try Store(folder: folder)
        let settings = Consumer.Settings(
            folder: journals, store: store, capture: kept, retain: .zero, syncEvery: .zero,
            metrics: metrics, logger: logger)
        parts = Mutex((try Consumer(settings, journals: [file], waker: waker), store))
    }

    /// The worker's journal, made on its own thread.
    func workerJournal() -> WorkerJournal {
        WorkerJournal(JournalWriter(file, waker: waker), capture: capture)
    }

    /// Stores the frames that are left.
    func end() {
        let parts = parts.withLock { parts in
            defer { parts = nil }
            return parts
        }
        parts?.consumer.end()
        try? parts?.store.close()
    }

    /// The records, oldest first; after the end.
    func records() throws -> [Record] {
        let store = try Store(reading: folder)
        var records: [Record] = []
        try store.eachRecord(RecordFilter(), withBodies: true) { records.append($0.record) }
        return records
    }

    /// The files of the folder that hold some bytes.
    func files(holding text: String) throws -> [String] {
        let grep = try ChildProcess("/bin/grep", ["-r", "-l", "-a", "-F", "--", text, folder])
        _ = try grep.wait()
        return grep.text.split(separator: "\n").map(String.init)
    }
}
