import Foundation
import GRDB
import GRDBSQLite

/// Bytes in the database.
///
/// GRDB gives and takes Foundation's `Data`; only this type knows it.
struct Bytes: DatabaseValueConvertible, StatementColumnConvertible {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    init(sqliteStatement: SQLiteStatement, index: CInt) {
        // In this order: SQLite may have to make it one.
        let start = unsafe sqlite3_column_blob(sqliteStatement, index)
        let count = unsafe Int(sqlite3_column_bytes(sqliteStatement, index))
        bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    static func fromDatabaseValue(_ value: DatabaseValue) -> Bytes? {
        Data.fromDatabaseValue(value).map { Bytes([UInt8]($0)) }
    }
}
