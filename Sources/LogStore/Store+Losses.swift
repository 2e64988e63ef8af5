import GRDB
import Glibc
import Journal
import Primitives

extension Store {
    /// The tables of what was lost, and of the segments that were taken away in order while their
    /// rows stay.
    static let lossesSchema = [
        """
        CREATE TABLE losses (
            kind TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,
            PRIMARY KEY (kind, name)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE TABLE removed_segments (number INTEGER PRIMARY KEY) STRICT",
    ]

    /// The table of losses that an operator knows of.
    static let acknowledgedSchema = """
        CREATE TABLE acknowledged_losses (
            kind TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,
            at_us INTEGER NOT NULL, PRIMARY KEY (kind, name)
        ) STRICT, WITHOUT ROWID
        """

    /// Writes down what was lost, and is seen only once.
    func remember(_ loss: RecordLoss) throws {
        try database.write { try Self.add(loss, $0) }
    }

    private static func add(_ loss: RecordLoss, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO losses VALUES (?1, ?2, ?3)
                ON CONFLICT DO UPDATE SET count = count + ?3
                """,
            arguments: [loss.kind.rawValue, loss.name, loss.count])
    }

    /// The paths of segments that no row leads to: those that were put aside, because the index
    /// went back, and those of which a killed process's transaction did not come to be.
    ///
    /// What a process writes now is none of them.
    public func unledSegments() throws -> [String] {
        // In this order: a segment that begins in between has its row, or is behind the last one.
        let there = segments.numbers
        let isWritten = JournalFolder.owner(of: segments.parent) != nil
        let (rows, removed) = try database.read { db in
            (
                try Set(Int64.fetchAll(db, sql: "SELECT number FROM segments")),
                try Set(Int64.fetchAll(db, sql: "SELECT number FROM removed_segments"))
            )
        }
        let last = rows.max() ?? 0
        let strays = there.filter { number in
            let key = Int64(clamping: number)
            return !rows.contains(key) && !removed.contains(key) && (key < last || !isWritten)
                && (segments.status(of: number)?.bytes ?? 0) > Segment.headBytes
        }
        return segments.putAside + strays.map(segments.path(of:))
    }

    /// All that is known to be lost without a look at every record, acknowledged or not.
    ///
    /// Throws where the folder cannot be looked into.
    public func losses() throws -> [RecordLoss] {
        var losses = try missingSegments().map {
            RecordLoss(kind: .segmentMissing, name: "\($0)")
        }
        let aside = try JournalFolder.putAside(in: segments.parent)
        losses += try missingJournals().filter { !aside.contains($0 + ".journal.damaged") }
            .map { RecordLoss(kind: .journalMissing, name: $0) }
        let known = try database.read { db in
            try Row.fetchAll(db, sql: "SELECT kind, name, count FROM losses ORDER BY kind, name")
                .compactMap { row in
                    RecordLoss.Kind(rawValue: row[0]).map {
                        RecordLoss(kind: $0, name: row[1], count: row[2])
                    }
                }
                + Row.fetchAll(
                    db, sql: "SELECT name, lost FROM journals WHERE lost > 0 ORDER BY name"
                ).map { RecordLoss(kind: .exchangesLost, name: $0[0], count: $0[1]) }
        }
        losses += aside.filter { name in
            !known.contains { $0.kind == .journalAside && $0.name == name }
        }.map { RecordLoss(kind: .journalAside, name: $0) }
        // Only where none writes to it.
        if JournalFolder.owner(of: segments.parent) == nil,
            try WriteAheadLog.look(Self.path(in: segments.parent), repairs: false) != .whole
        {
            losses.append(RecordLoss(kind: .indexDamage, name: "weir.db-wal"))
        }
        return losses + known
    }

    // MARK: The index

    /// Complaints of SQLite about the index's pages that are counted at most.
    private static let complaintsMax = 100

    /// What SQLite finds wrong in the index's pages.
    ///
    /// Their structure is looked at, and each index against its table. A bit that flips within a
    /// row's number or text is not seen by that.
    public func damagedPages() throws -> RecordLoss? {
        let complaints = try database.read { db in
            try String.fetchAll(db, sql: "PRAGMA integrity_check(\(Self.complaintsMax))")
        }
        guard complaints != ["ok"] else { return nil }
        return RecordLoss(kind: .pagesDamaged, name: "weir.db", count: complaints.count)
    }

    /// Whether the database knew more once: a journal's room was given back for frames that it
    /// does not know, which is done only after a commit; or no process has left a journal, and
    /// segments hold more than rows know, which none leaves that ends in order.
    static func isBehind(
        _ folder: String, _ segments: SegmentFolder, _ end: SegmentWriter.End, _ pool: DatabasePool
    ) throws -> Bool {
        let left = try JournalFolder.journals(in: folder).filter { path in
            // This process's own are made before the database is opened.
            (try? JournalFile(opening: path, isReadOnly: true))?.writeCursor != 0
        }
        guard !left.isEmpty else { return !segments.unknown(behind: end).isEmpty }
        let cursors = try pool.read { db in
            try Row.fetchAll(db, sql: "SELECT name, cursor FROM journals").map {
                ($0[0] as String, UInt64(clamping: $0[1] as Int64))
            }
        }
        let known = Dictionary(cursors) { first, _ in first }
        return left.contains { path in
            guard let file = try? JournalFile(opening: path, isReadOnly: true) else { return false }
            return file.readCursor > known[file.name.description] ?? 0
        }
    }

    /// What is to be said of the index's log, and of segments that were put aside as rows are lost;
    /// the loss is written down.
    static func repairs(
        _ log: WriteAheadLog.Finding, _ aside: [String], _ pool: DatabasePool
    ) throws -> [String] {
        var repairs: [String] = []
        if case .flipped(let offsets) = log {
            let list = offsets.map { "\($0)" }.joined(separator: ", ")
            repairs.append("bits of weir.db-wal were wrong and were put right, at offset \(list)")
        }
        guard log == .damaged || !aside.isEmpty else { return repairs }
        let losses = (aside.isEmpty ? [""] : aside.map { "segments/\($0)" })
            .map { RecordLoss(kind: .indexBehind, name: $0) }
        try pool.write { db in
            for loss in losses { try add(loss, db) }
        }
        return repairs + losses.map(\.description)
    }

    // MARK: Segments

    /// The segments that rows know and that are not there, though nothing here took them away.
    func missingSegments() throws -> [UInt64] {
        // In this order: one that is taken away in between is marked before it goes.
        let known = try database.read { db in
            try Int64.fetchAll(db, sql: "SELECT number FROM segments ORDER BY number")
        }
        let gone = known.map { UInt64(clamping: $0) }.filter { !segments.isThere($0) }
        guard !gone.isEmpty else { return [] }
        let (rows, removed) = try database.read { db in
            (
                try Set(Int64.fetchAll(db, sql: "SELECT number FROM segments")),
                try Set(Int64.fetchAll(db, sql: "SELECT number FROM removed_segments"))
            )
        }
        return gone.filter {
            rows.contains(Int64(clamping: $0)) && !removed.contains(Int64(clamping: $0))
        }
    }

    /// Says that a segment is about to be taken away in order.
    func markRemoved(_ number: UInt64) throws {
        try database.write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO removed_segments VALUES (?)",
                arguments: [Int64(clamping: number)])
        }
    }

    /// Forgets marks of segments that have no row any more.
    static let removedSegmentsCleaning =
        "DELETE FROM removed_segments WHERE number NOT IN (SELECT number FROM segments)"

    /// Says of all segments that are not there that they were taken away in order: where nothing
    /// shows it, as of those that a version took which did not say so, or that a copy has not.
    static func markAbsentRemoved(_ segments: SegmentFolder, _ db: Database) throws {
        for number in try Int64.fetchAll(db, sql: "SELECT number FROM segments")
        where !segments.isThere(UInt64(clamping: number)) {
            try db.execute(
                sql: "INSERT OR IGNORE INTO removed_segments VALUES (?)", arguments: [number])
        }
    }

    // MARK: Journals

    /// Writes down that journals have begun: if their files are taken away it shows.
    func begin(journals: [String]) throws {
        guard !journals.isEmpty else { return }
        try database.write { db in
            for name in journals {
                try db.execute(
                    sql: "INSERT OR IGNORE INTO journals VALUES (?, 0, 0, 0, 0, 0, 0)",
                    arguments: [name])
            }
        }
    }

    /// The journals that have not ended, and whose files are not there.
    private func missingJournals() throws -> [String] {
        let open = try database.read { db in
            try String.fetchAll(
                db, sql: "SELECT name FROM journals WHERE is_ended = 0 ORDER BY name")
        }
        let files = try JournalFolder.journals(in: segments.parent)
        let gone = open.filter { name in !files.contains { $0.hasSuffix("/\(name).journal") } }
        guard !gone.isEmpty else { return [] }
        // One that has ended in between has a row that says so.
        return try database.read { db in
            let still = try Set(
                String.fetchAll(db, sql: "SELECT name FROM journals WHERE is_ended = 0"))
            return gone.filter(still.contains)
        }
    }

    /// Has a copy say that journals which a folder does not have had ended when it was made, and
    /// that segments which it does not have were taken away while it was.
    static func settle(copy draft: String, for folder: String) throws {
        let names = Set(
            (try? JournalFolder.journals(in: folder))?.compactMap { path in
                path.split(separator: "/").last.map { String($0.dropLast(".journal".count)) }
            } ?? [])
        let copy = try DatabaseQueue(path: path(in: draft))
        try copy.write { db in
            for name in try String.fetchAll(
                db, sql: "SELECT name FROM journals WHERE is_ended = 0")
            where !names.contains(name) {
                try db.execute(
                    sql: """
                        UPDATE journals SET is_ended = 1, dropped = 0, emitted = stored + lost
                        WHERE name = ?
                        """, arguments: [name])
            }
            guard try db.tableExists("removed_segments") else { return }
            try markAbsentRemoved(SegmentFolder(in: draft), db)
        }
        try copy.close()
    }
}
