import Gateway
import Glibc
import Logging
import Primitives
import Reactor

// A process that has taken over says each second that it serves, for as long as one before it is
// there. Its silence means that it hangs, whatever else of it still looks well: the kernel goes on
// to take clients in for it, and its locks are held.
extension Succession {
    private static let lifeInterval = Interval.seconds(1)

    /// The workers that have not answered yet, and when they were asked.
    struct Roll {
        var awaited: Set<Int> = []
        var since = Instant(nanoseconds: 0)
        var isOpen = false
    }

    /// Asks each worker whether its loop turns; the processes before this one hear of it once all
    /// have answered.
    func callRoll() {
        guard hasElders, !roll.isOpen, loop.now - roll.since >= Self.lifeInterval else { return }
        roll = Roll(awaited: Set(composition.mailboxes.keys), since: loop.now, isOpen: true)
        let control = composition.control
        for (index, mailbox) in composition.mailboxes {
            mailbox.post(.answer { control?.post(.turned(index)) })
        }
        sayAlive()
    }

    /// A worker's loop turns, or the worker has ended.
    func turned(_ worker: Int) {
        roll.awaited.remove(worker)
        sayAlive()
    }

    private func sayAlive() {
        guard roll.isOpen, roll.awaited.isEmpty else { return }
        roll.isOpen = false
        sendToElders(.alive)
    }

    /// Ends a process that takes too long to serve, or that has served and says nothing any more.
    func endIfHanging() {
        // The other one is ending, too, and says when it has ended.
        if !composition.isDraining { state.looked(loop.now) }
        guard state.isOverdue(loop.now), let successor else { return }
        endHanging(successor.peer?.process ?? 0)
        lost(successor)
    }

    /// A process that hangs would keep what it was given, and no other could be started.
    func endHanging(_ process: pid_t) {
        logger.error(
            isRetired
                ? "the process that has taken over says nothing any more, and is ended"
                : "the process that was to take over takes too long, and is ended",
            metadata: ["process": "\(process)"])
        if process > 1 { kill(process, SIGKILL) }
    }
}
