import Foundation
import GRDB

/// Bytes in the database.
///
/// GRDB gives and takes Foundation's `Data`; only this type knows it.
struct Bytes: DatabaseValueConvertible, StatementColumnConvertible {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    init(sqliteStatement: SQLiteStatement, index: CInt) {
        bytes = unsafe [UInt8](Data(sqliteStatement: sqliteStatement, index: index))
    }

    var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    static func fromDatabaseValue(_ value: DatabaseValue) -> Bytes? {
        Data.fromDatabaseValue(value).map { Bytes([UInt8]($0)) }
    }
}
