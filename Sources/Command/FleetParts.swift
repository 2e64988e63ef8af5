import Access
import Config
import Cryptography
import Fleet
import Gateway
import Logging
import Primitives
import Reactor
import Telemetry

/// The parts by which gateways share their limits, wired.
struct FleetParts {
    let link: FleetLink
    /// For health and metrics.
    let source: FleetSource
    private let cooldowns = FleetCooldowns()
    private let limits: LimitStoreSettings
    private let ledger: Ledger
    private let trust: TrustStore?
    private let logger: Logger

    /// The parts for a store; nil where the configuration has none.
    ///
    /// The ledger is shared from now on.
    init?(
        _ limits: LimitStoreSettings, _ ledger: Ledger, _ logger: Logger
    ) throws(Composition.StartError) {
        guard let store = limits.store else { return nil }
        self.limits = limits
        self.ledger = ledger
        self.logger = logger
        do {
            trust = store.isEncrypted ? try TrustStore(file: limits.caFile) : nil
            link = try FleetLink(sharing: ledger, outage: limits.outage)
        } catch {
            throw Composition.StartError(description: "[limits] \(error)")
        }
        source = FleetSource(metrics: FleetMetrics(), outage: limits.outage.rawValue) {
            let view = ledger.fleetView()
            return FleetSource.Decisions(
                refusedAway: view?.refusedAway ?? 0, admittedAway: view?.admittedAway ?? 0,
                awaited: view?.awaited ?? 0)
        }
    }

    /// Begins to keep in touch with the store, by the name that a folder has for this replica.
    ///
    /// `adoptKeys` is called with keys that other gateways have changed, on another thread.
    func run(
        folder: String, adoptKeys: @escaping @Sendable ([SharedKey]) -> Void
    ) throws(Composition.StartError) {
        do {
            let replica = try Replica(folder: folder)
            try link.run(
                FleetLink.Settings(
                    limits: limits, replica: replica, ledger: ledger, trust: trust,
                    metrics: source.metrics, logger: logger, adoptKeys: adoptKeys,
                    adoptCooldowns: { [cooldowns] in cooldowns.apply($0, now: .now()) }))
        } catch {
            throw Composition.StartError(description: "[limits] \(error)")
        }
    }

    /// Shares the cooldowns of a snapshot's credentials, and takes those of others into it.
    func share(_ plan: inout SnapshotPlan, _ vendors: [Vendor]) {
        let names = cooldowns.adopt(plan.routing, plan.health, vendors)
        plan.credentialCoolsDown = { [link] target, rest in
            guard let name = names[target] else { return }
            link.share(SharedCooldown(name: name, rest: rest))
        }
    }
}
