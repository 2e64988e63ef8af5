import Config
import Dashboard
import Gateway
import LogStore
import Logging
import Reactor
import Telemetry

// Reload: SIGHUP reads the configuration again, and so does a change of the file where `watch` is
// on. Vendors, chains, keys, groups and prices take effect for exchanges that begin from then on;
// exchanges in flight keep the snapshot that they began with. Other changed sections are named in
// the log and wait for a restart. A file with any fault changes nothing.
extension Composition {
    func reload() {
        guard !isDraining else {
            return logger.warning("nothing is reloaded: no requests are taken any more")
        }
        guard !isRetired else {
            return logger.warning("nothing is reloaded: another process has taken over")
        }
        guard let file else {
            return logger.warning("nothing is reloaded: there is no file to read again")
        }
        var report = GatewayFacts.Reload()
        if file.isReplacedBehindMount {
            let warning = """
                the file was replaced outside of this container, which goes on seeing the one \
                before: mount its folder instead of the file
                """
            report.warnings.append("\(file.path): warning: \(warning)")
        }
        do {
            let reading = try file.readAgain()
            report.digest = reading.digest
            watchedFiles = reading.files
            report.warnings += reading.warnings.map(\.description)
            for warning in report.warnings {
                logger.warning("configuration warning", metadata: ["warning": "\(warning)"])
            }
            try adopt(reading, report)
        } catch let error as ConfigurationError {
            refuse(error.diagnostics.map(\.description), report)
        } catch {
            refuse(["\(error)"], report)
        }
    }

    private func adopt(
        _ reading: ConfigurationFile.Reading, _ report: GatewayFacts.Reload
    ) throws {
        var report = report
        let next = reading.configuration
        // The address that is listened on is the running configuration's.
        let exposure = next.exposure(on: configuration.server).map { "server.listen: \($0)" }
        if let fault = exposure ?? StartObstacle.limits(next.limits, after: configuration.limits) {
            throw StartError(description: fault)
        }
        let prices = try Prices.table(next) { Environment.regularFile($0) }
        var plan = try snapshots.make(
            next, access: try access.plan(next, prices: prices), isAgain: true)
        fleet?.share(&plan, next.vendors)
        let identities = try CertificateWatch.read(next, certificates)
        report.waiting = next.sectionsThatDiffer(from: configuration)
        report.changes = ConfigurationChanges.marked(from: configuration, to: next)
        report.changes += Prices.changes(from: access.prices.current, to: prices)
        if !report.waiting.isEmpty {
            logger.warning(
                "changes that wait for a restart",
                metadata: ["sections": "\(report.waiting.joined(separator: ", "))"])
        }
        access.adopted(next, prices)
        configuration.adopt(next)
        pages?.adopt(token: next.admin.token)
        report.changes += CertificateWatch.adopt(identities)
        recording.adopt(next.vendors)
        reloads.applied()
        report.isApplied = true
        vendorModels.adopt(next, plan.routing, trust: snapshots.trust)
        hand(out: plan, report)
    }

    private func refuse(_ faults: [String], _ report: GatewayFacts.Reload) {
        var report = report
        report.faults = faults
        for fault in faults {
            logger.error(
                "configuration refused, the running one stays", metadata: ["fault": "\(fault)"])
        }
        reloads.refused()
        facts.reloaded(report)
        logger.error(
            "not reloaded: what was read before stays in force",
            metadata: ["faults": "\(faults.count)"])
    }

    private func hand(out plan: SnapshotPlan, _ report: GatewayFacts.Reload) {
        let number = (snapshotRound?.number ?? 0) + 1
        snapshotRound = SnapshotRound(
            number: number, awaited: Set(mailboxes.keys), report: report,
            running: running(plan, digest: report.digest))
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
        if let round = snapshotRound, let running = round.running {
            facts.reloaded(round.report, running: running)
            snapshotRound?.running = nil
        }
        logger.notice(
            "reloaded",
            metadata: [
                "vendors": "\(configuration.vendors.count)",
                "chains": "\(configuration.chains.count)",
                "keys": "\(configuration.keys.count)",
                "prices": "\(access.prices.version)",
                "sha256": "\(snapshotRound?.report.digest ?? "")",
            ])
    }

    /// Looks at the files from now on, where `watch` is on.
    func watchFile(on loop: EventLoop) -> FileWatch {
        watchedFiles = reading?.files ?? []
        return FileWatch(loop: loop) { [unowned self] in
            configuration.server.isWatched ? watchedFiles : []
        } changed: { [unowned self] in
            logger.notice("the configuration's files have changed")
            reload()
        }
    }
}
