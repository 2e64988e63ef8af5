import Reactor

/// What two gateways say to each other while one takes over from the other, and afterwards.
enum SuccessionMessage: Equatable {
    /// Another number is another version's: nothing is handed over then.
    static let protocolNumber = 1

    /// How the operators' address is named among those that are claimed; versions that did not name
    /// it had the same one.
    static func operators(at address: String) -> String { operatorsMark + address }

    /// Whether a process that claims addresses listens for operators on this one.
    static func isForOperators(_ address: String, claimed: [String]) -> Bool {
        claimed.contains(operators(at: address))
            || !claimed.contains { $0.hasPrefix(operatorsMark) }
    }

    private static let operatorsMark = "operators "

    // From the one that takes over.
    case hello(protocolNumber: Int)
    /// Give the record; these addresses are listened on from now on.
    case claim(addresses: [String])
    /// It serves.
    case running
    /// The loops of all its workers turn: once before it serves, then each second.
    case alive
    /// An earlier gateway still serves its last clients, and its successor has ended.
    case elder

    // From the one that runs.
    case refused(String)
    case address(String, [Int32])
    case admin(String, Int32)
    /// Memory with pieces of bodies, by the names of journals' files.
    case contents([String: Int32])
    /// That is all; with the alerts that it has posted, and that are not over.
    case offered(alerts: [String])
    /// The folder's lock.
    case ceded(lock: Int32)
    /// All clients have gone, and nothing is written to its journals any more.
    case rested

    // From either.
    /// Let what is in flight end, and end.
    case drain
    /// End at once.
    case stop

    /// The message of a channel; nil where it is none.
    init?(_ message: MessageChannel.Message) {
        let lines = message.text.split(separator: "\n", omittingEmptySubsequences: false)
        let rest = lines.dropFirst().map(String.init)
        let descriptors = message.descriptors
        switch lines.first {
        case "hello": self = .hello(protocolNumber: rest.first.flatMap { Int($0) } ?? 0)
        case "claim": self = .claim(addresses: rest)
        case "running": self = .running
        case "alive": self = .alive
        case "elder": self = .elder
        case "refused": self = .refused(rest.joined(separator: "\n"))
        case "address" where rest.count == 1: self = .address(rest[0], descriptors)
        case "admin" where rest.count == 1 && descriptors.count == 1:
            self = .admin(rest[0], descriptors[0])
        case "contents" where rest.count == descriptors.count:
            self = .contents(Dictionary(zip(rest, descriptors)) { $1 })
        case "offered": self = .offered(alerts: rest)
        case "ceded" where descriptors.count == 1: self = .ceded(lock: descriptors[0])
        case "rested": self = .rested
        case "drain": self = .drain
        case "stop": self = .stop
        default:
            for descriptor in descriptors { Socket.close(descriptor) }
            return nil
        }
    }

    /// As a message of a channel.
    var message: MessageChannel.Message {
        switch self {
        case .hello(let number): .init("hello\n\(number)")
        case .claim(let addresses): .init((["claim"] + addresses).joined(separator: "\n"))
        case .running: .init("running")
        case .alive: .init("alive")
        case .elder: .init("elder")
        case .refused(let reason): .init("refused\n\(reason)")
        case .address(let address, let descriptors): .init("address\n\(address)", descriptors)
        case .admin(let address, let descriptor): .init("admin\n\(address)", [descriptor])
        case .contents(let named):
            .init((["contents"] + named.keys).joined(separator: "\n"), Array(named.values))
        case .offered(let alerts):
            .init((["offered"] + alerts).joined(separator: "\n"))
        case .ceded(let lock): .init("ceded", [lock])
        case .rested: .init("rested")
        case .drain: .init("drain")
        case .stop: .init("stop")
        }
    }
}
