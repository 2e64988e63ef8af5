import GRDB

@testable import LogStore

/// A store as an earlier version left it.
enum OldStore {
    /// Writes records into one, their bodies in the database, as version 0.1 had them.
    static func write(_ records: [LogStore.Record], in folder: String) throws {
        let database = try DatabaseQueue(path: Store.path(in: folder))
        try Store.migrator().migrate(database, upTo: "5: removals")
        try database.write { db in
            var rows = try Insertion(
                RecordTable.records.insertion("INSERT", withNumber: false), db)
            var bodies = try Insertion(
                RecordTable.bodies.insertion("INSERT", withNumber: true), db)
            for record in records {
                RecordTable.records.bind(record, to: &rows)
                try rows.execute()
                bodies.bind(Int(db.lastInsertedRowID))
                RecordTable.bodies.bind(record, to: &bodies)
                try bodies.execute()
            }
        }
        try database.close()
    }
}
