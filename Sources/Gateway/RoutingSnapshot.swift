public import Access
import Config
public import Primitives
public import Routing
import Telemetry
public import Transfers

/// One reading of the configuration's vendors and chains, as it is handed to every worker.
public struct SnapshotPlan: Sendable {
    /// Vendors and chains.
    public var routing: RoutingTable
    /// The health of the targets, for all workers; indexes are those of this routing.
    public var health: Health
    /// In the order of the routing's vendors.
    ///
    /// An endpoint belongs to the thread that makes it; nil means that memory is short.
    public var endpoints: [@Sendable () -> Endpoint?]
    /// Who may call; nil where no key is asked for.
    public var access: AccessPlan?
    /// Is called with targets whose credential begins to cool down, and for how long; nil where no
    /// other gateway is concerned.
    public var credentialCoolsDown: (@Sendable (Int, Interval) -> Void)?

    /// A routing snapshot of these parts.
    public init(
        routing: RoutingTable, health: Health, endpoints: [@Sendable () -> Endpoint?],
        access: AccessPlan? = nil
    ) {
        self.routing = routing
        self.health = health
        self.endpoints = endpoints
        self.access = access
    }
}

/// A routing snapshot made ready on a worker's thread.
///
/// Routes name vendors and targets by their indexes, which are valid in their own snapshot only. So
/// an exchange keeps the snapshot that it began with to its end, its failovers included, and a
/// snapshot goes when the last exchange that keeps it has ended.
final class RoutingSnapshot {
    let routing: RoutingTable
    let health: Health
    let endpoints: [Endpoint]
    /// This worker's counters of each vendor: the same for the same name in every snapshot.
    let metrics: [VendorMetrics]
    /// Who may call; nil where no key is asked for.
    let access: AccessPlan?
    let credentialCoolsDown: (@Sendable (Int, Interval) -> Void)?

    init(_ plan: SnapshotPlan, _ metrics: WorkerMetrics) {
        routing = plan.routing
        health = plan.health
        access = plan.access
        credentialCoolsDown = plan.credentialCoolsDown
        endpoints = plan.endpoints.map { make in
            guard let endpoint = make() else {
                preconditionFailure("no memory for an endpoint")
            }
            return endpoint
        }
        self.metrics = metrics.vendors(named: plan.routing.vendors.map(\.name))
    }

    /// The same vendors, chains and health with other keys.
    init(_ other: RoutingSnapshot, access: AccessPlan?) {
        routing = other.routing
        health = other.health
        endpoints = other.endpoints
        metrics = other.metrics
        credentialCoolsDown = other.credentialCoolsDown
        self.access = access
    }
}

@available(*, unavailable)
extension RoutingSnapshot: Sendable {}
