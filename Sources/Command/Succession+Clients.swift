import Gateway
import Logging
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
        composition.listening?.forget(allBut: addresses)
        let isKept = composition.adminSocket.map {
            SuccessionMessage.isForOperators($0.address, claimed: addresses)
        }
        composition.operators?.obey(.retire(keeping: [isKept ?? true]) {})
        if isKept == false { composition.adminSocket?.descriptor = -1 }
        composition.operators?.endConnections(all: false)
    }

    /// Takes clients in again, unless this process is to end.
    func takeClients() {
        guard !composition.isDraining else { return }
        composition.show(isRetired: false)
        for mailbox in composition.mailboxes.values { mailbox.post(.resume) }
        composition.operators?.obey(.resume)
        listenAgain()
    }

    /// Listens again on the addresses that the other process did not have.
    private func listenAgain() {
        let identity = CertificateWatch.identity(of: .server, among: composition.certificates)
        for address in composition.listening?.forgotten ?? [] {
            do {
                let sockets = try composition.listening?.bindAgain(address) ?? []
                for (index, socket) in sockets {
                    let order = WorkerOrder.listen(
                        on: socket.descriptor, onLoopback: socket.isOnLoopback, identity)
                    guard let mailbox = composition.mailboxes[index] else {
                        Socket.close(socket.descriptor)
                        continue
                    }
                    mailbox.post(order)
                }
            } catch {
                logListening(address, error)
            }
        }
        guard let (address, descriptor) = composition.adminSocket, descriptor < 0 else { return }
        do {
            composition.adminSocket?.descriptor = try OperatorListener.listenAgain(composition)
        } catch {
            logListening(address, error)
        }
    }

    private func logListening(_ address: String, _ error: any Error) {
        logger.error(
            "an address cannot be listened on again",
            metadata: ["address": "\(address)", "error": "\(error)"])
    }
}
