import Config
import Cryptography
import Dashboard
import Gateway
import Glibc
import Logging
import Primitives
import Reactor
import Routing
import Synchronization
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

    enum ControlMessage: Sendable {
        case workerEnded(Int)
        /// A worker has adopted the snapshot of a round.
        case followed(worker: Int, round: Int)
        /// A worker has adopted a change of keys.
        case adoptedKeys(worker: Int, change: Int)
    }

    /// A routing snapshot on its way to the workers.
    struct SnapshotRound {
        let number: Int
        /// Workers that have not adopted it yet.
        var awaited: Set<Int>
    }

    /// The configuration in force, without the changes that wait for a restart.
    var configuration: Configuration
    let file: ConfigurationFile?
    let logger: Logger
    let snapshots: SnapshotMaker
    let access: ClientAccess
    let reloads = ReloadMetrics()
    let recording: Recording
    /// The first snapshot, until the workers have it.
    private var first: SnapshotPlan?
    private let log: OperationalLog
    private let metrics: [WorkerMetrics]
    private let readiness = OperatorPages.Readiness()
    private let admission: Admission
    /// How many connections there may be, as far as descriptors allow.
    private let connectionsMax: Int
    /// The mailboxes of the running workers, by their numbers.
    private(set) var mailboxes: [Int: Mailbox<WorkerOrder>] = [:]
    private(set) var control: Mailbox<ControlMessage>?
    private var threads: [Reactor.Thread] = []
    /// The certificates of the listeners, where they speak TLS.
    private(set) var certificates: [CertificateWatch] = []
    let certificateMetrics = CertificateMetrics()
    private(set) var isDraining = false
    var snapshotRound: SnapshotRound?
    /// A change of keys on its way to the workers.
    var keyRound: SnapshotRound?
    /// Changes of keys that operators await.
    var awaitedChanges: [AwaitedChange] = []
    private lazy var desk = OperatorDesk(self)
    private var loop: EventLoop?

    /// The ports that clients connect to, once started, in the order of the addresses.
    private(set) var ports: [Int] = []
    /// The first of them.
    var port: Int { ports.first ?? 0 }
    /// The port of the operators' listener, once started; nil when it is off.
    private(set) var adminPort: Int?
    /// Called on the control loop once everything runs.
    var onStarted: (() -> Void)?

    /// A gateway of a configuration, and of the file that it came from, if any.
    init(_ configuration: Configuration, file: ConfigurationFile? = nil) throws(StartError) {
        self.configuration = configuration
        self.file = file
        let count =
            configuration.server.workers > 0
            ? configuration.server.workers : Reactor.Thread.processorCount
        connectionsMax = Admission.connectionsMax(
            configuration.server.maxConnections, descriptors: Resources.raiseDescriptorLimit(),
            workers: count)
        admission = Admission(
            connectionsMax: connectionsMax,
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
        access = ClientAccess(prices: try Prices.table(configuration), logger: logger)
        recording = try Recording(
            configuration, workerCount: count, access: access, logger: logger)
        do {
            first = try snapshots.make(configuration, access: try access.plan(configuration))
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
                configuration.server.listen, workers: metrics.count)
            ports = listening.ports
            let watch = try CertificateWatch(
                .server, configuration.server.tls, on: loop, certificateMetrics, logger)
            if let watch { certificates.append(watch) }
            let slot = LoopOwned<Composition>()
            slot.value = self
            let control = try Mailbox<ControlMessage> { slot.value?.received($0) }
            self.control = control
            control.open(on: loop)
            if let first {
                for (index, sockets) in listening.ofWorkers.enumerated() {
                    try startWorker(index, sockets, watch?.identity, first, control)
                }
            }
            first = nil
            let signals = try Signals(
                [signalTerminate, signalInterrupt, signalHangUp], on: loop
            ) { [unowned self] in signalled($0) }
            let admin = try startAdmin(on: loop)
            let keys = watchKeys(on: loop)
            readiness.isReady = true
            logger.notice(
                "serving",
                metadata: [
                    "listen": "\(listening.description)",
                    "admin": "\(adminPort.map { ":\($0)" } ?? "off")",
                    "workers": "\(metrics.count)", "version": "\(Version.number)",
                ]
            )
            if connectionsMax < configuration.server.maxConnections {
                logger.warning(
                    "fewer connections than max_connections, as descriptors allow",
                    metadata: [
                        "max_connections": "\(configuration.server.maxConnections)",
                        "connections": "\(connectionsMax)",
                        "descriptors": "\(Resources.raiseDescriptorLimit())",
                    ])
            }
            Resources.releaseStartupPages()
            onStarted?()
            loop.run()
            for thread in threads { thread.join() }
            listening.removePaths()
            endParts()
            withExtendedLifetime((signals, admin, keys)) {}
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
        access.end()
        recording.end()
        log.flush()
    }

    /// Lets running exchanges end and accepts no new ones; a second call ends at once.
    func end() {
        readiness.isReady = false
        let order = isDraining ? WorkerOrder.stop : .drain
        logger.notice(isDraining ? "stopping at once" : "draining")
        isDraining = true
        for mailbox in mailboxes.values { mailbox.post(order) }
    }

    private func signalled(_ number: Int32) {
        if number == signalHangUp { reload() } else { end() }
    }

    private func received(_ message: ControlMessage) {
        switch message {
        case .followed(let worker, let round):
            if snapshotRound?.number == round { hasAdopted(worker) }
        case .adoptedKeys(let worker, let change):
            hasAdoptedKeys(worker, change: change)
        case .workerEnded(let worker):
            mailboxes[worker] = nil
            // A worker that has ended adopts no snapshot any more.
            hasAdopted(worker)
            if let change = keyRound?.number { hasAdoptedKeys(worker, change: change) }
            if mailboxes.isEmpty { loop?.stop() }
        }
    }

    private func startWorker(
        _ index: Int, _ sockets: [ListeningSockets.Socket], _ identity: ServerIdentity?,
        _ first: SnapshotPlan, _ control: Mailbox<ControlMessage>
    ) throws {
        let settings = WorkerSettings(
            server: configuration.server, admission: admission, logger: logger
        )
        let metrics = metrics[index]
        let journal = recording.journalPlan(index)
        let snapshot = Handover(first)
        let slot = LoopOwned<Worker>()
        let mailbox = try Mailbox<WorkerOrder> { slot.value?.obey($0) }
        mailboxes[index] = mailbox
        let logger = logger
        let thread = try Reactor.Thread(name: "weir-worker-\(index)", standing: .prompt) {
            defer { control.post(.workerEnded(index)) }
            do {
                let loop = try EventLoop()
                mailbox.open(on: loop)
                guard
                    let worker = Self.makeWorker(
                        settings, metrics, loop, snapshot, journal: journal())
                else { return }
                slot.value = worker
                for socket in sockets {
                    worker.listen(
                        on: socket.descriptor, onLoopback: socket.isOnLoopback,
                        identity: identity)
                }
                // Only this reference holds the worker: its loop, listener and mailbox do not.
                withExtendedLifetime(worker) { loop.run() }
            } catch {
                logger.critical("a worker cannot run", metadata: ["error": "\(error)"])
            }
        }
        threads.append(thread)
    }

    // Not a part of the thread's closure, which would hold the plan until the loop ends.
    @inline(never)
    private static func makeWorker(
        _ settings: WorkerSettings, _ metrics: WorkerMetrics, _ loop: EventLoop,
        _ snapshot: Handover<SnapshotPlan>, journal: WorkerJournal?
    ) -> Worker? {
        snapshot.take().map {
            Worker(
                settings: settings, metrics: metrics, loop: loop, snapshot: $0, journal: journal)
        }
    }

    private func startAdmin(on loop: EventLoop) throws -> Worker? {
        guard !configuration.admin.listen.isEmpty else { return nil }
        guard let address = SocketAddress(configuration.admin.listen) else {
            throw StartError(description: "\(configuration.admin.listen) is no address")
        }
        let descriptor = try Socket.listen(on: address, reusePort: false)
        adminPort = try SocketAddress(boundTo: descriptor).port
        var server = Configuration.Server()
        server.listen = [configuration.admin.listen]
        server.hosts = configuration.server.hosts
        // A client that sends nothing must not keep probes out for long.
        server.headTimeout = .seconds(5)
        server.keepaliveTimeout = .seconds(5)
        server.slowClientTimeout = .seconds(5)
        server.bodyTimeout = .seconds(5)
        server.maxBodyBytes = 64 << 10
        server.replayLimitBytes = 64 << 10
        let settings = WorkerSettings(
            server: server,
            admission: Admission(
                connectionsMax: 256, bodies: BodyBudget(bytesMax: 2 << 20)), logger: logger
        )
        let pages = OperatorPages(
            workers: metrics, readiness: readiness, version: Version.number,
            failureClasses: FailureClass.names, records: recording.source, reloads: reloads,
            certificates: certificateMetrics, limits: access.metrics,
            token: configuration.admin.token, actions: desk
        )
        // This worker answers by itself and calls no vendor.
        var withoutVendors = Configuration()
        withoutVendors.vendors = []
        let none = SnapshotPlan(
            routing: RoutingTable(withoutVendors), health: Health(targetCount: 0),
            endpoints: [])
        let worker = Worker(
            settings: settings, metrics: WorkerMetrics(vendors: []), loop: loop, snapshot: none,
            responder: pages
        )
        let watch = try CertificateWatch(
            .admin, configuration.admin.tls, on: loop, certificateMetrics, logger)
        if let watch { certificates.append(watch) }
        worker.listen(
            on: descriptor, onLoopback: Configuration.isLoopback(configuration.admin.listen),
            identity: watch?.identity)
        return worker
    }
}

/// A value on its way to a thread, whose closure would keep it for as long as the thread lives,
/// with keys that were replaced long ago.
private final class Handover<Value: Sendable>: Sendable {
    private let value: Mutex<Value?>

    init(_ value: Value) {
        self.value = Mutex(value)
    }

    func take() -> Value? {
        value.withLock { value in
            defer { value = nil }
            return value
        }
    }
}

/// Where a mailbox finds whom its messages are for: written once and read on the thread of the loop
/// that empties the mailbox, and on no other.
private final class LoopOwned<Owner: AnyObject>: @unchecked Sendable {
    weak var value: Owner?
}

/// What a process does once, before it starts a thread or makes a connection.
enum Process {
    static func prepare() throws(Composition.StartError) {
        Resources.raiseDescriptorLimit()
        // OpenSSL through libcurl would write every session's keys into the file this names.
        unsafe unsetenv("SSLKEYLOGFILE")
        guard Curl.initialize() else {
            throw Composition.StartError(description: "libcurl cannot be initialised")
        }
    }
}
