/// What one transaction of the store changes.
struct Batch {
    /// How far a journal is, and how its exchanges ended since the last time.
    struct Progress {
        var name: String
        /// The cursor up to which everything is stored, or kept among the open frames.
        var cursor: UInt64
        /// Exchanges that will never have a record, because their frames were damaged.
        var lost = 0
        var emitted = 0
        var dropped = 0
        var isEnded = false
    }

    /// Frames of an open exchange that leave the ring, because it needs the room.
    struct Spill {
        var journal: String
        var exchange: UInt64
        var position: UInt64
        var frames: [UInt8]
    }

    var records: [Record] = []
    /// What they keep of their bodies, by the same indexes; empty where the records hold it.
    var contents: [RecordContent] = []
    /// Exchanges among those whose frames were spilled.
    var spilled: Set<Int> = []
    var spills: [Spill] = []
    var progress: [Progress] = []
    /// The journals among those of the records that earlier processes left.
    var leftJournals: Set<String> = []

    mutating func add(_ record: consuming Record, _ content: RecordContent, isSpilled: Bool) {
        if isSpilled { spilled.insert(records.count) }
        records.append(record)
        contents.append(content)
    }

    /// What a record keeps of its bodies.
    func content(of index: Int) -> RecordContent {
        guard contents.isEmpty else { return contents[index] }
        return RecordContent(
            request: BodyPieces(copying: records[index].requestBody.bytes),
            response: BodyPieces(copying: records[index].responseBody.bytes))
    }

    var isEmpty: Bool { records.isEmpty && spills.isEmpty && progress.isEmpty }
}
