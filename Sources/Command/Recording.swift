import Access
import Config
import Cryptography
import Gateway
import Glibc
import JSON
import Journal
import LogStore
import Logging
import Primitives
import Reactor
import Sinks
import Synchronization
import Telemetry

/// The record's parts, wired: a journal for each worker, the store, the thread between them, and
/// the sinks.
///
/// A failure of the disk is logged and counted; traffic goes on without a record.
final class Recording {
    /// For health and metrics.
    let source: RecordSource
    let metrics = RecordMetrics()
    private let sinkMetrics: [SinkMetrics]
    /// One for each worker; none where nothing can be recorded.
    private let written = JournalList()
    private var journals: [JournalFile] { written.files }
    /// The marks that this process writes to its journals.
    private var locks: [WriterLock] = []
    private let waker: Waker
    let capture: Capture
    let configuration: Configuration
    var log: Configuration.Log { configuration.log }
    let access: ClientAccess
    let logger: Logger
    /// Tries what the start could not do; nil where it could, or has been done.
    var reopening: Reopening<RecordParts>?
    private let unrecorded: @Sendable () -> Int
    private let servers = VendorServers()
    private var store: Store?
    private var consumer: Consumer?
    private var sinks: [SinkRunner] = []
    /// The folder's lock, for a process that takes over.
    private var lock: Int32 = -1
    /// Where pieces of bodies are that are in no file, in processes that still write.
    private var contents: [String: Int32] = [:]
    private let caughtUp = Flag()
    /// What was charged when the record was given away.
    private var cededCharges = JournalCharges()

    private final class Flag: Sendable {
        let isSet = Atomic<Bool>(false)
    }

    /// Takes the folder, or begins to try for it.
    ///
    /// `predecessor`: the gateway whose record this process goes on with. `unrecorded`: how many
    /// exchanges were served without a journal.
    init(
        _ configuration: Configuration, workerCount: Int, access: ClientAccess,
        predecessor: Predecessor? = nil, unrecorded: @escaping @Sendable () -> Int,
        logger: Logger
    ) throws(Composition.StartError) {
        self.configuration = configuration
        self.unrecorded = unrecorded
        self.access = access
        self.logger = logger
        let log = configuration.log
        capture = Capture(mode: log.capture, limitBytes: log.captureLimitBytes)
        do {
            waker = try Waker()
        } catch {
            throw Composition.StartError(description: "\(error)")
        }
        // Before the sinks run: they begin with what an earlier process left.
        Self.remember(configuration.vendors, in: servers)
        sinkMetrics = configuration.sinks.map { SinkMetrics(name: $0.name) }
        var journals: [JournalFile] = []
        var failure: (any Error)?
        var folder: JournalFolder?
        do {
            let taken = try predecessor?.takeFolder() ?? Self.freeFolder(log.path)
            folder = taken
            try Self.makeJournals(
                workerCount, in: taken, log, Self.journalCapture(log, capture), &journals)
            locks = try journals.map { try WriterLock($0.path) }
        } catch {
            failure = error
        }
        if failure == nil { written.files = journals }
        source = RecordSource(metrics: metrics, sinks: sinkMetrics) { [written] in
            Self.counts(written.files)
        }
        do {
            if let failure { throw failure }
            contents = try predecessor?.contents.mapValues { try Socket.duplicate($0) } ?? [:]
            if let folder {
                let store = try Store(folder: log.path)
                try start(folder, store, contents: predecessor?.contents ?? [:]) { store in
                    let own = Set(journals.map(\.path))
                    return try access.adopt(
                        store, configuration,
                        isWhole: try JournalFolder.journals(in: log.path).allSatisfy(own.contains))
                }
            }
        } catch {
            try giveUp(error, journals, isTakingOver: predecessor != nil)
        }
    }

    /// Serves without a record, unless another gateway has one and goes on with it.
    private func giveUp(
        _ error: any Error, _ journals: [JournalFile], isTakingOver: Bool
    ) throws(Composition.StartError) {
        abandon(journals)
        guard !isTakingOver, !(error is JournalFolder.Unusable),
            !(error is Composition.StartError)
        else {
            throw Composition.StartError(description: "\(error)")
        }
        metrics.remember(trouble: "\(error)")
        logger.error(
            "exchanges are served and not recorded",
            metadata: ["log.path": "\(log.path)", "error": "\(error)"])
        // Who may call does not depend on whether calls can be recorded.
        access.adoptKeys(of: log.path, configuration)
        reopen()
    }

    /// Opens the store, and starts to read the journals and to deliver what is stored.
    ///
    /// `adopt`: what limits take over of the store; `caughtUp` is called once nothing is left that
    /// they do not know.
    func start(
        _ folder: JournalFolder, _ store: Store, contents: [String: Int32],
        caughtUp isOver: @escaping @Sendable () -> Void = {},
        adopt: (Store) throws -> ClientAccess.Recovery
    ) throws {
        self.store = store
        for repair in store.repairs {
            logger.error("the record's index was damaged", metadata: ["reason": "\(repair)"])
        }
        for (sink, counts) in zip(configuration.sinks, sinkMetrics) {
            sinks.append(try Self.run(sink, servers, store: store, counts, logger: logger))
        }
        var settings = Consumer.Settings(
            folder: folder, store: store, capture: capture, retain: log.retain,
            syncEvery: log.journalSync, metrics: metrics, logger: logger)
        settings.prices = access.prices
        settings.packs = log.isCompressed
        settings.bytesMax = log.maxSizeBytes
        settings.contents = contents
        settings.unrecorded = unrecorded
        let recovery = try adopt(store)
        settings.recovered = recovery.charges
        settings.held = recovery.held
        settings.recoveredAll = { [caughtUp] in
            recovery.end()
            caughtUp.isSet.store(true, ordering: .releasing)
            isOver()
        }
        settings.stored = { [sinks] in for sink in sinks { sink.wake() } }
        let lock = try folder.lockCopy()
        do {
            consumer = try Consumer(settings, journals: journals, waker: waker)
        } catch {
            Socket.close(lock)
            throw error
        }
        self.lock = lock
    }

    /// Gives up what was begun of a record, of which nothing is left.
    func abandon(_ journals: [JournalFile]) {
        for sink in sinks { sink.end() }
        sinks = []
        for journal in journals { try? JournalFolder.remove(journal.path) }
        written.files = []
        locks = []
        store = nil
    }

    /// Goes on with journals that were made after the start.
    func adopt(_ journals: [JournalFile]) throws {
        locks = try journals.map { try WriterLock($0.path) }
        written.files = journals
    }

    private static func counts(_ files: [JournalFile]) -> RecordCounts {
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

    /// Keeps the vendors' addresses, for sinks that write them.
    func adopt(_ vendors: [Vendor]) {
        Self.remember(vendors, in: servers)
    }

    private static func remember(_ vendors: [Vendor], in servers: VendorServers) {
        for vendor in vendors {
            servers[vendor.name] = TraceSink.Server(address: vendor.host, port: vendor.port)
        }
    }

    static func journalCapture(
        _ log: Configuration.Log, _ capture: Capture
    ) -> JournalCapture {
        JournalCapture(keptBytesMax: capture.bytesMax, isFull: log.capture == "full")
    }

    /// A closure with which a worker makes its journal, on its own thread.
    func journalPlan(_ index: Int) -> @Sendable () -> WorkerJournal? {
        guard journals.indices.contains(index) else { return { nil } }
        let file = journals[index]
        let waker = waker
        let capture = Self.journalCapture(log, capture)
        let paths = log.redactPaths
        // Every pattern compiles: the configuration's reader has compiled them all.
        let compiled = log.redactPatterns.compactMap { try? Pattern($0) }
        return {
            let isNeeded = !paths.isEmpty || !compiled.isEmpty
            return WorkerJournal(
                JournalWriter(file, waker: waker), capture: capture,
                redactor: isNeeded
                    ? BodyRedactor(paths: JSONRedaction(paths), patterns: compiled) : nil)
        }
    }

    /// Stores the frames that are left, gives the sinks a moment for them, and closes the store.
    ///
    /// After the workers have ended.
    func end() {
        guard let consumer else { return leaveStore() }
        consumer.end()
        self.consumer = nil
        if lock >= 0 { Socket.close(lock) }
        lock = -1
        for sink in sinks { sink.end() }
        sinks = []
        do {
            try store?.close()
        } catch {
            logger.error("the store cannot be closed", metadata: ["error": "\(error)"])
        }
        store = nil
    }

    // MARK: Another process

    /// Closes the store that another process writes to.
    private func leaveStore() {
        do {
            try store?.leave()
        } catch {
            logger.error("the store cannot be closed", metadata: ["error": "\(error)"])
        }
        store = nil
    }

    /// Waits until what other processes have written so far is in the store, and known to limits.
    func awaitCaughtUp(atMost time: Interval) {
        let end = Instant.now() + time
        Predecessor.wait {
            while !caughtUp.isSet.load(ordering: .acquiring), consumer != nil, Instant.now() < end {
                usleep(2000)
            }
        }
    }

    /// Spends no budget until what other processes charged is known.
    func refuseBudgetsUntilCaughtUp() {
        access.ledger.beginRebuilding()
        // It may have become known in between.
        if caughtUp.isSet.load(ordering: .acquiring) { access.ledger.endRebuilding() }
    }

    /// What ``handOver(_:)`` gave has been passed on, or closed.
    func hasCeded(_ record: CededRecord) { cededCharges = record.charges }

    /// Whether this process reads the journals and writes the store.
    var isReading: Bool { consumer != nil }

    /// What a process that takes over needs besides the folder: by the names of journals' files.
    var sharedContents: [String: Int32] {
        var all = contents
        for journal in journals {
            guard let descriptor = journal.contentDescriptor else { continue }
            all["\(journal.name).journal"] = descriptor
        }
        return all
    }

    /// Says that another process is about to ask for the record, or is not any more.
    func expectHandOver(_ isExpected: Bool) { consumer?.expectHandOver(isExpected) }

    /// Stops to read and to deliver, on a thread of its own, and calls on it with the record, whose
    /// lock is the receiver's to close.
    ///
    /// The store stays open for reading: what it says of keys holds for those who are still here.
    /// Where there can be no thread, nothing changes.
    func handOver(_ ceded: @escaping @Sendable (CededRecord) -> Void) throws {
        guard let consumer, let store else { return }
        let (sinks, lock, logger) = (sinks, lock, logger)
        let box = Handover(consumer)
        try Reactor.Thread(name: "weir-handover") {
            box.take()?.handOver {
                for sink in sinks { sink.end() }
                var charges = JournalCharges()
                do {
                    charges = try store.journalCharges()
                } catch {
                    // Limits that are taken back count too much then, and never too little.
                    logger.error("charges cannot be read", metadata: ["error": "\(error)"])
                }
                ceded(CededRecord(lock: lock, charges: charges))
            }
        }.detach()
        self.consumer = nil
        self.sinks = []
        self.lock = -1
    }

    /// Reads again, after a process that had taken over has ended.
    ///
    /// `caughtUp` is called on another thread once all that was charged meanwhile is known.
    func takeBack(
        _ folder: JournalFolder, caughtUp isOver: @escaping @Sendable () -> Void
    ) throws {
        leaveStore()
        for sink in sinks { sink.end() }
        sinks = []
        caughtUp.isSet.store(false, ordering: .releasing)
        let own = Set(journals.map(\.name.description))
        try start(
            folder, try Store(folder: log.path),
            contents: try contents.mapValues { try Socket.duplicate($0) }, caughtUp: isOver
        ) { store in
            let now = try store.journalCharges()
            let new = now.charges(since: cededCharges, without: own)
            // If it fails after this and is tried again, these are not counted twice.
            cededCharges = now
            return access.takeBack(store, new)
        }
    }

    /// Says that nothing more is written to this process's journals.
    ///
    /// After the workers have ended.
    func endWriting() { locks = [] }

    // MARK: Sinks

    private static func run(
        _ sink: SinkSettings, _ servers: VendorServers, store: Store, _ metrics: SinkMetrics,
        logger: Logger
    ) throws -> SinkRunner {
        let settings = SinkRunner.Settings(
            name: sink.name, store: store, batchMax: sink.batch, withBodies: sink.bodies,
            metrics: metrics, logger: logger)
        return try SinkRunner(settings) { try make(sink, servers) }
    }

    private static func make(
        _ sink: SinkSettings, _ servers: VendorServers
    ) throws -> any Sink {
        if sink.kind == .jsonl {
            return LinesSink(
                path: sink.path, rotateBytes: sink.rotateBytes, rotateKeep: sink.rotateKeep,
                withBodies: sink.bodies)
        }
        let trust = sink.url.hasPrefix("https://") ? try TrustStore(file: sink.caFile) : nil
        let remote = try Remote(
            url: sink.url, fields: sink.headers.map { ($0.name, $0.value) },
            timeout: sink.timeout, trust: trust)
        if sink.kind == .otlp {
            return TraceSink(remote: remote, version: Version.number, servers: servers)
        }
        if sink.kind == .otlpMetrics {
            return MetricSink(remote: remote, version: Version.number, servers: servers)
        }
        return ClickHouseSink(
            remote: remote, database: sink.database, table: sink.table, user: sink.user,
            password: sink.password, withBodies: sink.bodies)
    }
}
