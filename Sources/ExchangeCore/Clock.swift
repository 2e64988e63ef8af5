public import Config
public import Primitives

/// What may take too long.
public enum Clock: Equatable, Sendable {
    case head, keepalive, slowClient, firstContent, idle, contentIdle, total
    case hold, backoff, linger, drainGrace, detached
    /// A body that is kept, one that is passed on, and the wait for memory.
    case body, pace, room
    /// The wait for a limit of the client's.
    case limit
    /// The answer to a handshake, two bytes of a tunnel, and the last bytes for its vendor.
    case handshake, tunnelIdle, tunnelEnd
    /// A sign of life for a client whose vendor is silent.
    case heartbeat

    /// What it measures, for people.
    public var words: String {
        switch self {
        case .head: "the time for a request head"
        case .keepalive: "the time between requests"
        case .slowClient: "the time for a slow client"
        case .firstContent: "the time for the first content"
        case .idle: "the time between two signs of life"
        case .contentIdle: "the time between two contents"
        case .total: "the time for a whole exchange"
        case .hold: "the time a response is held"
        case .backoff: "the wait between two tries"
        case .linger, .drainGrace: "the time for a farewell"
        case .body: "the time for a request body"
        case .pace: "the time for a minute's share of a request body"
        case .room: "the wait for memory"
        case .limit: "the wait for a limit"
        case .heartbeat: "the time between two signs of life for a client"
        case .handshake: "the time for the answer to a handshake"
        case .tunnelIdle: "the time between two bytes of a tunnel"
        case .tunnelEnd: "the time for the last bytes of a tunnel"
        case .detached: "the time an answer goes on without its client"
        }
    }

    /// The outcome of an exchange that this clock ends.
    public var outcome: Outcome {
        switch self {
        case .firstContent, .handshake: .timeoutFirstContent
        case .idle, .contentIdle, .tunnelIdle: .timeoutIdle
        case .total: .timeoutTotal
        case .slowClient, .body, .pace: .slowClient
        case .detached, .tunnelEnd: .clientCancelled
        case .head, .keepalive, .hold, .backoff, .linger, .drainGrace, .room, .limit, .heartbeat:
            .refused
        }
    }
}

extension Chain.Clocks {
    /// How long a clock of a chain lets something take; nil for the clocks of the server.
    public func interval(of clock: Clock) -> Interval? {
        switch clock {
        case .firstContent: firstContent
        case .idle: idle
        case .tunnelIdle: tunnelIdle
        case .contentIdle: contentIdle
        case .total: total
        default: nil
        }
    }
}
