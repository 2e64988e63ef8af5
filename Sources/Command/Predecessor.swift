import Config
import Glibc
import Journal
import Logging
import Primitives
import Reactor

/// The gateway that serves while this process starts, and that gives it its sockets and its record.
///
/// Before the control loop runs: each step waits for the other process's answer. What orders an end
/// meanwhile ends this process at once, and the other one goes on as after any death.
final class Predecessor {
    /// How long an answer may take: to end the reading of a full ring takes seconds.
    private static let patience = Interval.seconds(60)
    /// How long a gateway may take to take its folder back.
    private static let settlingTime = Interval.seconds(5)

    let channel: MessageChannel
    private let folder: String
    /// Its listening sockets, by the addresses in its configuration.
    private(set) var sockets: [String: [Int32]] = [:]
    /// The socket of its operators' listener, and the address of that.
    private(set) var admin: (address: String, descriptor: Int32)?
    /// Where it has pieces of bodies that are in no file, by the names of journals' files.
    private(set) var contents: [String: Int32] = [:]
    /// The alerts that it has posted, and that are not over.
    private(set) var alerts: [String] = []
    /// Those that this process listens on.
    private let addresses: [String]

    /// Finds the gateway of a folder, which offers what it has; nil where none runs.
    static func find(
        _ configuration: Configuration
    ) throws(Composition.StartError) -> Predecessor? {
        try wait { () throws(Composition.StartError) in
            let folder = configuration.log.path
            guard isInUse(folder) else { return nil }
            if getpid() == 1 { throw refusal("this process is number 1 of its container") }
            let channel = try connect(to: folder)
            let predecessor = Predecessor(
                channel, folder,
                configuration.server.listen
                    + [SuccessionMessage.operators(at: configuration.admin.listen)])
            try predecessor.receiveOffer()
            return predecessor
        }
    }

    /// Waits for another process, or for what it has left to be read.
    static func wait<Value, Failure>(
        _ wait: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try Signals.unblocked([signalTerminate, signalInterrupt], while: wait)
    }

    /// Whether a gateway has a folder; one that is about to take it back is given the time to.
    private static func isInUse(_ folder: String) -> Bool {
        let end = Instant.now() + Self.settlingTime
        while JournalFolder.obstacle(to: folder)?.isInUse != true {
            let journals = (try? JournalFolder.journals(in: folder)) ?? []
            guard journals.contains(where: WriterLock.isHeld), Instant.now() < end else {
                return false
            }
            usleep(20_000)
        }
        return true
    }

    /// A gateway that takes its folder back listens a moment later.
    private static func connect(
        to folder: String
    ) throws(Composition.StartError) -> MessageChannel {
        let end = Instant.now() + Self.settlingTime
        while true {
            do {
                return try MessageChannel(to: Succession.path(in: folder))
            } catch {
                guard [ECONNREFUSED, ENOENT].contains(error.code), Instant.now() < end else {
                    throw refusal("it does not answer: \(error)")
                }
                usleep(20_000)
            }
        }
    }

    private init(_ channel: MessageChannel, _ folder: String, _ addresses: [String]) {
        self.channel = channel
        self.folder = folder
        self.addresses = addresses
    }

    private static func refusal(_ reason: String) -> Composition.StartError {
        Composition.StartError(
            description: "the gateway that runs cannot be taken over, and goes on: \(reason)")
    }

    private func ask(_ order: SuccessionMessage) throws(Composition.StartError) {
        do {
            try channel.send(order.message)
        } catch {
            throw Self.refusal("\(error)")
        }
    }

    private func answer() throws(Composition.StartError) -> SuccessionMessage {
        guard let message = channel.receive(within: Self.patience) else {
            throw Self.refusal("it does not answer, or has ended")
        }
        guard let answer = SuccessionMessage(message) else {
            throw Self.refusal("it says what this version does not know")
        }
        if case .refused(let reason) = answer { throw Self.refusal(reason) }
        return answer
    }

    private func receiveOffer() throws(Composition.StartError) {
        guard channel.peer?.user == geteuid() else {
            throw Self.refusal("it runs as another user")
        }
        try ask(.hello(protocolNumber: SuccessionMessage.protocolNumber))
        while true {
            switch try answer() {
            case .address(let address, let descriptors):
                sockets[address, default: []] += descriptors
            case .admin(let address, let descriptor): admin = (address, descriptor)
            case .contents(let named): contents.merge(named) { $1 }
            case .offered(let alerts): return self.alerts = alerts
            default: throw Self.refusal("it answers out of order")
            }
        }
    }

    /// Has it stop to read and to store, and takes the record's folder.
    ///
    /// From here until ``confirm()`` it takes all back if this process ends.
    func takeFolder() throws -> JournalFolder {
        try Self.wait {
            try ask(.claim(addresses: addresses))
            guard case .ceded(let lock) = try answer() else {
                throw Self.refusal("it answers out of order")
            }
            return try JournalFolder(folder, takingOver: lock)
        }
    }

    /// Says that this process serves, and that its silence would mean that it hangs.
    func confirm() throws(Composition.StartError) {
        try ask(.alive)
        try ask(.running)
    }
}
