import Config
import Dashboard
import Gateway
import Glibc
import Logging
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// What operators see: the listener with its pages, and the facts that these show.
extension Composition {
    /// Writes down what runs, for status and page.
    func writeFacts(_ listen: String, _ first: SnapshotPlan) {
        var process = GatewayFacts.Process()
        process.version = Version.number
        process.number = Int(getpid())
        process.started = Int(Identifier.wallClockMilliseconds()) * 1000
        process.file = file?.path ?? ""
        process.listen = listen
        process.workers = metrics.count
        facts.started(process, running(first, digest: reading?.digest ?? ""))
    }

    /// What a snapshot puts in force.
    func running(_ plan: SnapshotPlan, digest: String) -> GatewayFacts.Running {
        GatewayFacts.Running(
            configuration, digest: digest, routing: plan.routing, health: plan.health)
    }

    /// Starts to send alerts, where there is a webhook for them.
    func startAlerts() throws(SystemError) {
        guard let webhook = configuration.alerts.webhook else { return }
        let (settings, facts, records) = (configuration.alerts, facts, recording.source)
        let (limits, folder) = (access.metrics, configuration.log.path)
        try AlertSender.start(webhook, logger: logger) {
            AlertWatch(settings, facts: facts, records: records, limits: limits, folder: folder)
        }
    }

    private func operatorPages(isEncrypted: Bool) -> OperatorPages {
        var settings = OperatorPages.Settings()
        settings.token = configuration.admin.token
        settings.showsContent = configuration.admin.showsContent
        settings.isOnLoopback = Configuration.isLoopback(configuration.admin.listen)
        settings.isEncrypted = isEncrypted
        settings.recordFolder = configuration.log.path
        let exposition = Exposition(
            workers: metrics, version: Version.number, failureClasses: FailureClass.names,
            records: recording.source, reloads: reloads, certificates: certificateMetrics,
            limits: access.metrics)
        return OperatorPages(
            settings, workers: metrics, readiness: readiness, exposition: exposition,
            status: status, facts: facts, records: recording.source, actions: desk)
    }

    private var status: GatewayStatus {
        GatewayStatus(
            facts: facts, workers: metrics, records: recording.source,
            certificates: certificateMetrics, limits: access.metrics)
    }

    /// Starts the operators' listener on the control loop; nil where it is off.
    func startAdmin(on loop: EventLoop) throws -> Worker? {
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
        let pages = operatorPages(isEncrypted: configuration.admin.tls.isOn)
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
