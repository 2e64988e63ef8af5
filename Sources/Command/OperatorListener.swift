import Config
import Dashboard
import Gateway
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

/// The listener for operators: a worker on the control loop that answers by itself.
enum OperatorListener {
    /// Starts the operators' listener on the control loop; nil where it is off.
    static func start(_ parts: Composition, on loop: EventLoop) throws -> Worker? {
        let configuration = parts.configuration
        guard !configuration.admin.listen.isEmpty else { return nil }
        guard let address = SocketAddress(configuration.admin.listen) else {
            throw Composition.StartError(description: "\(configuration.admin.listen) is no address")
        }
        let descriptor = try socket(address, parts)
        parts.adminSocket = (configuration.admin.listen, descriptor)
        parts.adminPort = try SocketAddress(boundTo: descriptor).port
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
                connectionsMax: 256, bodies: BodyBudget(bytesMax: 2 << 20)), logger: parts.logger
        )
        let pages = pages(parts)
        parts.pages = pages
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
            .admin, configuration.admin.tls, on: loop, parts.certificateMetrics, parts.logger)
        if let watch { parts.certificates.append(watch) }
        worker.listen(
            on: descriptor, onLoopback: Configuration.isLoopback(configuration.admin.listen),
            identity: watch?.identity)
        return worker
    }

    /// Listens once more, after a process that had taken over with another address.
    static func listenAgain(_ parts: Composition) throws(SystemError) -> Int32 {
        let listen = parts.configuration.admin.listen
        guard let worker = parts.operators, let address = SocketAddress(listen) else { return -1 }
        let descriptor = try Socket.listen(on: address, reusePort: false)
        worker.listen(
            on: descriptor, onLoopback: Configuration.isLoopback(listen),
            identity: CertificateWatch.identity(of: .admin, among: parts.certificates))
        return descriptor
    }

    /// The socket that an earlier process has given, or a new one.
    private static func socket(
        _ address: SocketAddress, _ parts: Composition
    ) throws(SystemError) -> Int32 {
        if let given = parts.predecessor?.admin {
            if given.address == parts.configuration.admin.listen { return given.descriptor }
            Socket.close(given.descriptor)
        }
        return try Socket.listen(on: address, reusePort: false)
    }

    private static func pages(_ parts: Composition) -> OperatorPages {
        let configuration = parts.configuration
        var settings = OperatorPages.Settings()
        settings.token = configuration.admin.token
        settings.showsContent = configuration.admin.showsContent
        settings.isOnLoopback = Configuration.isLoopback(configuration.admin.listen)
        settings.isEncrypted = configuration.admin.tls.isOn
        settings.recordFolder = configuration.log.path
        let exposition = Exposition(
            workers: parts.metrics, version: Version.number, failureClasses: FailureClass.names,
            records: parts.recording.source, reloads: parts.reloads,
            certificates: parts.certificateMetrics,
            limits: parts.access.metrics, fleet: parts.fleet?.source,
            cooling: { [facts = parts.facts] in facts.coolingTargets().map(\.vendor) })
        return OperatorPages(
            settings, workers: parts.metrics, readiness: parts.readiness, exposition: exposition,
            status: parts.status, facts: parts.facts, records: parts.recording.source,
            actions: parts.desk, fleet: parts.fleet?.source)
    }
}
