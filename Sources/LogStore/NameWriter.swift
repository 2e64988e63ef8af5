import GRDB
import Synchronization

/// Gives texts their numbers, within one transaction.
struct NameWriter {
    /// What is known of the table: as long as its transactions succeed, from one to the next.
    struct Known: Sendable {
        fileprivate var names: [String: Name] = [:]
        fileprivate var count: Int?
    }

    fileprivate struct Name: Sendable {
        var number: Int64
        var day: Int
    }

    private struct Recent {
        var text = ""
        var name = Name(number: 0, day: .max)
    }

    /// Names kept in memory: some hundred bytes each.
    private static let keptMax = 4096

    private let db: Database
    private(set) var known: Known
    // Calls are mostly like the one before.
    private var recent = [Recent](repeating: Recent(), count: 64)

    fileprivate init(_ db: Database, _ known: Known) {
        self.db = db
        self.known = known
    }

    /// The number of a text that a record of a day says; nil where the row must say it itself.
    ///
    /// `slot`: which of a record's texts it is, below 64.
    mutating func number(of text: String, day: Int, slot: Int) throws -> Int64? {
        if text.isEmpty { return 0 }
        let last = recent[slot]
        if last.name.day >= day, last.text == text { return last.name.number }
        guard let name = try name(of: text, day: day) else { return nil }
        recent[slot] = Recent(text: text, name: name)
        return name.number
    }

    private mutating func name(of text: String, day: Int) throws -> Name? {
        if let name = known.names[text], name.day >= day { return name }
        guard text.utf8.count <= NameTable.bytesMax else { return nil }
        let selection = try db.cachedStatement(sql: "SELECT number, day FROM names WHERE text = ?")
        var name: Name
        if let row = try Row.fetchOne(selection, arguments: [text]) {
            name = Name(number: row[0], day: row[1])
            if name.day < day {
                try db.cachedStatement(sql: "UPDATE names SET day = ? WHERE number = ?")
                    .execute(arguments: [day, name.number])
                name.day = day
            }
        } else {
            let count =
                try known.count ?? Int.fetchOne(db, sql: "SELECT count(*) FROM names") ?? 0
            known.count = count
            guard count < NameTable.countMax else { return nil }
            try db.cachedStatement(sql: "INSERT INTO names (text, day) VALUES (?, ?)")
                .execute(arguments: [text, day])
            name = Name(number: db.lastInsertedRowID, day: day)
            known.count = count + 1
        }
        if known.names.count >= Self.keptMax { known.names.removeAll(keepingCapacity: true) }
        known.names[text] = name
        return name
    }
}

/// What the store's writer knows of the table of names, between its transactions.
final class NameBook: Sendable {
    private let known = Mutex(NameWriter.Known())

    /// Lends what is known to a transaction: if that fails, all of it is read anew.
    func writer(_ db: Database) -> NameWriter {
        let lent = known.withLock { known in
            let lent = known
            known = NameWriter.Known()
            return lent
        }
        return NameWriter(db, lent)
    }

    /// Takes it back from a transaction that has succeeded.
    func keep(_ known: NameWriter.Known) {
        self.known.withLock { $0 = known }
    }

    /// Forgets it: names were removed.
    func forget() {
        known.withLock { $0 = NameWriter.Known() }
    }
}
