import GRDB
import Glibc
import Journal
import Primitives
import Reactor

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

    /// Adds the account of a journal.
    mutating func add(_ part: Accounting) {
        emitted += part.emitted
        stored += part.stored
        dropped += part.dropped
        pending += part.pending
    }
}

extension Store {
    /// The account of a gateway's folder, while it runs or not.
    ///
    /// Throws where the folder or a journal in it cannot be looked into.
    public func account(folder: String) throws -> Accounting {
        // Before the database is asked: a journal that ends later is open here by then, and one
        // that ended before is among those that the database has closed.
        let files = try Self.journals(folder)
        let names = Set(files.map(\.name.description))
        var ended: Set<String> = []
        var gone: [String: Accounting] = [:]
        var account = Accounting()
        try database.read { db in
            let rows = try Row.fetchCursor(db, sql: "SELECT * FROM journals")
            while let row = try rows.next() {
                let name: String = row["name"]
                if row["is_ended"] == 1 {
                    ended.insert(name)
                    account.add(Self.closed(row))
                } else if !names.contains(name) {
                    gone[name] = Self.gone(row)
                }
            }
        }
        // One that was begun meanwhile has a file by now.
        let now = gone.isEmpty ? [] : try JournalFolder.journals(in: folder)
        for (name, part) in gone where !now.contains(where: { $0.hasSuffix("/\(name).journal") }) {
            account.add(part)
        }
        for file in files where !ended.contains(file.name.description) {
            account.add(try accountSteadily(file))
            account.journals += 1
        }
        return account
    }

    /// The journals of a folder.
    ///
    /// `unusable`: called with the path of a file that is none, and why.
    static func journals(
        _ folder: String, unusable: (String, JournalFile.Unusable) throws -> Void = { throw $1 }
    ) throws -> [JournalFile] {
        var files: [JournalFile] = []
        for path in try JournalFolder.journals(in: folder) {
            do {
                files.append(try JournalFile(opening: path, isReadOnly: true))
            } catch let error as SystemError where error.code == ENOENT {
                // It has ended since the folder was listed.
                continue
            } catch let error as JournalFile.Unusable {
                try unusable(path, error)
            }
        }
        return files
    }

    /// A journal's part, counted again when its reader goes on meanwhile.
    func accountSteadily(
        _ file: JournalFile, betweenReadings: () throws -> Void = {}
    ) throws -> Accounting {
        for _ in 0..<100 {
            let (part, cursor) = try database.read { db in
                try Self.account(file, db, betweenReadings)
            }
            // The reader wipes what it is done with after it has moved this cursor, and before it
            // moves the ring's own: frames that were read meanwhile may have been wiped.
            let now: Int64 = try database.read { try Self.row(file, $0)?["cursor"] } ?? 0
            if let part, now == cursor { return part }
        }
        throw Failure(
            code: "", description: "\(file.path) changes too fast to be counted; try again")
    }

    private static func row(_ file: JournalFile, _ db: Database) throws -> Row? {
        try Row.fetchOne(
            db, sql: "SELECT * FROM journals WHERE name = ?", arguments: [file.name.description])
    }

    /// The part of a journal that has ended.
    private static func closed(_ row: Row) -> Accounting {
        var part = Accounting()
        part.emitted = row["emitted"] ?? 0
        part.stored = row["stored"] ?? 0
        part.dropped = (row["lost"] ?? 0) + (row["dropped"] ?? 0)
        return part
    }

    /// The part of a journal that went on when a backup was made, or whose file was taken away: of
    /// it is known what was stored.
    private static func gone(_ row: Row) -> Accounting {
        var part = Accounting()
        part.stored = row["stored"] ?? 0
        part.dropped = row["lost"] ?? 0
        part.emitted = part.stored + part.dropped
        return part
    }

    /// The database is seen as it was at one moment; what the journal holds beyond it is read
    /// after that moment, and only counts if none of it was given back meanwhile.
    ///
    /// Returns the cursor of that moment, too.
    private static func account(
        _ file: JournalFile, _ db: Database, _ betweenReadings: () throws -> Void
    ) throws -> (part: Accounting?, cursor: Int64) {
        let row = try row(file, db)
        let stored: Int64 = row?["cursor"] ?? 0
        if let row, row["is_ended"] == 1 { return (closed(row), stored) }
        let cursor = UInt64(clamping: stored)
        var open = try openExchanges(of: file.name.description, db)
        try betweenReadings()
        let tally = file.tally
        var begun: [(exchange: Int64, id: Identifier)] = []
        var reader = JournalReader(file, from: cursor)
        guard reader.cursor == max(cursor, file.readCursor), file.readCursor <= cursor else {
            return (nil, stored)
        }
        reader.read { frame in
            guard frame.position < tally.writeCursor else { return false }
            if frame.kind == .begin, let payload = BeginPayload(frame.payload) {
                begun.append((Int64(clamping: frame.exchange), payload.identifier))
            }
            return true
        }
        guard file.readCursor <= cursor else { return (nil, stored) }
        for (exchange, id) in begun {
            if try !isStored(id, db) { open.insert(exchange) }
        }
        var part = Accounting()
        part.emitted = tally.emitted
        part.stored = row?["stored"] ?? 0
        part.dropped = tally.dropped + (row?["lost"] ?? 0)
        part.pending = open.count
        return (part, stored)
    }
}
