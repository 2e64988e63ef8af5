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
            let (written, known) = try database.write { db in try store(batch, capture, db) }
            names.keep(known)
            return written
        } catch {
            throw Failure(error)
        }
    }

    private func store(
        _ batch: Batch, _ capture: Capture, _ db: Database
    ) throws -> (Written, NameWriter.Known) {
        var insertion = try ExchangeInsertion(db, names.writer(db))
        var batch = batch
        for index in batch.spilled {
            try takeBackSpilled(
                Self.open(batch.records[index]), batch.records[index].answered,
                &batch.contents[index], capture, db)
        }
        // Before the rows that say where it is.
        let appended = try append(batch, db)
        if let rows = batch.rows, rows.namesVersion != names.snapshot.version {
            // They may say names that were removed.
            batch.rows = nil
        }
        let (written, refused) = try Self.insertRecords(of: batch, appended, &insertion, db)
        // Those that were there already, or that SQLite would not take.
        for index in batch.spilled {
            try Self.end(Self.open(batch.records[index]), number: nil, db)
        }
        for (index, spill) in batch.spills.enumerated() {
            try Self.insert(spill, at: appended.frames[index], in: appended.segment, db)
        }
        for progress in batch.progress {
            try Self.writeProgress(
                progress, stored: written.stored[progress.name] ?? 0,
                refused: refused[progress.name] ?? 0, db)
        }
        return (written, insertion.names.known)
    }

    /// Inserts the records, with their sums; also how many were refused, by journal.
    private static func insertRecords(
        of batch: Batch, _ appended: Appended, _ insertion: inout ExchangeInsertion, _ db: Database
    ) throws -> (Written, refused: [String: Int]) {
        var written = Written()
        var refused: [String: Int] = [:]
        var recovered = LedgerEntry.Gathered()
        var byJournal: [String: LedgerEntry.Gathered] = [:]
        var numbers = NumberRange()
        // Those that were there already, that are too old, or that SQLite would not take.
        var omitted: Set<Int> = []
        let mayBeOld = try !batch.leftJournals.isEmpty && hasOld(db)
        // Where they lie: a record holds some thirty references, and is not copied.
        let all = batch.records.span
        for index in all.indices {
            let isLeft = batch.leftJournals.contains(all[index].journal)
            do {
                let isOld = try isLeft && mayBeOld && isOld(all[index].identifier, db)
                guard !isOld, try insertion.insert(batch, index, appended.pointers[index]) else {
                    omitted.insert(index)
                    continue
                }
                let number = db.lastInsertedRowID
                numbers.add(number)
                if batch.spilled.contains(index) {
                    try end(open(all[index]), number: number, db)
                }
                if isLeft { recovered.add(all[index]) }
                if batch.isChargedByJournal {
                    byJournal[all[index].journal, default: .init()].add(all[index])
                }
            } catch let error as DatabaseError where !error.mayWorkLater {
                // One record that cannot be stored must not keep all others from it.
                omitted.insert(index)
                written.refused.append((all[index].identifier.description, "\(error)"))
                refused[all[index].journal, default: 0] += 1
            }
        }
        written.stored = batch.counts(without: omitted)
        try appended.advance(numbers, db)
        let (sums, charges) = batch.sums(without: omitted)
        try add(sums, &insertion.names, db)
        try add(charges, db)
        for (journal, charges) in byJournal { try add(charges, ofJournal: journal, db) }
        written.recovered = recovered.charges
        return (written, refused)
    }

    /// Inserts records that came through no journal.
    package func insert(_ records: [Record]) throws {
        var batch = Batch()
        batch.records = records
        _ = try write(batch, capture: Capture(bytesMax: .max))
    }

    /// What a batch's records keep in the segment.
    struct Appended {
        /// Where each of them is.
        var pointers: [ContentPointer] = []
        /// The offsets of frames of open exchanges.
        var frames: [Int] = []
        /// The segment.
        var segment: UInt64 { end?.segment ?? 0 }
        fileprivate var end: SegmentWriter.End?
        fileprivate var newestMicroseconds = 0

        /// Says how far the segment is, and which rows have something in it.
        func advance(_ numbers: NumberRange, _ db: Database) throws {
            guard let end else { return }
            try ContentTable.advance(
                end, newestMicroseconds: newestMicroseconds, numbers, db)
        }
    }

    private static func open(_ record: borrowing Record) -> OpenExchange {
        OpenExchange(journal: record.journal, exchange: record.exchange)
    }

    /// Writes what records keep, and frames of open exchanges, into the segment.
    func append(_ batch: Batch, _ db: Database) throws -> Appended {
        guard !batch.records.isEmpty || !batch.spills.isEmpty else { return Appended() }
        guard let writer else {
            throw Failure(code: "SQLITE_READONLY", description: "the store is open for reading")
        }
        let end = try ContentTable.end(db)
        // What was written ahead is nothing if its segment was sealed meanwhile.
        let ahead = batch.written.flatMap { writer.isCurrent($0, after: end) ? $0 : nil }
        let written = try ahead ?? writer.append(batch, after: end)
        guard written.end != end else { return Appended(pointers: written.pointers) }
        var newest = batch.records.reduce(0) { max($0, $1.acceptedMicroseconds) }
        if !batch.spills.isEmpty {
            // Their exchanges end later than now.
            newest = max(newest, Int(Identifier.wallClockMilliseconds()) * 1000)
        }
        return Appended(
            pointers: written.pointers, frames: written.frames, end: written.end,
            newestMicroseconds: newest)
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
