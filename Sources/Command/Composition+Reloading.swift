import Config
import Gateway
import Logging
import Reactor
import Telemetry

// Reload: SIGHUP reads the configuration again. Vendors, chains, keys and groups take effect for
// exchanges that begin from then on; exchanges in flight keep the snapshot that they began with.
// Other changed sections are named in the log and wait for a restart. A file with any fault changes
// nothing.
extension Composition {
    func reload() {
        guard !isDraining else {
            return logger.warning("nothing is reloaded: no requests are taken any more")
        }
        guard let file else {
            return logger.warning("nothing is reloaded: there is no file to read again")
        }
        do {
            let (next, warnings) = try file.readAgain()
            for warning in warnings {
                logger.warning("configuration warning", metadata: ["warning": "\(warning)"])
            }
            // The address that is listened on is the running configuration's.
            if let fault = next.exposure(on: configuration.server) {
                throw StartError(description: "server.listen: \(fault)")
            }
            let plan = try snapshots.make(next, access: try access.plan(next), isAgain: true)
            let waiting = next.sectionsThatDiffer(from: configuration)
            if !waiting.isEmpty {
                logger.warning(
                    "changes that wait for a restart",
                    metadata: ["sections": "\(waiting.joined(separator: ", "))"])
            }
            configuration.vendors = next.vendors
            configuration.chains = next.chains
            configuration.access = next.access
            configuration.keys = next.keys
            configuration.groups = next.groups
            for watch in certificates { watch.reload(next) }
            recording.adopt(next.vendors)
            reloads.applied()
            hand(out: plan)
        } catch let error as ConfigurationError {
            for fault in error.diagnostics {
                logger.error(
                    "configuration refused, the running one stays", metadata: ["fault": "\(fault)"])
            }
            refuse(faults: error.diagnostics.count)
        } catch {
            logger.error(
                "configuration refused, the running one stays", metadata: ["fault": "\(error)"])
            refuse(faults: 1)
        }
    }

    private func refuse(faults: Int) {
        reloads.refused()
        logger.error(
            "not reloaded: what was read before stays in force", metadata: ["faults": "\(faults)"])
    }

    private func hand(out plan: SnapshotPlan) {
        let number = (snapshotRound?.number ?? 0) + 1
        snapshotRound = SnapshotRound(number: number, awaited: Set(mailboxes.keys))
        for (worker, mailbox) in mailboxes {
            mailbox.post(
                .adopt(plan) { [control] in
                    control?.post(.followed(worker: worker, round: number))
                })
        }
    }

    /// A worker has adopted the latest snapshot.
    ///
    /// Only the latest counts: a snapshot that another overtook is in force on no worker.
    func hasAdopted(_ worker: Int) {
        guard snapshotRound?.awaited.remove(worker) != nil, snapshotRound?.awaited.isEmpty == true
        else { return }
        logger.notice(
            "reloaded",
            metadata: [
                "vendors": "\(configuration.vendors.count)",
                "chains": "\(configuration.chains.count)",
                "keys": "\(configuration.keys.count)",
            ])
    }
}
