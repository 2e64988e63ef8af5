import Dialects
import GRDB
import Journal
import Primitives

extension Store {
    /// What a transaction came to.
    struct Written {
        /// Records that are there now and were not before, by journal.
        var stored: [String: Int] = [:]
        /// Records that SQLite would not take, whatever is tried, and why.
        var refused: [(id: String, reason: String)] = []
    }

    /// Writes a batch, all of it or nothing.
    ///
    /// Throws ``Failure`` where it may work later: a full disk, a locked file.
    func write(_ batch: Batch, capture: Capture) throws(Failure) -> Written {
        do {
            return try database.write { db in
                var written = Written()
                var refused: [String: Int] = [:]
                var rollups: [Rollup.Key: Rollup] = [:]
                var records = try Insertion(Self.insertRecord, db)
                var bodies = try Insertion(Self.insertBodies, db)
                var batch = batch
                for index in batch.spilled {
                    try Self.takeBackSpilled(&batch.records[index], capture, db)
                }
                // Where they lie: a record holds some thirty references, and is not copied.
                let all = batch.records.span
                for index in all.indices {
                    do {
                        guard try Self.insert(all[index], &records, &bodies, db) else { continue }
                        written.stored[all[index].journal, default: 0] += 1
                        rollups[Rollup.Key(all[index]), default: Rollup()].add(all[index])
                    } catch let error as DatabaseError where !error.mayWorkLater {
                        // One record that cannot be stored must not keep all others from it.
                        written.refused.append((all[index].identifier.description, "\(error)"))
                        refused[all[index].journal, default: 0] += 1
                    }
                }
                try Self.add(rollups, db)
                for spill in batch.spills { try Self.insert(spill, db) }
                for progress in batch.progress {
                    try Self.writeProgress(
                        progress, stored: written.stored[progress.name] ?? 0,
                        refused: refused[progress.name] ?? 0, db)
                }
                return written
            }
        } catch {
            throw Failure(error)
        }
    }

    /// Inserts records that came through no journal.
    package func insert(_ records: [Record]) throws {
        var batch = Batch()
        batch.records = records
        _ = try write(batch, capture: Capture(bytesMax: .max))
    }

    private static let insertRecord = RecordTable.records.insertion(
        "INSERT OR IGNORE", withNumber: false)

    private static let insertBodies = RecordTable.bodies.insertion("INSERT", withNumber: true)

    /// Inserts a record; false when it is there already, as after a death between a commit and the
    /// moving of the ring's cursor.
    private static func insert(
        _ record: borrowing Record, _ records: inout Insertion, _ bodies: inout Insertion,
        _ db: Database
    ) throws -> Bool {
        RecordTable.records.bind(record, to: &records)
        try records.execute()
        guard db.changesCount > 0 else { return false }
        bodies.bind(Int(db.lastInsertedRowID))
        RecordTable.bodies.bind(record, to: &bodies)
        try bodies.execute()
        return true
    }

    private static func insert(_ spill: Batch.Spill, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO open_frames VALUES (?, ?, ?, ?)")
        let values: [(any DatabaseValueConvertible)?] = [
            spill.journal, Int64(clamping: spill.exchange), Int64(clamping: spill.position),
            Bytes(spill.frames),
        ]
        try statement.execute(arguments: StatementArguments(values))
    }

    private static func writeProgress(
        _ progress: Batch.Progress, stored: Int, refused: Int, _ db: Database
    ) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO journals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                ON CONFLICT (name) DO UPDATE SET cursor = max(cursor, ?2), stored = stored + ?3,
                    lost = lost + ?4, emitted = ?5, dropped = ?6, is_ended = ?7
                """
        )
        let values: [(any DatabaseValueConvertible)?] = [
            progress.name, Int64(clamping: progress.cursor), stored, progress.lost + refused,
            progress.emitted, progress.dropped, progress.isEnded ? 1 : 0,
        ]
        try statement.execute(arguments: StatementArguments(values))
    }

    /// Puts the beginning of a record's bodies back that was spilled, and forgets the spilled.
    private static func takeBackSpilled(
        _ record: inout Record, _ capture: Capture, _ db: Database
    ) throws {
        let key: StatementArguments = [record.journal, Int64(clamping: record.exchange)]
        var request: [UInt8] = []
        var response: [UInt8] = []
        let rows = try Bytes.fetchCursor(
            db,
            sql: """
                SELECT frames FROM open_frames WHERE journal = ? AND exchange = ? ORDER BY position
                """,
            arguments: key
        )
        while let row = try rows.next() {
            StoredFrames.read(row.bytes.span) { frame in
                switch frame.kind {
                case .requestBody: request.append(frame.payload, upTo: capture.bytesMax)
                case .chunk where frame.attempt == record.answered:
                    response.append(frame.payload, upTo: capture.bytesMax)
                default: break
                }
            }
        }
        record.requestBody.bytes = request + record.requestBody.bytes
        record.responseBody.bytes = response + record.responseBody.bytes
        try db.execute(
            sql: "DELETE FROM open_frames WHERE journal = ? AND exchange = ?", arguments: key)
    }
}

extension [UInt8] {
    /// Appends bytes until so many are there.
    fileprivate mutating func append(_ bytes: Span<UInt8>, upTo bytesMax: Int) {
        append(bytes.extracting(0..<Swift.min(Swift.max(0, bytesMax - count), bytes.count)))
    }
}

extension DatabaseError {
    /// Whether the same may work later: only these say that the record itself is at fault.
    var mayWorkLater: Bool {
        switch resultCode {
        case .SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_RANGE: false
        default: true
        }
    }
}

extension Store.Failure {
    /// A failure of SQLite's, its code kept.
    init(_ error: any Error) {
        if let error = error as? DatabaseError {
            code = error.resultCode.name
            description = "\(code): \(error.message ?? "no message")"
        } else {
            code = ""
            description = "\(error)"
        }
    }
}

extension ResultCode {
    /// SQLite's own name for a code of the primary kind, as its manual and its mailing list use it.
    fileprivate var name: String {
        let names = [
            "OK", "ERROR", "INTERNAL", "PERM", "ABORT", "BUSY", "LOCKED", "NOMEM", "READONLY",
            "INTERRUPT", "IOERR", "CORRUPT", "NOTFOUND", "FULL", "CANTOPEN", "PROTOCOL", "EMPTY",
            "SCHEMA", "TOOBIG", "CONSTRAINT", "MISMATCH", "MISUSE", "NOLFS", "AUTH", "FORMAT",
            "RANGE", "NOTADB",
        ]
        let number = Int(primaryResultCode.rawValue)
        return names.indices.contains(number) ? "SQLITE_\(names[number])" : "SQLITE_\(rawValue)"
    }
}
