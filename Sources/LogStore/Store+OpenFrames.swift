import Access
import GRDB
import Journal
import Primitives

// DESIGN
//
// Frames of exchanges that are open for so long that the ring wants their room go to the segment,
// like what records keep, by the same write. A row says where they are. When the exchange ends its
// bodies are put together and written again, behind one another: the frames are nothing then, and
// are left out when the segment is packed. Until then a row says whose they were, so that what is
// to be forgotten is erased from them, too.

extension Store {
    /// The tables of frames in segments.
    static let openSchema = [
        """
        CREATE TABLE open_entries (
            journal TEXT NOT NULL, exchange INTEGER NOT NULL, position INTEGER NOT NULL,
            segment INTEGER NOT NULL, start INTEGER NOT NULL, bytes INTEGER NOT NULL,
            PRIMARY KEY (journal, exchange, position)
        ) STRICT, WITHOUT ROWID
        """,
        // Those of exchanges that have ended, by the number of their record.
        """
        CREATE TABLE left_entries (
            segment INTEGER NOT NULL, start INTEGER NOT NULL, bytes INTEGER NOT NULL,
            number INTEGER NOT NULL, PRIMARY KEY (segment, start)
        ) STRICT, WITHOUT ROWID
        """,
    ]

    /// Which exchange of which journal.
    struct OpenExchange {
        var journal: String
        var exchange: UInt64

        fileprivate var arguments: StatementArguments {
            [journal, Int64(clamping: exchange)]
        }
    }

    /// Says where the frames of an open exchange are.
    static func insert(
        _ spill: borrowing Batch.Spill, at start: Int, in segment: UInt64, _ db: Database
    ) throws {
        try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO open_entries VALUES (?, ?, ?, ?, ?, ?)"
        ).execute(
            arguments: [
                spill.journal, Int64(clamping: spill.exchange), Int64(clamping: spill.position),
                Int64(clamping: segment), start, spill.frames.count,
            ])
    }

    /// Lends the frames of a journal's open exchanges, in order; those that cannot be read are
    /// empty.
    func eachOpenFrames(
        of journal: String, _ body: (_ exchange: UInt64, _ frames: [UInt8]) -> Void
    ) throws {
        try database.read { db in
            let condition = "journal = ?"
            try Self.eachOpenFrames(condition, [journal], reader, db, body)
        }
    }

    /// The frames of exchanges: earlier versions had them in the database, and before all others.
    private static func eachOpenFrames(
        _ condition: String, _ arguments: StatementArguments, _ reader: SegmentReader,
        _ db: Database, _ body: (_ exchange: UInt64, _ frames: [UInt8]) -> Void
    ) throws {
        // One row at a time: together they may be more than there is memory for.
        let olds = try Row.fetchCursor(
            db,
            sql: """
                SELECT exchange, frames FROM open_frames WHERE \(condition)
                ORDER BY exchange, position
                """,
            arguments: arguments)
        while let row = try olds.next() {
            let frames: Bytes = row[1]
            body(UInt64(clamping: row[0] as Int64), frames.bytes)
        }
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT exchange, position, segment, start, bytes FROM open_entries
                WHERE \(condition) ORDER BY exchange, position
                """,
            arguments: arguments)
        while let row = try rows.next() {
            let exchange = UInt64(clamping: row[0] as Int64)
            let pointer = FramesPointer(
                segment: UInt64(clamping: row[2] as Int64), offset: row[3], count: row[4],
                identifier: Identifier(high: exchange, low: UInt64(clamping: row[1] as Int64)))
            body(exchange, reader.frames(pointer))
        }
    }

    /// Puts the beginning of a record's bodies back that was spilled.
    func takeBackSpilled(
        _ open: OpenExchange, _ answered: Int, _ content: inout RecordContent, _ capture: Capture,
        _ db: Database
    ) throws {
        var request: [UInt8] = []
        var response: [UInt8] = []
        var (requestOrder, responseOrder) = (BodyOrder(), BodyOrder())
        try Self.eachOpenFrames("journal = ? AND exchange = ?", open.arguments, reader, db) {
            StoredFrames.read($1.span) { frame in
                switch frame.kind {
                case .requestBody where requestOrder.take(frame):
                    request.append(frame.payload, upTo: capture.bytesMax)
                case .chunk where frame.attempt == answered && responseOrder.take(frame):
                    response.append(frame.payload, upTo: capture.bytesMax)
                default: break
                }
            }
        }
        content.request.prepend(request)
        content.response.prepend(response)
    }

    /// Says that an exchange has ended: its frames are those of a record, if there is one.
    static func end(_ open: OpenExchange, number: Int64?, _ db: Database) throws {
        if let number {
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO left_entries
                    SELECT segment, start, bytes, ? FROM open_entries
                    WHERE journal = ? AND exchange = ?
                    """,
                arguments: [number] + open.arguments)
        }
        for table in ["open_frames", "open_entries"] {
            try db.execute(
                sql: "DELETE FROM \(table) WHERE journal = ? AND exchange = ?",
                arguments: open.arguments)
        }
    }

    /// Writes the frames of exchanges that are still open, and that are in a segment, into the one
    /// that is being written: the segment is taken away, and their exchanges end later.
    ///
    /// After it was sealed. What of them cannot be read stays where it is.
    func moveOpenFrames(outOf number: UInt64) throws {
        try database.write { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT journal, exchange, position, start, bytes FROM open_entries
                    WHERE segment = ? ORDER BY journal, exchange, position
                    """,
                arguments: [Int64(clamping: number)])
            var batch = Batch()
            for row in rows {
                let exchange = UInt64(clamping: row[1] as Int64)
                let position = UInt64(clamping: row[2] as Int64)
                let pointer = FramesPointer(
                    segment: number, offset: row[3], count: row[4],
                    identifier: Identifier(high: exchange, low: position))
                let frames = reader.frames(pointer)
                guard !frames.isEmpty else { continue }
                batch.spills.append(
                    Batch.Spill(
                        journal: row[0], exchange: exchange, position: position, frames: frames))
            }
            let appended = try append(&batch, db)
            for (spill, start) in zip(batch.spills, appended.frames) {
                try Self.insert(spill, at: start, in: appended.segment, db)
            }
            try appended.advance(NumberRange(), db)
        }
    }

    /// Forgets the frames of a journal that has ended.
    static func endFrames(of journal: String, _ db: Database) throws {
        for table in ["open_frames", "open_entries"] {
            try db.execute(sql: "DELETE FROM \(table) WHERE journal = ?", arguments: [journal])
        }
    }

    /// The exchanges of a journal whose frames are in the store.
    static func openExchanges(of journal: String, _ db: Database) throws -> Set<Int64> {
        Set(
            try Int64.fetchAll(
                db,
                sql: """
                    SELECT exchange FROM open_frames WHERE journal = ?1
                    UNION SELECT exchange FROM open_entries WHERE journal = ?1
                    """,
                arguments: [journal]))
    }
}

/// Where frames of an open exchange are.
struct FramesPointer {
    var segment: UInt64
    var offset: Int
    var count: Int
    /// The number of the exchange, and the position of its first frame.
    var identifier: Identifier
}

extension [UInt8] {
    /// Appends bytes until so many are there.
    fileprivate mutating func append(_ bytes: Span<UInt8>, upTo bytesMax: Int) {
        append(bytes.extracting(0..<Swift.min(Swift.max(0, bytesMax - count), bytes.count)))
    }
}
