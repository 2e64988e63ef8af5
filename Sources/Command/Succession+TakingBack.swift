import Journal
import Logging
import Primitives
import Reactor

// The process that had taken over has ended: its predecessor serves again.
extension Succession {
    /// How long clients wait at most for limits that have to learn what another process charged.
    private static let learningTime = Interval.seconds(30)

    /// Tries to take the folder's lock, and with it the record.
    func takeBack() {
        do {
            let folder = try JournalFolder(folder)
            let control = composition.control
            try composition.recording.takeBack(folder) { control?.post(.caughtUp) }
        } catch let error as JournalFolder.Unusable where error.isInUse {
            return findHeir()
        } catch {
            return serveWithoutRecord(error)
        }
        servesWithoutRecord = false
        state.tookBack(loop.now)
        tookBackAt = loop.now
        listen()
    }

    /// Limits know what was charged by others: clients are taken in again.
    func caughtUp() {
        guard tookBackAt != nil else { return }
        tookBackAt = nil
        logger.error("the process that had taken over has ended: this one serves again")
        takeClients()
    }

    /// A record that is read so slowly is no reason to keep clients waiting for longer; calls that
    /// are charged to a budget are refused until it is read.
    func stopWaitingIfLate() {
        guard let since = tookBackAt, loop.now - since > Self.learningTime else { return }
        composition.recording.refuseBudgetsUntilCaughtUp()
        caughtUp()
    }

    /// Clients do not wait for a disk: their calls stay in the journals until it works again.
    private func serveWithoutRecord(_ error: any Error) {
        guard !servesWithoutRecord else { return }
        servesWithoutRecord = true
        logger.error(
            "the process that had taken over has ended, and the record cannot be taken back yet",
            metadata: ["error": "\(error)"])
        takeClients()
    }

    /// Another process has the folder: it is the one to report to.
    private func findHeir() {
        guard let channel = try? MessageChannel(to: Self.path(in: folder)) else { return }
        send(.elder, to: channel)
        successor = channel
        loop.watch(channel.descriptor, for: .read, self)
        state.foundHeir(loop.now)
    }
}
