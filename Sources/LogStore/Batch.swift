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
    /// Where those are, if they were written already.
    var written: SegmentWriter.Written?
    /// Their rows, if they were made already.
    var rows: ExchangeRows?
    /// Exchanges among those whose frames were spilled.
    var spilled: Set<Int> = []
    var spills: [Spill] = []
    var progress: [Progress] = []
    /// The journals among those of the records that earlier processes left.
    var leftJournals: Set<String> = []
    /// Whether what the records were charged is summed up by journal, too.
    var isChargedByJournal = false

    mutating func add(_ record: consuming Record, _ content: RecordContent, isSpilled: Bool) {
        if isSpilled { spilled.insert(records.count) }
        records.append(record)
        contents.append(content)
    }

    /// Lends each record and what it keeps of its bodies, in order.
    ///
    /// As what may be changed, though it is only read: of what is lent to be read out of a list the
    /// compiler makes a copy, which counts some thirty references.
    mutating func eachRecord(
        _ body: (Int, inout Record, inout RecordContent) throws -> Void
    ) rethrows {
        for index in records.indices {
            if contents.isEmpty {
                var content = RecordContent(
                    request: BodyPieces(copying: records[index].requestBody.bytes),
                    response: BodyPieces(copying: records[index].responseBody.bytes))
                try body(index, &records[index], &content)
            } else {
                try body(index, &records[index], &contents[index])
            }
        }
    }

    /// How many records each journal has in it, but for some.
    func counts(without omitted: Set<Int>) -> [String: Int] {
        var counts: [String: Int] = [:]
        // Records of a journal are in a row.
        var journal = ""
        var count = 0
        let all = records.span
        for index in all.indices where !omitted.contains(index) {
            if all[index].journal != journal {
                if count > 0 { counts[journal, default: 0] += count }
                journal = all[index].journal
                count = 0
            }
            count += 1
        }
        if count > 0 { counts[journal, default: 0] += count }
        return counts
    }

    /// The sums of the records, but for some, and what they were charged.
    mutating func sums(without omitted: Set<Int>) -> (Rollup.Gathered, LedgerEntry.Gathered) {
        if omitted.isEmpty, let rows { return (rows.sums, rows.charges) }
        var sums = Rollup.Gathered()
        var charges = LedgerEntry.Gathered()
        eachRecord { index, record, _ in
            guard !omitted.contains(index) else { return }
            sums.add(record)
            charges.add(record)
        }
        return (sums, charges)
    }

    var isEmpty: Bool { records.isEmpty && spills.isEmpty && progress.isEmpty }
}
