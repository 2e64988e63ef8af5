import Access
import Gateway
import Logging
import Primitives
import Reactor

// Keys that commands change while the gateway runs: looked for on the control loop, handed to every
// worker, and confirmed once all of them have adopted the change. Vendors, chains and their health
// stay as they are.
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

    private func lookForKeys() {
        do {
            guard let number = try access.changed(), let plan = try access.plan(configuration)
            else { return }
            keyRound = SnapshotRound(number: number, awaited: Set(mailboxes.keys))
            for (worker, mailbox) in mailboxes {
                mailbox.post(
                    .adoptAccess(plan) { [control] in
                        control?.post(.adoptedKeys(worker: worker, change: number))
                    })
            }
        } catch {
            logger.error("changed keys cannot be read", metadata: ["error": "\(error)"])
        }
    }

    /// A worker has adopted a change.
    func hasAdoptedKeys(_ worker: Int, change: Int) {
        guard keyRound?.number == change, keyRound?.awaited.remove(worker) != nil,
            keyRound?.awaited.isEmpty == true
        else { return }
        do {
            try access.confirm(change)
            logger.notice("changed keys are in force", metadata: ["change": "\(change)"])
        } catch {
            logger.error("changed keys are in force", metadata: ["error": "\(error)"])
        }
    }
}
