import Primitives

/// The clients of one worker, each in a slot; a free slot is found at once and used again.
struct ConnectionTable: ~Copyable {
    private var connections: ContiguousArray<ClientConnection?> = []
    private var freeSlots: ContiguousArray<Int> = []
    /// Slots in use.
    private(set) var count = 0
    /// Those of clients that are one too many: each gets its refusal.
    private(set) var turnedAwayCount = 0

    /// Makes a connection and gives it a slot.
    mutating func insert(_ make: (_ slot: Int) -> ClientConnection) -> ClientConnection {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = connections.count
            connections.append(nil)
        }
        let connection = make(slot)
        connections[slot] = connection
        count += 1
        if connection.isTurnedAway { turnedAwayCount += 1 }
        return connection
    }

    /// Takes a connection out of its slot.
    mutating func remove(_ connection: ClientConnection) {
        connections[connection.slot] = nil
        freeSlots.append(connection.slot)
        count -= 1
        if connection.isTurnedAway { turnedAwayCount -= 1 }
    }

    /// So many connections whose phases have lasted longest, the longest first; with `isResting`
    /// of those between two requests alone.
    func longest(_ wanted: Int, isResting: Bool = false) -> [ClientConnection] {
        var found: [ClientConnection] = []
        for case let connection? in connections
        where !connection.isTurnedAway && (!isResting || connection.phase == .idle) {
            if found.count == wanted, let last = found.last {
                guard connection.phaseBegan < last.phaseBegan else { continue }
                found.removeLast()
            }
            let index = found.firstIndex { connection.phaseBegan < $0.phaseBegan }
            found.insert(connection, at: index ?? found.count)
        }
        return found
    }

    /// The connection whose handshake has been under way longest; nil where there is none.
    var longestHandshake: ClientConnection? {
        var found: ClientConnection?
        for case let connection? in connections
        where connection.phaseBegan < found?.phaseBegan ?? .distantFuture {
            if connection.phase == .idle, connection.socket.isHandshaking { found = connection }
        }
        return found
    }

    /// The connections of this moment, as a copy: a loop over them may close some.
    var all: ContiguousArray<ClientConnection?> { connections }
}
