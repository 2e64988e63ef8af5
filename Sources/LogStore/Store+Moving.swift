import GRDB
import Primitives

extension Store {
    /// Records that are still where earlier versions put them.
    func unmovedCount() throws -> Int {
        try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM records") ?? 0 }
    }

    /// Moves some of them into the table of exchanges, the newest first, so that those that are
    /// left were stored before all others; how many.
    ///
    /// After their bodies were moved. Numbers stay: no sink delivers a record again.
    func moveRecords(limit: Int) throws -> Int {
        var kept: NameWriter.Known?
        let count = try database.write { db in
            var insertion = try ExchangeInsertion(db, names.writer(db), withNumber: true)
            var sums = Rollup.Gathered()
            var ranges: [UInt64: NumberRange] = [:]
            let olds = try Self.oldRecords(limit: limit, db)
            for var old in olds {
                if try insertion.insert(&old.record, old.pointer, number: old.number) {
                    sums.add(old.record)
                    ranges[old.pointer.segment, default: NumberRange()].add(old.number)
                }
                for table in ["contents", "records"] {
                    try db.cachedStatement(sql: "DELETE FROM \(table) WHERE number = ?")
                        .execute(arguments: [old.number])
                }
            }
            for (segment, numbers) in ranges {
                try ContentTable.extend(segment, numbers, db)
            }
            // The sums of minutes and hours have them.
            try Rollup.add(sums, to: .session, &insertion.names, db)
            if try !Self.hasOld(db) {
                try db.execute(sql: "UPDATE session_hours_begin SET hour = 0")
            }
            try db.execute(sql: "PRAGMA incremental_vacuum(500)")
            kept = insertion.names.known
            return olds.count
        }
        if let kept { names.keep(kept) }
        return count
    }

    private static func oldRecords(
        limit: Int, _ db: Database
    ) throws -> [(number: Int64, record: Record, pointer: ContentPointer)] {
        let columns = RecordTable.records.columns.map(\.name).joined(separator: ", ")
        let contents = 1 + RecordTable.records.columns.count
        return try Row.fetchAll(
            db,
            sql: """
                SELECT number, \(columns), \(ContentTable.columns)
                FROM records LEFT JOIN contents USING (number) ORDER BY number DESC LIMIT ?
                """,
            arguments: [limit]
        ).map { row in
            var record = Record(Identifier(high: 0, low: 0))
            RecordTable.records.read(row, from: 1, into: &record)
            guard let pointer = ContentTable.pointer(row, from: contents) else {
                return (row[0], record, ContentPointer())
            }
            let totals = ContentTable.totals(row, from: contents)
            record.requestBody.totalBytes = totals.request
            record.responseBody.totalBytes = totals.response
            return (row[0], record, pointer)
        }
    }

    /// Moves bodies that version 0.1 had in the database into a segment, the oldest first; of how
    /// many records.
    ///
    /// `bytesMax`: about how many bytes are moved at once. The segment has none of the records of
    /// now, so that it is removed when these are too old.
    func moveBodies(bytesMax: Int) throws -> Int {
        writer?.seal()
        defer { writer?.seal() }
        return try database.write { db in
            var (numbers, batch) = try Self.unmoved(bytesMax: bytesMax, db)
            guard !numbers.isEmpty else { return 0 }
            let appended = try append(&batch, db)
            // Rows of exchanges are made of them later.
            try appended.advance(NumberRange(), db)
            var contents = try Insertion(ContentTable.insertion, db)
            for (index, number) in numbers.enumerated() {
                ContentTable.bind(
                    Int(number), appended.pointers[index],
                    requestTotal: batch.records[index].requestBody.totalBytes,
                    responseTotal: batch.records[index].responseBody.totalBytes, to: &contents)
                try contents.execute()
                try db.cachedStatement(sql: "DELETE FROM bodies WHERE number = ?")
                    .execute(arguments: [number])
            }
            try db.execute(sql: "PRAGMA incremental_vacuum(2000)")
            return numbers.count
        }
    }

    private static func unmoved(
        bytesMax: Int, _ db: Database
    ) throws -> (numbers: [Int64], batch: Batch) {
        var numbers: [Int64] = []
        var batch = Batch()
        var bytes = 0
        let columns = RecordTable.bodies.columns.map { "bodies.\($0.name)" }
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT number, records.id, records.accepted_us, \(columns.joined(separator: ", "))
                FROM bodies CROSS JOIN records USING (number) ORDER BY number
                """)
        while bytes < bytesMax, let row = try rows.next() {
            var record = Record(Identifier(row[1]) ?? Identifier(high: 0, low: 0))
            record.acceptedMicroseconds = row[2]
            RecordTable.bodies.read(row, from: 3, into: &record)
            numbers.append(row[0])
            bytes += 1 + record.requestBody.bytes.count + record.responseBody.bytes.count
            batch.records.append(record)
        }
        return (numbers, batch)
    }
}
