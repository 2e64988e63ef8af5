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

    /// The connections of this moment, as a copy: a loop over them may close some.
    var all: ContiguousArray<ClientConnection?> { connections }
}
