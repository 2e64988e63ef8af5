import Config
import Cryptography
import Dashboard
import Fleet
import Gateway
import Glibc
import LogStore
import Logging
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

/// Wires the parts together: the only type that knows them all.
///
/// The calling thread becomes the control loop: signals, the operators' listener and the end of the
/// workers come together there. Each worker has a thread of its own.
final class Composition {
    /// Why the gateway cannot start.
    struct StartError: Error, CustomStringConvertible {
        let description: String
    }

    /// A routing snapshot on its way to the workers.
    struct SnapshotRound {
        let number: Int
        /// Workers that have not adopted it yet.
        var awaited: Set<Int>
        /// What is said of it once all have.
        var report = GatewayFacts.Reload()
        /// What is in force then.
        var running: GatewayFacts.Running?
    }

    /// The configuration in force, without the changes that wait for a restart.
    var configuration: Configuration
    let file: ConfigurationFile?
    let logger: Logger
    let snapshots: SnapshotMaker
    let access: ClientAccess
    /// What it shares with other gateways; nil where it counts alone.
    let fleet: FleetParts?
    let reloads = ReloadMetrics()
    /// What status and page show.
    let facts = GatewayFacts()
    let standingAlerts = StandingAlerts()
    /// The file's SHA-256, and the files that were read with it.
    let reading: ConfigurationFile.Reading?
    /// Lists what vendors list.
    let vendorModels: VendorModels
    let recording: Recording
    /// The first snapshot, until the workers have it.
    private var first: SnapshotPlan?
    private let log: OperationalLog
    let metrics: [WorkerMetrics]
    var readiness: OperatorPages.Readiness { access.readiness }
    private let admission: Admission
    /// How many connections there may be, as far as descriptors allow.
    private let connectionsMax: Int
    /// The mailboxes of the running workers, by their numbers.
    private(set) var mailboxes: [Int: Mailbox<WorkerOrder>] = [:]
    private(set) var control: Mailbox<ControlMessage>?
    private var threads: [Reactor.Thread] = []
    /// The certificates of the listeners, where they speak TLS.
    var certificates: [CertificateWatch] = []
    let certificateMetrics = CertificateMetrics()
    private(set) var isDraining = false
    var snapshotRound: SnapshotRound?
    /// The file, and those that it names, as they were read last.
    var watchedFiles: [String] = []
    /// A change of keys on its way to the workers.
    var keyRound: SnapshotRound?
    var awaitedChanges: [AwaitedChange] = []
    private(set) lazy var desk = OperatorDesk(self)
    private var loop: EventLoop?
    /// The gateway that this process takes over from.
    private(set) var predecessor: Predecessor?
    private(set) var succession: Succession?
    var listening: ListeningSockets?
    // The operators' listener, its socket, and what it answers.
    private(set) var operators: Worker?
    var adminSocket: (address: String, descriptor: Int32)?
    var pages: OperatorPages?
    /// Between the first signal and the drain.
    private var drainDelay: DrainDelay?

    /// The ports that clients connect to, once started, in the order of the addresses.
    private(set) var ports: [Int] = []
    /// The first of them.
    var port: Int { ports.first ?? 0 }
    /// The port of the operators' listener, once started; nil when it is off.
    var adminPort: Int?
    /// Called on the control loop once everything runs.
    var onStarted: (() -> Void)?

    /// A gateway of a configuration, and of the file that it came from, if any.
    ///
    /// `takesOver`: from the gateway that runs in the same folder.
    init(
        _ configuration: Configuration, file: ConfigurationFile? = nil,
        reading: ConfigurationFile.Reading? = nil, takesOver: Bool = false
    ) throws(StartError) {
        self.configuration = configuration
        self.file = file
        self.reading = reading
        let count = configuration.workerCount
        connectionsMax = Admission.connectionsMax(
            configuration.server.maxConnections, descriptors: Resources.raiseDescriptorLimit(),
            workers: count)
        admission = Admission(
            connectionsMax: connectionsMax,
            connectionsPerAddressMax: configuration.server.maxConnectionsPerAddress,
            bodies: BodyBudget(
                bytesMax: configuration.server.bodyBudget.bytes(of: MemoryLimit.bytes)))
        do {
            snapshots = try SnapshotMaker()
        } catch {
            throw StartError(description: "\(error)")
        }
        let vendors = configuration.vendors.map(\.name)
        metrics = (0..<count).map { _ in WorkerMetrics(vendors: vendors) }
        do {
            log = try OperationalLog()
        } catch {
            throw StartError(description: "\(error)")
        }
        logger = log.logger("weir")
        vendorModels = VendorModels(logger: logger)
        access = ClientAccess(
            prices: PriceBook(try Prices.table(configuration)), logger: logger)
        predecessor = takesOver ? try Predecessor.find(configuration) : nil
        // Before the first table of keys is made: its limits are shared from then on.
        fleet = try FleetParts(configuration.limits, access.ledger, logger)
        recording = try Recording(
            configuration, workerCount: count, access: access, predecessor: predecessor,
            unrecorded: { [metrics] in metrics.reduce(0) { $0 + $1.unrecorded.current } },
            logger: logger)
        do {
            var plan = try snapshots.make(
                configuration, access: try access.firstPlan(configuration))
            fleet?.share(&plan, configuration.vendors)
            first = plan
        } catch let error as StartError {
            throw error
        } catch {
            throw StartError(description: "\(error)")
        }
    }

    /// Runs until a drain or a stop has ended.
    ///
    /// Returns the exit status.
    func run() throws(StartError) -> Int32 {
        do {
            let loop = try EventLoop()
            self.loop = loop
            let listening = try ListeningSockets(
                configuration.server.listen, workers: metrics.count,
                inherited: predecessor?.sockets ?? [:])
            self.listening = listening
            ports = listening.ports
            let certificate = try CertificateWatch(
                .server, configuration.server.tls, on: loop, certificateMetrics, logger)
            if let certificate { certificates.append(certificate) }
            let slot = LoopOwned<Composition>()
            slot.value = self
            let control = try Mailbox<ControlMessage> { slot.value?.received($0) }
            self.control = control
            control.open(on: loop)
            // The other process serves until then.
            if predecessor != nil { recording.awaitCaughtUp(atMost: .seconds(30)) }
            if let first {
                writeFacts(listening.description, first)
                vendorModels.adopt(configuration, first.routing, trust: snapshots.trust)
                for (index, sockets) in listening.ofWorkers.enumerated() {
                    try startWorker(index, sockets, certificate?.identity, first, control)
                }
            }
            first = nil
            access.hasStarted()
            let signals = try Signals(
                [signalTerminate, signalInterrupt, signalHangUp, signalUser2], on: loop
            ) { [unowned self] in signalled($0) }
            operators = try OperatorListener.start(self, on: loop)
            let succession = Succession(self, on: loop)
            self.succession = succession
            standingAlerts.set(lines: predecessor?.alerts ?? [])
            try succession.start(after: predecessor)
            predecessor = nil
            try AlertSender.start(self)
            let keys = watchKeys(on: loop)
            let watch = (watchFile(on: loop), CooldownWatch(facts, logger, on: loop))
            try fleet?.run(folder: configuration.log.path) { control.post(.sharedKeys($0)) }
            readiness.isReady = true
            writeStart(listening)
            let resting = RestingMemory(recording.source, on: loop)
            onStarted?()
            loop.run()
            for thread in threads { thread.join() }
            if !succession.isRetired { listening.removePaths() }
            succession.end()
            endParts()
            withExtendedLifetime((signals, operators, keys, watch, resting)) {}
            return 0
        } catch let error as StartError {
            throw error
        } catch {
            throw StartError(description: "\(error)")
        }
    }

    /// After the workers have ended.
    private func endParts() {
        snapshots.end()
        fleet?.link.end()
        access.end()
        recording.end()
        log.flush()
    }

    private func writeStart(_ listening: ListeningSockets) {
        var metadata: Logger.Metadata = [
            "listen": "\(listening.description)",
            "admin": "\(adminPort.map { ":\($0)" } ?? "off")",
            "workers": "\(metrics.count)", "version": "\(Version.number)",
        ]
        if let reading { metadata["sha256"] = "\(reading.digest)" }
        logger.notice("serving", metadata: metadata)
        if connectionsMax < configuration.server.maxConnections {
            logger.warning(
                "fewer connections than max_connections, as descriptors allow",
                metadata: [
                    "max_connections": "\(configuration.server.maxConnections)",
                    "connections": "\(connectionsMax)",
                    "descriptors": "\(Resources.raiseDescriptorLimit())",
                ])
        }
    }

    /// Lets running exchanges end and accepts no new ones, after `drain_delay`; a second call ends
    /// at once.
    func end() {
        readiness.isReady = false
        facts.draining()
        succession?.abandonChild()
        // Where another process serves, no load balancer has to be waited for.
        let delay = isRetired ? .zero : configuration.server.drainDelay
        if !isDraining, drainDelay == nil, delay > .zero, let loop {
            logger.notice("draining begins", metadata: ["in": "\(delay)"])
            drainDelay = DrainDelay(delay, on: loop) { [unowned self] in order(.drain) }
            return
        }
        let isSecond = isDraining || drainDelay != nil
        if isSecond { logger.notice("stopping at once") }
        order(isSecond ? .stop : .drain)
    }

    func order(_ order: WorkerOrder) {
        if case .drain = order {
            guard !isDraining else { return }  // A second signal has come meanwhile.
            logger.notice("draining")
            succession?.pass(.drain)
        } else {
            succession?.pass(.stop)
        }
        isDraining = true
        for mailbox in mailboxes.values { mailbox.post(order) }
    }

    private func signalled(_ number: Int32) {
        switch number {
        case signalHangUp: reload()
        case signalUser2: succession?.startSuccessor()
        default: end()
        }
    }

    private func received(_ message: ControlMessage) {
        switch message {
        case .followed(let worker, let round):
            if snapshotRound?.number == round { hasAdopted(worker) }
        case .adoptedKeys(let worker, let change):
            hasAdoptedKeys(worker, change: change)
        case .rested(let worker): succession?.rested(worker)
        case .turned(let worker): succession?.turned(worker)
        case .readingEnded(let record): succession?.readingEnded(record)
        case .caughtUp: succession?.caughtUp()
        case .sharedKeys(let keys): access.adopt(keys)
        case .workerEnded(let worker):
            mailboxes[worker] = nil
            succession?.turned(worker)
            // A worker that has ended adopts no snapshot any more.
            hasAdopted(worker)
            if let change = keyRound?.number { hasAdoptedKeys(worker, change: change) }
            if mailboxes.isEmpty { succession?.workersEnded() }
            endIfOver()
        }
    }

    /// Whether another process serves, and this one gives its last clients their answers.
    var isRetired: Bool { succession?.isRetired ?? false }

    /// Ends once nothing is in flight, here and in processes that this one outlives.
    func endIfOver() {
        if isDraining, mailboxes.isEmpty, succession?.mayEnd ?? true { loop?.stop() }
    }

    private func startWorker(
        _ index: Int, _ sockets: [ListeningSockets.Socket], _ identity: ServerIdentity?,
        _ first: SnapshotPlan, _ control: Mailbox<ControlMessage>
    ) throws {
        let settings = WorkerSettings(
            server: configuration.server, admission: admission, logger: logger
        )
        let worker = try WorkerThread(
            index,
            WorkerThread.Parts(
                settings: settings, metrics: metrics[index], sockets: sockets,
                identity: identity, journal: recording.journalPlan(index)), first
        ) { control.post(.workerEnded(index)) }
        mailboxes[index] = worker.mailbox
        threads.append(worker.thread)
    }
}
