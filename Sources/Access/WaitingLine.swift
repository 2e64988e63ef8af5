/// The requests that wait for the limits of one scope: first in, first out for each key, and each
/// key's next in turn, so that a key with many of them holds up no other.
struct WaitingLine: Sendable {
    /// The keys that have requests here; the one whose turn it is comes first.
    private var turns: [String] = []
    private var tickets: [String: [Ticket]] = [:]
    /// The keys by how many requests each has here, and how many the one with the most has.
    private var keysByLength: [Int: Set<String>] = [:]
    private var lengthMax = 0
    /// How many requests wait.
    private(set) var count = 0

    /// Adds a request at the end of its key's.
    mutating func append(_ ticket: Ticket, of key: String) {
        if tickets[key] == nil { turns.append(key) }
        tickets[key, default: []].append(ticket)
        lengthened(key, by: 1)
    }

    /// Takes a request out.
    mutating func remove(_ ticket: Ticket, of key: String) {
        guard var own = tickets[key], let index = own.firstIndex(of: ticket) else { return }
        own.remove(at: index)
        tickets[key] = own.isEmpty ? nil : own
        if own.isEmpty { turns.removeAll { $0 == key } }
        lengthened(key, by: -1)
    }

    /// The request that gives way to a key's next one when the line is full: the newest of the key
    /// with the most of them, where that has at least two more than this one.
    ///
    /// So that a key cannot keep the others out by filling the line.
    func givingWay(to key: String) -> Ticket? {
        let own = tickets[key]?.count ?? 0
        guard lengthMax >= own + 2, let longest = keysByLength[lengthMax]?.first else { return nil }
        return tickets[longest]?.last
    }

    /// A key has more or fewer requests here than it had.
    private mutating func lengthened(_ key: String, by change: Int) {
        let length = tickets[key]?.count ?? 0
        let before = length - change
        count += change
        keysByLength[before]?.remove(key)
        if keysByLength[before]?.isEmpty == true { keysByLength[before] = nil }
        if length > 0 { keysByLength[length, default: []].insert(key) }
        // One request came or went, so that the next length below has a key, or none is left.
        if length > lengthMax { lengthMax = length }
        if keysByLength[lengthMax] == nil { lengthMax = max(0, lengthMax - 1) }
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
        defer { lengthened(key, by: -1) }
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
    let ended: WaitEnd.Receiver
}

/// How a wait ended that its client did not end.
public enum WaitEnd: Sendable {
    /// What is called with it, once.
    public typealias Receiver = @Sendable (Ticket, WaitEnd) -> Void

    case admitted(Reservation)
    /// It gave way to another key's request.
    case displaced(LimitRefusal)
}
