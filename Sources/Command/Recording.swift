import Config
import Cryptography
import Gateway
import JSON
import Journal
import LogStore
import Logging
import Primitives
import Reactor
import Sinks
import Telemetry

/// The record's parts, wired: a journal for each worker, the store, the thread between them, and
/// the sinks.
///
/// A failure of the disk is logged and counted; traffic goes on without a record.
final class Recording {
    /// For health and metrics.
    let source: RecordSource
    private let metrics = RecordMetrics()
    private let journals: [JournalFile]
    private let waker: Waker
    private let capture: Capture
    private let log: Configuration.Log
    private let logger: Logger
    private let servers = VendorServers()
    private var store: Store?
    private var consumer: Consumer?
    private var sinks: [SinkRunner] = []

    init(
        _ configuration: Configuration, workerCount: Int, access: ClientAccess, logger: Logger
    ) throws(Composition.StartError) {
        let log = configuration.log
        self.log = log
        self.logger = logger
        capture = Capture(mode: log.capture, limitBytes: log.captureLimitBytes)
        let prices = try Prices.table(configuration)
        do {
            waker = try Waker()
        } catch {
            throw Composition.StartError(description: "\(error)")
        }
        // Before the sinks run: they begin with what an earlier process left.
        Self.remember(configuration.vendors, in: servers)
        let sinkMetrics = configuration.sinks.map { SinkMetrics(name: $0.name) }
        var journals: [JournalFile] = []
        do {
            let folder = try JournalFolder(log.path)
            let store = try Store(folder: log.path)
            self.store = store
            try Self.makeJournals(
                workerCount, in: folder, log, Self.journalCapture(log, capture), &journals)
            for (sink, counts) in zip(configuration.sinks, sinkMetrics) {
                sinks.append(
                    try Self.run(sink, servers, store: store, counts, logger: logger))
            }
            var settings = Consumer.Settings(
                folder: folder, store: store, capture: capture, retain: log.retain,
                syncEvery: log.journalSync, metrics: metrics, logger: logger)
            settings.prices = prices
            settings.packs = log.isCompressed
            settings.bytesMax = log.maxSizeBytes
            try Self.adopt(access, configuration, journals, &settings)
            settings.stored = { [sinks] in for sink in sinks { sink.wake() } }
            consumer = try Consumer(settings, journals: journals, waker: waker)
        } catch let error as JournalFolder.Unusable {
            throw Composition.StartError(description: "\(error)")
        } catch {
            for journal in journals { try? JournalFolder.remove(journal.path) }
            journals = []
            metrics.remember(trouble: "\(error)")
            logger.error(
                "exchanges are served and not recorded",
                metadata: ["log.path": "\(log.path)", "error": "\(error)"])
        }
        self.journals = journals
        let files = journals
        source = RecordSource(metrics: metrics, sinks: sinkMetrics) {
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

    /// Keeps the vendors' addresses, for sinks that write them.
    func adopt(_ vendors: [Vendor]) {
        Self.remember(vendors, in: servers)
    }

    private static func remember(_ vendors: [Vendor], in servers: VendorServers) {
        for vendor in vendors {
            servers[vendor.name] = TraceSink.Server(address: vendor.host, port: vendor.port)
        }
    }

    /// Has keys and limits take over what the store knows, and what journals of an earlier process
    /// hold besides.
    private static func adopt(
        _ access: ClientAccess, _ configuration: Configuration, _ journals: [JournalFile],
        _ settings: inout Consumer.Settings
    ) throws {
        let own = Set(journals.map(\.path))
        let recovery = try access.adopt(
            settings.store, configuration,
            isWhole: try JournalFolder.journals(in: settings.folder.path)
                .allSatisfy(own.contains))
        settings.recovered = recovery.charges
        settings.recoveredAll = recovery.end
    }

    /// Makes a journal for each worker; if one fails, those made before it are used all the same.
    private static func makeJournals(
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

    private static func journalCapture(
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
        consumer?.end()
        consumer = nil
        for sink in sinks { sink.end() }
        sinks = []
        do {
            try store?.close()
        } catch {
            logger.error("the store cannot be closed", metadata: ["error": "\(error)"])
        }
        store = nil
    }

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
        return ClickHouseSink(
            remote: remote, database: sink.database, table: sink.table, user: sink.user,
            password: sink.password, withBodies: sink.bodies)
    }
}
