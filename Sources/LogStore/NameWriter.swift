import GRDB
import Primitives
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

    /// Nil where only what is known already has a number.
    private let db: Database?
    private(set) var known: Known
    /// Whether a text was asked for whose number only the database can say.
    private(set) var isShort = false
    // Calls are mostly like the one before.
    private var recent = [Recent](repeating: Recent(), count: 64)

    fileprivate init(_ db: Database?, _ known: Known) {
        self.db = db
        self.known = known
    }

    /// Numbers of what is known, for a thread without the database.
    init(_ snapshot: NameBook.Snapshot) {
        self.init(nil, snapshot.known)
    }

    /// Begins another record: nothing of it was asked for.
    mutating func begin() {
        isShort = false
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

    /// The number of a text as bytes, of which no text is made where it is the one before.
    mutating func number(of bytes: Span<UInt8>, day: Int, slot: Int) throws -> Int64? {
        let last = recent[slot]
        if last.name.day >= day, last.text.utf8.span.equals(bytes) { return last.name.number }
        return try number(of: bytes.text, day: day, slot: slot)
    }

    private mutating func name(of text: String, day: Int) throws -> Name? {
        if let name = known.names[text], name.day >= day { return name }
        guard text.utf8.count <= NameTable.bytesMax else { return nil }
        guard let db else {
            isShort = true
            return nil
        }
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
    /// What was known at a time, for threads without the database.
    struct Snapshot: Sendable {
        fileprivate(set) var known = NameWriter.Known()
        /// Changes when names may have been removed: numbers of before may be no names any more.
        fileprivate(set) var version = 0
    }

    private let current = Mutex(Snapshot())

    /// Gives what is known to a transaction: if that fails, nothing that it adds is kept.
    func writer(_ db: Database) -> NameWriter {
        NameWriter(db, snapshot.known)
    }

    /// What is known now: names of transactions that have succeeded.
    var snapshot: Snapshot { current.withLock { $0 } }

    /// Takes over what a transaction knew that has succeeded.
    func keep(_ known: NameWriter.Known) {
        current.withLock { $0.known = known }
    }

    /// Forgets it: names were removed.
    func forget() {
        current.withLock { $0 = Snapshot(version: $0.version + 1) }
    }
}
