import Dialects
import GRDB
import Primitives

extension Store {
    /// The records that a filter asks for, without their bodies, the newest first.
    public func records(_ filter: RecordFilter, limit: Int) throws -> [StoredRecord] {
        try database.read { db in
            var records: [StoredRecord] = []
            let order = "ORDER BY accepted_us DESC, number DESC LIMIT ?"
            // What no column knows is looked at record by record.
            let bounds: StatementArguments = [filter.failedAt == nil ? limit : -1]
            var left = limit
            func take(_ record: StoredRecord) -> Bool {
                guard filter.accepts(record.record) else { return true }
                records.append(record)
                left -= 1
                return left > 0
            }
            _ = try eachExchange(
                db, filter.condition, order, bounds, withBodies: false, while: take)
            guard try Self.hasOld(db) else { return records }
            left = limit
            _ = try eachOld(
                db, filter.oldCondition, order, bounds, withBodies: false, while: take)
            records.sort {
                ($0.record.acceptedMicroseconds, $0.number)
                    > ($1.record.acceptedMicroseconds, $1.number)
            }
            return Array(records.prefix(limit))
        }
    }

    /// Lends the records that a filter asks for in the order they were stored, with their bodies
    /// where those are wanted, until the closure has had enough.
    public func eachRecord(
        _ filter: RecordFilter, withBodies: Bool, limit: Int = .max,
        _ body: (StoredRecord) throws -> Void
    ) throws {
        try database.read { db in
            try eachRecord(db, filter, withBodies: withBodies, limit: limit) {
                try body($0)
                return true
            }
        }
    }

    /// Lends records in the order they were stored until the closure returns false.
    ///
    /// What is not moved yet was stored before all else (see ``RecordMover``).
    func eachRecord(
        _ db: Database, _ filter: RecordFilter, withBodies: Bool, limit: Int,
        _ body: (StoredRecord) throws -> Bool
    ) throws {
        let order = "ORDER BY number LIMIT ?"
        var left = limit
        func lend(_ record: StoredRecord) throws -> Bool {
            left -= 1
            return try body(record)
        }
        if try Self.hasOld(db) {
            let isOver = try !eachOld(
                db, filter.oldCondition, order, [limit], withBodies: withBodies, while: lend)
            if isOver { return }
        }
        guard left > 0 else { return }
        _ = try eachExchange(
            db, filter.condition, order, [left], withBodies: withBodies, while: lend)
    }

    /// Whether some records are where earlier versions put them.
    static func hasOld(_ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM records)")) ?? false
    }

    /// Whether a record is there.
    static func isOld(_ identifier: Identifier, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM records WHERE id = ?)"),
            arguments: [identifier.description]) ?? false
    }

    /// Whether a record is in the store.
    static func isStored(_ identifier: Identifier, _ db: Database) throws -> Bool {
        let isThere = try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM exchanges WHERE id = ?)"),
            arguments: [ExchangeTable.bytes(identifier)])
        return try isThere ?? false || isOld(identifier, db)
    }

    /// Lends exchanges until the closure returns false; whether it never did.
    func eachExchange(
        _ db: Database, _ condition: (sql: String, arguments: StatementArguments),
        _ order: String, _ bounds: StatementArguments, withBodies: Bool,
        while body: (StoredRecord) throws -> Bool
    ) throws -> Bool {
        let names = NameReader(db)
        let rows = try Row.fetchCursor(
            db,
            sql: "SELECT \(ExchangeTable.columns) FROM exchanges WHERE \(condition.sql) \(order)",
            arguments: condition.arguments + bounds)
        while let row = try rows.next() {
            let record = try StoredRecord(exchange: row, names, withBodies ? reader : nil)
            guard try body(record) else { return false }
        }
        return true
    }

    /// The same for records of earlier versions.
    func eachOld(
        _ db: Database, _ condition: (sql: String, arguments: StatementArguments),
        _ order: String, _ bounds: StatementArguments, withBodies: Bool,
        while body: (StoredRecord) throws -> Bool
    ) throws -> Bool {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                \(RecordTable.selection(withBodies: withBodies)) WHERE \(condition.sql) \(order)
                """,
            arguments: condition.arguments + bounds)
        while let row = try rows.next() {
            guard try body(StoredRecord(old: row, reader)) else { return false }
        }
        return true
    }

    /// How many records a filter asks for.
    public func count(_ filter: RecordFilter) throws -> Int {
        try database.read { db in
            var count = 0
            for (table, condition) in [
                ("exchanges", filter.condition), ("records", filter.oldCondition),
            ] {
                count +=
                    try Int.fetchOne(
                        db, sql: "SELECT count(*) FROM \(table) WHERE \(condition.sql)",
                        arguments: condition.arguments) ?? 0
            }
            return count
        }
    }

    /// The records whose names begin like this, at most two, with their bodies.
    public func records(named prefix: String) throws -> [StoredRecord] {
        let prefix = prefix.uppercased()
        return try database.read { db in
            var records: [StoredRecord] = []
            func lend(_ record: StoredRecord) -> Bool {
                records.append(record)
                return records.count < 2
            }
            if let range = ExchangeTable.range(named: prefix) {
                let bounds: StatementArguments = [
                    ExchangeTable.bytes(range.least), ExchangeTable.bytes(range.largest),
                ]
                _ = try eachExchange(
                    db, ("id >= ? AND id <= ?", bounds), "LIMIT 2", [], withBodies: true,
                    while: lend)
            }
            guard records.count < 2, try Self.hasOld(db) else { return records }
            _ = try eachOld(
                db, ("id >= ?1 AND id < ?1 || 'a'", [prefix]), "LIMIT 2", [], withBodies: true,
                while: lend)
            return records
        }
    }

    /// The number of the record that was stored last; 0 without any.
    public func lastNumber() throws -> Int64 {
        try database.read { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT coalesce((SELECT max(number) FROM exchanges),
                        (SELECT max(number) FROM records), 0)
                    """) ?? 0
        }
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

    /// Reads a row of ``ExchangeTable/columns``; with a reader, what the record keeps, too.
    init(exchange row: Row, _ names: NameReader, _ reader: SegmentReader?) throws {
        // By index: a name is looked up in every one of a row's names, in lower case.
        number = row[0]
        record = Record(Identifier(high: 0, low: 0))
        let kept = try ExchangeTable.read(row, names, into: &record)
        guard let reader else { return }
        record.requestBody.totalBytes = kept.sizes.request
        record.responseBody.totalBytes = kept.sizes.response
        readContent(kept.pointer, reader)
    }

    /// Reads a row of ``RecordTable/selection(withBodies:)``.
    init(old row: Row, _ reader: SegmentReader) {
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
            case .openFrames: break
            }
        }
    }
}
