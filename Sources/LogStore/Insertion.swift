import GRDB
import GRDBSQLite
import Primitives

/// An insert that is executed many times in one transaction, its values bound one after the other.
///
/// Records come by the ten thousand a second, and GRDB's own arguments, an array of boxed values,
/// would cost more than the insert itself. The statement is still GRDB's, and in its cache. Texts
/// are gathered in memory of the insertion's own and lent to SQLite from there, which would copy
/// each into a piece of memory of its own otherwise.
@safe
struct Insertion: ~Copyable {
    private enum Lent {
        case text, bytes
    }

    /// Memory for values kept from one execution to the next.
    private static let keptBytesMax = 256 << 10

    private let statement: SQLiteStatement
    private let connection: SQLiteConnection?
    private var parameter: Int32 = 0
    private var memory = ByteBuffer()
    // Bound when all are there, for the memory moves as it grows.
    private var lent: [(parameter: Int32, kind: Lent, range: Range<Int>)] = []

    /// Executions of a statement with placeholders.
    init(_ sql: String, _ db: Database) throws {
        unsafe statement = try db.cachedStatement(sql: sql).sqliteStatement
        unsafe connection = db.sqliteConnection
    }

    deinit {
        unsafe sqlite3_reset(statement)
        // Nothing of the memory that is given up now stays bound.
        unsafe sqlite3_clear_bindings(statement)
    }

    mutating func bind(_ text: String) {
        bind { $0.append(text: text) }
    }

    /// Binds a text that a closure writes.
    mutating func bind(_ write: (inout ByteBuffer) -> Void) {
        parameter += 1
        let start = memory.count
        write(&memory)
        lent.append((parameter, .text, start..<memory.count))
    }

    /// Binds a text that a function writes about a record.
    mutating func bind(
        _ record: borrowing Record, _ write: (borrowing Record, inout ByteBuffer) -> Void
    ) {
        parameter += 1
        let start = memory.count
        write(record, &memory)
        lent.append((parameter, .text, start..<memory.count))
    }

    mutating func bind(_ number: Int?) {
        parameter += 1
        if let number {
            unsafe sqlite3_bind_int64(statement, parameter, Int64(number))
        } else {
            unsafe sqlite3_bind_null(statement, parameter)
        }
    }

    mutating func bind(_ bytes: [UInt8]) {
        parameter += 1
        let start = memory.count
        memory.append(bytes.span)
        lent.append((parameter, .bytes, start..<memory.count))
    }

    /// Binds values that were made before, and that stay as they are until the execution.
    mutating func bind(_ values: borrowing RowValues, _ range: Range<Int>) {
        for index in range {
            parameter += 1
            unsafe values.withValue(index) { value in
                switch unsafe value {
                case .number(let number):
                    unsafe sqlite3_bind_int64(statement, parameter, Int64(number))
                case .absent:
                    unsafe sqlite3_bind_null(statement, parameter)
                case .text(let bytes):
                    unsafe sqlite3_bind_text(
                        statement, parameter, bytes.assumingMemoryBound(to: CChar.self).baseAddress,
                        Int32(clamping: bytes.count), nil)
                case .bytes(let bytes):
                    unsafe sqlite3_bind_blob(
                        statement, parameter, bytes.baseAddress, Int32(clamping: bytes.count), nil)
                }
            }
        }
    }

    /// Inserts, and is ready for the next values.
    ///
    /// Throws GRDB's error with SQLite's code.
    mutating func execute() throws {
        lend()
        let code = unsafe sqlite3_step(statement)
        let message =
            code == SQLITE_DONE
            ? nil : unsafe connection.map { unsafe String(cString: sqlite3_errmsg($0)) }
        unsafe sqlite3_reset(statement)
        parameter = 0
        lent.removeAll(keepingCapacity: true)
        if memory.capacity > Self.keptBytesMax { memory.release() } else { memory.removeAll() }
        guard code == SQLITE_DONE else {
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
    }

    /// Rows that the last execution inserted.
    var changesCount: Int {
        unsafe connection.map { unsafe Int(sqlite3_changes($0)) } ?? 0
    }

    /// The number of the row that was inserted last.
    var lastNumber: Int64 {
        unsafe connection.map { unsafe sqlite3_last_insert_rowid($0) } ?? 0
    }

    private mutating func lend() {
        // Even an empty text has an address: without one it would be NULL.
        memory.reserve(1)
        guard let base = unsafe memory.pointer.baseAddress else { return }
        for (parameter, kind, range) in lent {
            let start = unsafe base + range.lowerBound
            let count = Int32(clamping: range.count)
            switch kind {
            case .text:
                unsafe sqlite3_bind_text(
                    statement, parameter, start.assumingMemoryBound(to: CChar.self), count, nil)
            case .bytes:
                unsafe sqlite3_bind_blob(statement, parameter, start, count, nil)
            }
        }
    }
}
