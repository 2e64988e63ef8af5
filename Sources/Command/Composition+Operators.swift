import Config
import Dashboard
import Gateway
import Glibc
import Primitives
import Reactor
import Routing

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
        .init(configuration, digest: digest, routing: plan.routing, health: plan.health)
    }

    /// The alerts that are posted and not over, for a process that takes over.
    var standingAlertLines: [String] { standingAlerts.lines }

    /// Whether this process is not about to end.
    var takesRequests: Bool { readiness.isReady && !isDraining }

    /// Says whether another process speaks for this one.
    func show(isRetired: Bool) { facts.isRetired = isRetired }

    /// What runs, to be shown.
    var status: GatewayStatus {
        GatewayStatus(
            facts: facts, workers: metrics, records: recording.source,
            certificates: certificateMetrics, limits: access.metrics)
    }
}
