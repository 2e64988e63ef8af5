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

    /// The next request of the key with a turn; nil after the last turn.
    func next(atTurn turn: Int) -> Ticket? {
        turn < turns.count ? tickets[turns[turn]]?.first : nil
    }

    /// Takes the next request of the key with a turn out; the key's next turn comes after those of
    /// all others.
    mutating func serve(atTurn turn: Int) {
        let key = turns.remove(at: turn)
        guard var own = tickets.removeValue(forKey: key) else { return }
        own.removeFirst()
        count -= 1
        guard !own.isEmpty else { return }
        tickets[key] = own
        turns.append(key)
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
