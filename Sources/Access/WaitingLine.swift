/// The requests that wait for the limits of one scope: first in, first out for each key, and each
/// key's next in turn, so that a key with many of them holds up no other.
struct WaitingLine: Sendable {
    /// The keys that have requests here; the one whose turn it is comes first.
    private var turns: [String] = []
    private var tickets: [String: [Ticket]] = [:]
    /// How many requests wait.
    private(set) var count = 0

    /// Adds a request at the end of its key's.
    mutating func append(_ ticket: Ticket, of key: String) {
        if tickets[key] == nil { turns.append(key) }
        tickets[key, default: []].append(ticket)
        count += 1
    }

    /// Takes a request out.
    mutating func remove(_ ticket: Ticket, of key: String) {
        guard var own = tickets[key], let index = own.firstIndex(of: ticket) else { return }
        own.remove(at: index)
        count -= 1
        tickets[key] = own.isEmpty ? nil : own
        if own.isEmpty { turns.removeAll { $0 == key } }
    }

    /// The next request of each key, in the order of their turns.
    var heads: [Ticket] { turns.compactMap { tickets[$0]?.first } }

    /// Takes the next request of a key out, whose next turn comes after those of all others.
    mutating func serve(_ ticket: Ticket, of key: String) {
        remove(ticket, of: key)
        guard tickets[key] != nil, let index = turns.firstIndex(of: key) else { return }
        turns.append(turns.remove(at: index))
    }
}

/// The name of a request that waits for limits.
public struct Ticket: Hashable, Sendable {
    let number: Int
}

/// A request that waits.
struct WaitingRequest: Sendable {
    /// The index of the scope in whose line it is.
    let slot: Int
    let key: String
    let demand: Demand
    let path: [Step]
    let admitted: @Sendable (Ticket, Reservation) -> Void
}
