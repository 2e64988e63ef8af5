import GRDB
import GRDBSQLite

/// One execution of an insert, its values bound one after the other.
///
/// Records come by the ten thousand a second, and GRDB's own arguments, an array of boxed values,
/// would cost more than the insert itself. The statement is still GRDB's, and in its cache.
@safe
struct Insertion: ~Copyable {
    /// Has SQLite copy what it is given: texts are only lent.
    private static let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private let statement: SQLiteStatement
    private let connection: SQLiteConnection?
    private var place: Int32 = 0

    /// An execution of a statement with placeholders.
    init(_ sql: String, _ db: Database) throws {
        unsafe statement = try db.cachedStatement(sql: sql).sqliteStatement
        unsafe connection = db.sqliteConnection
    }

    deinit {
        unsafe sqlite3_reset(statement)
        unsafe sqlite3_clear_bindings(statement)
    }

    mutating func bind(_ text: String) {
        place += 1
        var text = text
        text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                guard let start = characters.baseAddress else {
                    // Without an address it would be NULL.
                    unsafe sqlite3_bind_text(statement, place, "", 0, Self.transient)
                    return
                }
                unsafe sqlite3_bind_text(
                    statement, place, start, Int32(clamping: characters.count), Self.transient)
            }
        }
    }

    mutating func bind(_ number: Int?) {
        place += 1
        // What is not bound is NULL.
        if let number { unsafe sqlite3_bind_int64(statement, place, Int64(number)) }
    }

    mutating func bind(_ bytes: [UInt8]) {
        place += 1
        guard !bytes.isEmpty else {
            unsafe sqlite3_bind_zeroblob(statement, place, 0)
            return
        }
        unsafe bytes.withUnsafeBytes { space in
            _ = unsafe sqlite3_bind_blob(
                statement, place, space.baseAddress, Int32(clamping: space.count), Self.transient)
        }
    }

    /// Inserts.
    ///
    /// Throws GRDB's error with SQLite's code.
    consuming func execute() throws {
        let code = unsafe sqlite3_step(statement)
        guard code != SQLITE_DONE else { return }
        let message = unsafe connection.map { unsafe String(cString: sqlite3_errmsg($0)) }
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }
}
