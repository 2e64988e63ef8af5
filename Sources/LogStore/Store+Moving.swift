import GRDB
import Primitives

extension Store {
    /// Records of version 0.1, whose bodies are still in the database.
    func unmovedCount() throws -> Int {
        try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM bodies") ?? 0 }
    }

    /// Moves the bodies of some of them into a segment, the oldest first; how many records.
    ///
    /// `bytesMax`: about how many bytes are moved at once. The segment has none of the records of
    /// now, so that it is removed when these are too old.
    func moveBodies(bytesMax: Int) throws -> Int {
        writer?.seal()
        defer { writer?.seal() }
        return try database.write { db in
            let (numbers, batch) = try Self.unmoved(bytesMax: bytesMax, db)
            guard !numbers.isEmpty else { return 0 }
            let pointers = try append(batch, db)
            var contents = try Insertion(ContentTable.insertion, db)
            for (index, number) in numbers.enumerated() {
                ContentTable.bind(
                    Int(number), pointers[index],
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
