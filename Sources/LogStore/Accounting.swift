import GRDB
import Journal
import Primitives

/// Whether every exchange is accounted for: emitted = stored + dropped + pending.
///
/// Pending exchanges are counted from the journals' own bytes, not derived from the other numbers.
public struct Accounting: Equatable, Sendable {
    /// Exchanges that need a record, of all journals there ever were.
    public var emitted = 0
    /// Those that got one, even if it was too old and has been removed.
    public var stored = 0
    /// Those that never will: without room, damaged, or refused by the store.
    public var dropped = 0
    /// Those in flight, or on their way to the store.
    public var pending = 0
    /// Journals that are in use, or were left and not read yet.
    public var journals = 0

    /// An account of nothing.
    public init() {}

    /// Exchanges that nothing accounts for.
    public var difference: Int { emitted - stored - dropped - pending }
}

extension Store {
    /// The account of a gateway's folder, while it runs or not.
    public func account(folder: String) throws -> Accounting {
        var account = try database.read { db in
            var account = Accounting()
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT sum(emitted) AS emitted, sum(stored) AS stored,
                            sum(lost + dropped) AS dropped FROM journals WHERE is_ended = 1
                        """)
            else { return account }
            account.emitted = row["emitted"] ?? 0
            account.stored = row["stored"] ?? 0
            account.dropped = row["dropped"] ?? 0
            return account
        }
        for path in JournalFolder.journals(in: folder) {
            guard let file = try? JournalFile(opening: path) else { continue }
            guard let part = try accountSteadily(file) else { continue }
            account.emitted += part.emitted
            account.stored += part.stored
            account.dropped += part.dropped
            account.pending += part.pending
            account.journals += 1
        }
        return account
    }

    /// A journal's part, counted again when its reader gives room back meanwhile.
    private func accountSteadily(_ file: JournalFile) throws -> Accounting? {
        for _ in 0..<100 {
            let part = try database.read { db in try Self.account(file, db) }
            if let part { return part }
        }
        throw Failure(
            code: "", description: "\(file.path) changes too fast to be counted; try again")
    }

    /// The database is seen as it was at one moment; what the journal holds beyond it is read
    /// after that moment, and only counts if none of it was overwritten meanwhile.
    private static func account(_ file: JournalFile, _ db: Database) throws -> Accounting? {
        let name = file.name.description
        let row = try Row.fetchOne(
            db, sql: "SELECT cursor, stored, lost, is_ended FROM journals WHERE name = ?",
            arguments: [name])
        // Its account was closed with the others between the two readings.
        if row?["is_ended"] == 1 { return Accounting() }
        let cursor = UInt64(clamping: (row?["cursor"] ?? 0) as Int64)
        var open = Set(
            try Int64.fetchAll(
                db, sql: "SELECT DISTINCT exchange FROM open_frames WHERE journal = ?",
                arguments: [name]))
        let tally = file.tally
        var begun: [(exchange: Int64, id: String)] = []
        var reader = JournalReader(file, from: cursor)
        guard reader.cursor == max(cursor, file.readCursor), file.readCursor <= cursor else {
            return nil
        }
        reader.read { frame in
            guard frame.position < tally.writeCursor else { return false }
            if frame.kind == .begin, let payload = BeginPayload(frame.payload) {
                begun.append(
                    (Int64(clamping: frame.exchange), payload.identifier.description))
            }
            return true
        }
        guard file.readCursor <= cursor else { return nil }
        for (exchange, id) in begun {
            let isStored =
                try Bool.fetchOne(
                    db.cachedStatement(sql: "SELECT 1 FROM records WHERE id = ?"),
                    arguments: [id]) ?? false
            if !isStored { open.insert(exchange) }
        }
        var part = Accounting()
        part.emitted = tally.emitted
        part.stored = row?["stored"] ?? 0
        part.dropped = tally.dropped + (row?["lost"] ?? 0)
        part.pending = open.count
        return part
    }
}
