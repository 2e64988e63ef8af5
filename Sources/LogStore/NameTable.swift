import GRDB

// DESIGN
//
// Texts that repeat from record to record are stored once, and rows say their numbers. A text that
// is long, or that finds the table full, stands in the row itself: a client that makes up a new
// model for each call makes the table no larger than its bound. The column of such a text holds a
// number or a text, each of its own type.
//
// A name is removed when nothing says it any more. Each has the latest day of the records and sums
// that say it: one whose day is before that of the oldest of them is said by none. Numbers are
// never given twice, so a name that another process remembers is never another's.

/// The table of texts that repeat from record to record.
enum NameTable {
    /// Names at most.
    static let countMax = 200_000
    /// Bytes of a name at most.
    static let bytesMax = 1024

    /// Makes it; the empty text has the number 0.
    static let schema = [
        """
        CREATE TABLE names (
            number INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE,
            day INTEGER NOT NULL
        ) STRICT
        """,
        "INSERT INTO names VALUES (0, '', \(Int64.max))",
    ]

    /// The day of a time in microseconds since 1970.
    static func day(ofMicroseconds microseconds: Int) -> Int {
        max(0, microseconds) / 86_400_000_000
    }

    /// Removes the names that nothing says any more.
    static func removeUnused(_ db: Database) throws {
        let oldest = try Int.fetchOne(
            db,
            sql: """
                SELECT min(us) FROM (
                    SELECT min(accepted_us) AS us FROM exchanges
                    UNION ALL SELECT min(hour) * 3600000000 FROM session_hours)
                """)
        try db.execute(
            sql: "DELETE FROM names WHERE day < ?",
            arguments: [day(ofMicroseconds: oldest ?? .max)])
    }

    /// The condition that a column's text is a parameter, which stands twice.
    ///
    /// The plus signs keep SQLite from taking a text of digits for a number.
    static func isEqual(_ column: String) -> String {
        "\(column) IN (SELECT +number FROM names WHERE text = ? UNION ALL SELECT ?)"
    }

    /// The condition that a column's text is like a pattern, which stands twice.
    static func isLike(_ column: String) -> String {
        """
        (\(column) IN (SELECT +number FROM names WHERE text GLOB ?)
            OR typeof(\(column)) = 'text' AND \(column) GLOB ?)
        """
    }

    /// The text of a column, as SQL has it.
    static func text(_ column: String) -> String {
        """
        CASE typeof(\(column)) WHEN 'integer'
            THEN ifnull((SELECT text FROM names WHERE number = \(column)), '')
            ELSE \(column) END
        """
    }
}

/// Reads names by their numbers, for as long as one reading lasts.
final class NameReader {
    /// Names that are asked for one by one; a reading of more has the whole table read at once.
    private static let singleMax = 1000

    private let db: Database
    private var texts: [Int64: String] = [0: ""]
    private var singles = 0

    init(_ db: Database) {
        self.db = db
    }

    /// The text of a number; of one that a damaged database says, the number.
    func text(_ number: Int64) throws -> String {
        if let text = texts[number] { return text }
        singles += 1
        if singles == Self.singleMax {
            try readAll()
            if let text = texts[number] { return text }
        }
        let statement = try db.cachedStatement(sql: "SELECT text FROM names WHERE number = ?")
        let text = try String.fetchOne(statement, arguments: [number]) ?? "?\(number)"
        texts[number] = text
        return text
    }

    private func readAll() throws {
        let rows = try Row.fetchCursor(db, sql: "SELECT number, text FROM names")
        while let row = try rows.next() { texts[row[0]] = row[1] }
    }

    /// The text of a column that holds a number or a text.
    func text(_ row: Row, _ index: Int) throws -> String {
        let value: DatabaseValue = row[index]
        return try text(of: value)
    }

    /// The text of a number or a text.
    func text(of value: DatabaseValue) throws -> String {
        switch value.storage {
        case .int64(let number): return try text(number)
        case .string(let text): return text
        default: return ""
        }
    }
}
