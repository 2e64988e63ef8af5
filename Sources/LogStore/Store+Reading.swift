import Dialects
import GRDB
import Primitives

extension Store {
    /// The records that a filter asks for, without their bodies, the newest first.
    public func records(_ filter: RecordFilter, limit: Int) throws -> [StoredRecord] {
        let (sql, arguments) = filter.condition
        return try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    \(RecordTable.selection(withBodies: false)) WHERE \(sql)
                    ORDER BY accepted_us DESC, number DESC LIMIT ?
                    """,
                arguments: arguments + [limit]
            ).map(StoredRecord.init)
        }
    }

    /// Lends the records that a filter asks for in the order they were stored, with their bodies
    /// where those are wanted, until the closure has had enough.
    public func eachRecord(
        _ filter: RecordFilter, withBodies: Bool, limit: Int = .max,
        _ body: (StoredRecord) throws -> Void
    ) throws {
        let (sql, arguments) = filter.condition
        let selection = RecordTable.selection(withBodies: withBodies)
        try database.read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: "\(selection) WHERE \(sql) ORDER BY number LIMIT ?",
                arguments: arguments + [limit])
            while let row = try rows.next() { try body(StoredRecord(row)) }
        }
    }

    /// How many records a filter asks for.
    public func count(_ filter: RecordFilter) throws -> Int {
        let (sql, arguments) = filter.condition
        return try database.read { db in
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM records WHERE \(sql)", arguments: arguments) ?? 0
        }
    }

    /// The records whose names begin like this, at most two, with their bodies.
    public func records(named prefix: String) throws -> [StoredRecord] {
        try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    \(RecordTable.selection(withBodies: true))
                    WHERE id >= ?1 AND id < ?1 || 'a' LIMIT 2
                    """,
                arguments: [prefix.uppercased()]
            ).map(StoredRecord.init)
        }
    }

    /// The number of the record that was stored last; 0 without any.
    public func lastNumber() throws -> Int64 {
        try database.read { try Int64.fetchOne($0, sql: "SELECT max(number) FROM records") ?? 0 }
    }
}

/// A record in the store.
public struct StoredRecord: Sendable {
    /// Its number: records are stored in the order in which they ended.
    public let number: Int64
    /// What is remembered.
    public var record: Record

    /// Its name.
    public var id: String { record.identifier.description }

    init(number: Int64, record: Record) {
        self.number = number
        self.record = record
    }

    /// Reads a row of ``RecordTable/selection(withBodies:)``.
    init(_ row: Row) {
        // By index: a name is looked up in every one of a row's names, in lower case.
        number = row[0]
        var record = Record(Identifier(high: 0, low: 0))
        let bodies = 1 + RecordTable.records.columns.count
        RecordTable.records.read(row, from: 1, into: &record)
        if row.count > bodies { RecordTable.bodies.read(row, from: bodies, into: &record) }
        self.record = record
    }
}
