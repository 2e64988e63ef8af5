import Access
import Fleet
import Gateway
import Logging
import Primitives
import Reactor

// Keys that commands change while the gateway runs: looked for on the control loop, handed to every
// worker, and confirmed once all have adopted them. Vendors, chains and health stay as they are.
extension Composition {
    /// How often changes are looked for: a revoked key is refused sooner than people can look.
    ///
    /// Where no key is asked for there is none to revoke, only a first one to be made.
    private var keyInterval: Interval { access.isAsked ? .milliseconds(50) : .seconds(1) }

    /// Looks for changes from now on.
    func watchKeys(on loop: EventLoop) -> KeyWatch {
        KeyWatch(loop: loop, interval: { [unowned self] in keyInterval }) { [unowned self] in
            lookForKeys()
        }
    }

    /// How long an operator waits for all workers.
    private static let adoptionTime = Interval.seconds(4)

    /// Calls once every worker has adopted a change, or when that takes too long.
    func awaitAdoption(of change: Int, _ answer: @escaping (Bool) -> Void) {
        awaitedChanges.append(
            AwaitedChange(
                number: change, until: .now() + Self.adoptionTime, answer: answer))
        lookForKeys(isSure: true)
    }

    private func lookForKeys(isSure: Bool = false) {
        access.dropRetiredPlans()
        if !isDraining, recording.hasResumed(configuration, mailboxes) { succession?.listen() }
        do {
            guard let number = try access.changed(isSure: isSure) else { return endWaits() }
            if let fleet { fleet.link.share(try access.sharedKeys()) }
            guard let plan = try access.changedPlan(configuration) else { return endWaits() }
            keyRound = SnapshotRound(number: number, awaited: Set(mailboxes.keys))
            for (worker, mailbox) in mailboxes {
                mailbox.post(
                    .adoptAccess(plan) { [control] in
                        control?.post(.adoptedKeys(worker: worker, change: number))
                    })
            }
        } catch {
            access.forgetChange()
            logger.error("changed keys cannot be read", metadata: ["error": "\(error)"])
        }
        endWaits()
    }

    /// Answers those that have waited for too long.
    private func endWaits() {
        guard !awaitedChanges.isEmpty else { return }
        let now = Instant.now()
        answer(isAdopted: false) { $0.until <= now }
    }

    private func answer(isAdopted: Bool, _ isDue: (AwaitedChange) -> Bool) {
        let due = awaitedChanges.filter(isDue)
        awaitedChanges.removeAll(where: isDue)
        for change in due { change.answer(isAdopted) }
    }

    /// A worker has adopted a change.
    func hasAdoptedKeys(_ worker: Int, change: Int) {
        guard keyRound?.number == change, keyRound?.awaited.remove(worker) != nil,
            keyRound?.awaited.isEmpty == true
        else { return }
        do {
            // The process that has taken over says so when it has adopted the change.
            if !isRetired { try access.confirm(change) }
            logger.notice("changed keys are in force", metadata: ["change": "\(change)"])
        } catch {
            logger.error("changed keys are in force", metadata: ["error": "\(error)"])
        }
        answer(isAdopted: true) { $0.number <= change }
    }
}
