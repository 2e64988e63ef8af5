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
            ).map { StoredRecord($0, reader) }
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
            while let row = try rows.next() { try body(StoredRecord(row, reader)) }
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
            ).map { StoredRecord($0, reader) }
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

    /// What it kept and cannot be read any more.
    public private(set) var faults: [ContentFault] = []

    /// Why a part of it, named as in ``ContentFault/part``, cannot be read; nil where it can.
    public func loss(of part: String) -> ContentFault? {
        faults.first { $0.part == part || $0.reason == .gone }
    }

    /// Its name.
    public var id: String { record.identifier.description }

    init(number: Int64, record: Record) {
        self.number = number
        self.record = record
    }

    /// Reads a row of ``RecordTable/selection(withBodies:)``.
    init(_ row: Row, _ reader: SegmentReader) {
        // By index: a name is looked up in every one of a row's names, in lower case.
        number = row[0]
        record = Record(Identifier(high: 0, low: 0))
        let contents = 1 + RecordTable.records.columns.count
        RecordTable.records.read(row, from: 1, into: &record)
        guard row.count > contents else { return }
        if let pointer = ContentTable.pointer(row, from: contents) {
            let totals = ContentTable.totals(row, from: contents)
            record.requestBody.totalBytes = totals.request
            record.responseBody.totalBytes = totals.response
            readContent(pointer, reader)
        } else {
            let bodies = contents + ContentTable.columnCount
            guard !row.hasNull(atIndex: bodies) else { return }
            RecordTable.bodies.read(row, from: bodies, into: &record)
        }
    }

    private mutating func readContent(_ pointer: ContentPointer, _ reader: SegmentReader) {
        faults = reader.read(pointer, record.identifier) { kind, bytes in
            switch kind {
            case .requestFields: record.requestFields = bytes.text
            case .requestBody: record.requestBody.bytes = [UInt8](bytes)
            case .responseFields: record.responseFields = bytes.text
            case .responseBody: record.responseBody.bytes = [UInt8](bytes)
            }
        }
    }
}
