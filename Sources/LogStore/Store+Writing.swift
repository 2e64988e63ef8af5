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
    ///
    /// A batch may be written once more where this threw.
    func write(_ batch: inout Batch, capture: Capture) throws(Failure) -> Written {
        do {
            let (written, known) = try database.write { db in try store(&batch, capture, db) }
            names.keep(known)
            return written
        } catch {
            throw Failure(error)
        }
    }

    private func store(
        _ batch: inout Batch, _ capture: Capture, _ db: Database
    ) throws -> (Written, NameWriter.Known) {
        var insertion = try ExchangeInsertion(db, names.writer(db))
        // What is taken back is taken back anew if this fails, and tried again.
        let contents = batch.spilled.isEmpty ? nil : batch.contents
        defer { if let contents { batch.contents = contents } }
        for index in batch.spilled {
            try takeBackSpilled(
                Self.open(batch.records[index]), batch.records[index].answered,
                &batch.contents[index], capture, db)
        }
        // Before the rows that say where it is.
        let appended = try append(&batch, db)
        if let rows = batch.rows, rows.namesVersion != names.snapshot.version {
            // They may say names that were removed.
            batch.rows = nil
        }
        let (written, refused) = try Self.insertRecords(of: &batch, appended, &insertion, db)
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

    /// What became of a batch's records.
    private struct Fates {
        var numbers = NumberRange()
        /// Those that were there already, that are too old, or that SQLite would not take.
        var omitted: Set<Int> = []
        /// The last of these, and why.
        var refused: [(index: Int, error: DatabaseError)] = []

        mutating func refuse(_ index: Int, _ error: DatabaseError) {
            omitted.insert(index)
            refused.append((index, error))
        }
    }

    /// Inserts the records, with their sums; also how many were refused, by journal.
    private static func insertRecords(
        of batch: inout Batch, _ appended: Appended, _ insertion: inout ExchangeInsertion,
        _ db: Database
    ) throws -> (Written, refused: [String: Int]) {
        var fates = Fates()
        let mayBeOld = try !batch.leftJournals.isEmpty && hasOld(db)
        for index in batch.records.indices {
            do {
                if mayBeOld, batch.leftJournals.contains(batch.records[index].journal),
                    try isOld(batch.records[index].identifier, db)
                {
                    fates.omitted.insert(index)
                    continue
                }
                guard try insertion.add(&batch, index, appended.pointers[index]) else { continue }
            } catch let error as DatabaseError where !error.mayWorkLater {
                // One record that cannot be stored must not keep all others from it.
                fates.refuse(index, error)
                continue
            }
            try settle(&insertion, batch, &fates, db)
        }
        try settle(&insertion, batch, &fates, db)
        var written = Written()
        var refused: [String: Int] = [:]
        for (index, error) in fates.refused {
            let record = batch.records[index]
            written.refused.append((record.identifier.description, "\(error)"))
            refused[record.journal, default: 0] += 1
        }
        written.stored = batch.counts(without: fates.omitted)
        try appended.advance(fates.numbers, db)
        let (sums, charges) = batch.sums(without: fates.omitted)
        try add(sums, &insertion.names, db)
        try add(charges, db)
        written.recovered = try addByJournal(of: batch, without: fates.omitted, db)
        return (written, refused)
    }

    private static func settle(
        _ insertion: inout ExchangeInsertion, _ batch: borrowing Batch, _ fates: inout Fates,
        _ db: Database
    ) throws {
        try insertion.settle(batch) { index, fate in
            switch fate {
            case .known: fates.omitted.insert(index)
            case .refused(let error): fates.refuse(index, error)
            case .inserted(let number):
                fates.numbers.add(number)
                guard batch.spilled.contains(index) else { return }
                try end(open(batch.records[index]), number: number, db)
            }
        }
    }

    /// Adds what records were charged to the sums of their journals, where those are kept; what
    /// the records of journals that earlier processes left were charged.
    private static func addByJournal(
        of batch: borrowing Batch, without omitted: Set<Int>, _ db: Database
    ) throws -> [PastCharge] {
        guard batch.isChargedByJournal || !batch.leftJournals.isEmpty else { return [] }
        var recovered = LedgerEntry.Gathered()
        var byJournal: [String: LedgerEntry.Gathered] = [:]
        for index in batch.records.indices where !omitted.contains(index) {
            let record = batch.records[index]
            if batch.leftJournals.contains(record.journal) { recovered.add(record) }
            if batch.isChargedByJournal {
                byJournal[record.journal, default: LedgerEntry.Gathered()].add(record)
            }
        }
        for (journal, charges) in byJournal { try add(charges, ofJournal: journal, db) }
        return recovered.charges
    }

    /// Inserts records that came through no journal.
    package func insert(_ records: [Record]) throws {
        var batch = Batch()
        batch.records = records
        _ = try write(&batch, capture: Capture(bytesMax: .max))
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
    func append(_ batch: inout Batch, _ db: Database) throws -> Appended {
        guard !batch.records.isEmpty || !batch.spills.isEmpty else { return Appended() }
        guard let writer else {
            throw Failure(code: "SQLITE_READONLY", description: "the store is open for reading")
        }
        let end = try ContentTable.end(db)
        // What was written ahead is nothing if its segment was sealed meanwhile.
        let ahead = batch.written.flatMap { writer.isCurrent($0, after: end) ? $0 : nil }
        let written = try ahead ?? writer.append(&batch, after: end)
        guard written.end != end else { return Appended(pointers: written.pointers) }
        var newest = 0
        for index in batch.records.indices {
            newest = max(newest, batch.records[index].acceptedMicroseconds)
        }
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
