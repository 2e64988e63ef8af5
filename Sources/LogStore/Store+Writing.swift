import Access
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
        /// What the records of journals that earlier processes left were charged.
        var recovered: [PastCharge] = []
    }

    /// Writes a batch, all of it or nothing.
    ///
    /// Throws ``Failure`` where it may work later: a full disk, a locked file.
    func write(_ batch: Batch, capture: Capture) throws(Failure) -> Written {
        do {
            return try database.write { db in
                var written = Written()
                var refused: [String: Int] = [:]
                var sums = Rollup.Gathered()
                var charges = LedgerEntry.Gathered()
                var recovered = LedgerEntry.Gathered()
                var records = try Insertion(Self.insertRecord, db)
                var contents = try Insertion(ContentTable.insertion, db)
                var batch = batch
                for index in batch.spilled {
                    let record = (batch.records[index].journal, batch.records[index].exchange)
                    try Self.takeBackSpilled(
                        record, batch.records[index].answered, &batch.contents[index], capture, db)
                }
                // Before the rows that say where it is.
                let pointers = try append(batch, db)
                // Where they lie: a record holds some thirty references, and is not copied.
                let all = batch.records.span
                for index in all.indices {
                    do {
                        guard
                            try Self.insert(
                                all[index], pointers[index], &records, &contents, db)
                        else { continue }
                        written.stored[all[index].journal, default: 0] += 1
                        sums.add(all[index])
                        charges.add(all[index])
                        if batch.leftJournals.contains(all[index].journal) {
                            recovered.add(all[index])
                        }
                    } catch let error as DatabaseError where !error.mayWorkLater {
                        // One record that cannot be stored must not keep all others from it.
                        written.refused.append((all[index].identifier.description, "\(error)"))
                        refused[all[index].journal, default: 0] += 1
                    }
                }
                try Self.add(sums, db)
                try Self.add(charges, db)
                written.recovered = recovered.charges
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

    /// Writes what records keep into the segment; where each of them is.
    func append(_ batch: Batch, _ db: Database) throws -> [ContentPointer] {
        guard !batch.records.isEmpty else { return [] }
        guard let writer else {
            throw Failure(code: "SQLITE_READONLY", description: "the store is open for reading")
        }
        let end = try ContentTable.end(db)
        let (pointers, newEnd) = try writer.append(batch, after: end)
        if newEnd != end {
            let newest = batch.records.reduce(0) { max($0, $1.acceptedMicroseconds) }
            try ContentTable.advance(newEnd, newestMicroseconds: newest, db)
        }
        return pointers
    }

    /// Inserts a record; false when it is there already, as after a death between a commit and the
    /// moving of the ring's cursor.
    private static func insert(
        _ record: borrowing Record, _ pointer: ContentPointer, _ records: inout Insertion,
        _ contents: inout Insertion, _ db: Database
    ) throws -> Bool {
        RecordTable.records.bind(record, to: &records)
        try records.execute()
        guard db.changesCount > 0 else { return false }
        ContentTable.bind(
            Int(db.lastInsertedRowID), pointer, requestTotal: record.requestBody.totalBytes,
            responseTotal: record.responseBody.totalBytes, to: &contents)
        try contents.execute()
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
        _ record: (journal: String, exchange: UInt64), _ answered: Int,
        _ content: inout RecordContent, _ capture: Capture, _ db: Database
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
                case .chunk where frame.attempt == answered:
                    response.append(frame.payload, upTo: capture.bytesMax)
                default: break
                }
            }
        }
        content.request.prepend(request)
        content.response.prepend(response)
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
        } else if let failure = error as? Store.Failure {
            self = failure
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
