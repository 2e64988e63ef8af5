/// Clients that something was gathered for in a turn: each is sent to once, at the turn's end.
struct FlushQueue: ~Copyable {
    private var waiting: ContiguousArray<ClientConnection> = []
    /// Kept from one turn to the next for its storage.
    private var flushing: ContiguousArray<ClientConnection> = []

    /// Whether no client waits.
    var isEmpty: Bool { waiting.isEmpty }

    mutating func append(_ connection: ClientConnection) {
        waiting.append(connection)
    }

    /// Takes the clients that wait now, with the storage for the next ones left here.
    ///
    /// A flush may make room, and room may let more come in: that is for the next turn.
    mutating func take() -> ContiguousArray<ClientConnection> {
        swap(&waiting, &flushing)
        var taken = ContiguousArray<ClientConnection>()
        swap(&taken, &flushing)
        return taken
    }

    /// Gives the storage of the clients that were taken back.
    mutating func giveBack(_ storage: consuming ContiguousArray<ClientConnection>) {
        storage.removeAll(keepingCapacity: true)
        flushing = storage
    }
}
