import Gateway
import Reactor

// What a hand-over means for the workers and their clients.
extension Succession {
    /// Leaves new clients to another process.
    ///
    /// `addresses`: those that it listens on; sockets of others are closed.
    func leaveClients(keeping addresses: [String]) {
        composition.show(isRetired: true)
        let control = composition.control
        for (index, mailbox) in composition.mailboxes {
            guard let listening = composition.listening else { continue }
            let kept = listening.ofWorkers[index].map { socket in
                addresses.contains(listening.addresses[socket.address])
            }
            mailbox.post(.retire(keeping: kept) { control?.post(.rested(index)) })
        }
        composition.operators?.obey(.retire(keeping: [true]) {})
        composition.operators?.endConnections(all: false)
    }

    /// Takes clients in again, unless this process is to end.
    func takeClients() {
        guard !composition.isDraining else { return }
        composition.show(isRetired: false)
        for mailbox in composition.mailboxes.values { mailbox.post(.resume) }
        composition.operators?.obey(.resume)
    }
}
