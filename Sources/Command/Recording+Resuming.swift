import Config
import Gateway
import Journal
import LogStore
import Logging
import Primitives
import Reactor
import Synchronization
import Telemetry

// What is done where the start could not record: it is tried again, on a thread of its own, and
// calls are recorded from the moment at which all of it is there. Nothing else of the process
// changes; what it served meanwhile is counted and has no record.

/// The journals that a process writes: seen from every thread.
final class JournalList: Sendable {
    private let list = Mutex<[JournalFile]>([])

    var files: [JournalFile] {
        get { list.withLock { $0 } }
        set { list.withLock { $0 = newValue } }
    }
}

/// What a record needs of its folder.
struct RecordParts: Sendable {
    var folder: JournalFolder
    var store: Store
    var journals: [JournalFile]

    /// Takes the folder, makes the journals and opens the store.
    ///
    /// Where one of these cannot be, nothing is left of the others.
    init(_ configuration: Configuration, _ capture: Capture) throws {
        let log = configuration.log
        folder = try Recording.freeFolder(log.path)
        var made: [JournalFile] = []
        do {
            // First what a disk that is full has no room for.
            try Recording.makeJournals(
                configuration.workerCount, in: folder, log,
                Recording.journalCapture(log, capture), &made)
            store = try Store(folder: log.path)
        } catch {
            for journal in made { try? JournalFolder.remove(journal.path) }
            throw error
        }
        journals = made
    }
}

extension Recording {
    /// Begins to try again what could not be done.
    func reopen() {
        let (configuration, capture) = (configuration, capture)
        reopening = Reopening("weir-record-open") {
            try? RecordParts(configuration, capture)
        }
    }

    /// Whether calls can be recorded from now on, and could not until now: workers, by their
    /// numbers, are given their journals then.
    func hasResumed(
        _ running: Configuration, _ workers: [Int: Mailbox<WorkerOrder>]
    ) -> Bool {
        guard let parts = reopening?.look() else { return false }
        reopening = nil
        do {
            let own = Set(parts.journals.map(\.path))
            try adopt(parts.journals)
            let isWhole = try JournalFolder.journals(in: log.path).allSatisfy(own.contains)
            try start(parts.folder, parts.store, contents: [:]) { store in
                try access.resume(store, running, isWhole: isWhole)
            }
            for (worker, mailbox) in workers { mailbox.post(.record(journalPlan(worker))) }
            metrics.remember(trouble: "")
            logger.notice("calls are recorded from now on")
            return true
        } catch {
            abandon(parts.journals)
            logger.error(
                "calls cannot be recorded yet", metadata: ["error": "\(error)"])
            reopen()
            return false
        }
    }

    // MARK: The folder

    /// The folder, where no gateway serves clients that is about to take it back.
    static func freeFolder(_ path: String) throws -> JournalFolder {
        let folder = try JournalFolder(path)
        guard try !JournalFolder.journals(in: path).contains(where: WriterLock.isHeld) else {
            throw JournalFolder.Unusable(
                description: "\(path) is in use by another gateway, which still serves clients; "
                    + "serve --takeover takes over from it", isInUse: true)
        }
        return folder
    }

    /// Makes a journal for each worker; if one fails, those made before it are used all the same.
    static func makeJournals(
        _ count: Int, in folder: JournalFolder, _ log: Configuration.Log,
        _ capture: JournalCapture, _ journals: inout [JournalFile]
    ) throws {
        var random = RandomSource()
        for _ in 0..<count {
            journals.append(
                try folder.makeJournal(
                    capacity: log.journalSizeBytes, keepsContentAside: capture.needsAside,
                    using: &random))
        }
    }
}
