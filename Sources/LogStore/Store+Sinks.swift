import GRDB

extension Store {
    /// How far a sink is in the records.
    public struct SinkProgress: Equatable, Sendable {
        /// The last record's number that it is done with.
        public var number: Int64 = 0
        /// Records it took.
        public var delivered = 0
        /// Records it will never take, and that it is gone on behind.
        public var quarantined = 0
        /// Records that were too old and gone before it came to them.
        public var skipped = 0

        /// At the beginning.
        public init() {}
    }

    /// A record that a sink will never take.
    public struct Quarantined: Equatable, Sendable {
        /// Its number.
        public var number: Int64
        /// Its name.
        public var id: String
        /// What the sink says of it.
        public var reason: String

        /// A record of these parts.
        public init(number: Int64, id: String, reason: String) {
            self.number = number
            self.id = id
            self.reason = reason
        }
    }

    /// How far a sink is; at the beginning where nothing is known of it.
    public func progress(ofSink name: String) throws -> SinkProgress {
        try database.read { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT * FROM sinks WHERE name = ?", arguments: [name])
            else { return SinkProgress() }
            var progress = SinkProgress()
            progress.number = row["number"]
            progress.delivered = row["delivered"]
            progress.quarantined = row["quarantined"]
            progress.skipped = row["skipped"]
            return progress
        }
    }

    /// Makes a sink known, so that what is removed before it was there is counted for it.
    public func register(sink name: String) throws {
        try database.write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO sinks VALUES (?, 0, 0, 0, 0)", arguments: [name])
        }
    }

    /// Counts records that are removed for the sinks that have not had them yet.
    ///
    /// In the transaction that removes them. Numbers have gaps, so none says how many there were.
    static func countSkipped(_ numbers: [Int64], _ db: Database) throws {
        for row in try Row.fetchAll(db, sql: "SELECT name, number FROM sinks") {
            let last: Int64 = row["number"]
            let count = numbers.count { $0 > last }
            guard count > 0 else { continue }
            try db.execute(
                sql: "UPDATE sinks SET skipped = skipped + ? WHERE name = ?",
                arguments: [count, row["name"] as String])
        }
    }

    /// Notes how far a sink is, together with what it would not take; what it has skipped so far.
    ///
    /// What it took while it was removed counts as taken alone.
    @discardableResult
    public func advance(
        _ progress: SinkProgress, ofSink name: String, _ quarantined: [Quarantined]
    ) throws -> Int {
        try database.write { db in
            let before = try Row.fetchOne(
                db, sql: "SELECT * FROM sinks WHERE name = ?", arguments: [name])
            var skipped: Int = before?["skipped"] ?? 0
            if let before {
                let (first, last) = (before["number"] as Int64, progress.number)
                let taken =
                    progress.delivered + progress.quarantined - (before["delivered"] as Int)
                    - (before["quarantined"] as Int)
                let there =
                    try Int.fetchOne(
                        db,
                        sql: """
                            SELECT (SELECT count(*) FROM exchanges WHERE number > ? AND number <= ?)
                                + (SELECT count(*) FROM records WHERE number > ? AND number <= ?)
                            """, arguments: [first, last, first, last]) ?? 0
                skipped = max(0, skipped - max(0, taken - there))
            }
            let values: [(any DatabaseValueConvertible)?] = [
                name, progress.number, progress.delivered, progress.quarantined, skipped,
            ]
            try db.execute(
                sql: "INSERT OR REPLACE INTO sinks VALUES (?, ?, ?, ?, ?)",
                arguments: StatementArguments(values))
            for record in quarantined {
                try db.execute(
                    sql: "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?, ?)",
                    arguments: [name, record.number, record.id, record.reason])
            }
            return skipped
        }
    }

    /// What a sink would not take, the newest first.
    public func quarantined(bySink name: String, limit: Int) throws -> [Quarantined] {
        try database.read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM quarantine WHERE sink = ? ORDER BY number DESC LIMIT ?",
                arguments: [name, limit]
            ).map {
                Quarantined(number: $0["number"], id: $0["id"], reason: $0["reason"])
            }
        }
    }

    /// The sinks that anything is known of, by name.
    public func sinkNames() throws -> [String] {
        try database.read { try String.fetchAll($0, sql: "SELECT name FROM sinks ORDER BY name") }
    }

    /// Bytes of bodies read at once for a sink.
    static let bodyBytesAtOnce = 8 << 20

    /// The records after a number, in the order in which they were stored: so many, or as many as
    /// their bodies leave room for, but one at least.
    public func records(
        after number: Int64, limit: Int, withBodies: Bool
    ) throws -> [StoredRecord] {
        var filter = RecordFilter()
        filter.after = number
        return try database.read { db in
            var records: [StoredRecord] = []
            var bytes = 0
            try eachRecord(db, filter, withBodies: withBodies, limit: limit) { record in
                bytes += record.record.requestBody.bytes.count
                bytes += record.record.responseBody.bytes.count
                records.append(record)
                return bytes < Self.bodyBytesAtOnce
            }
            return records
        }
    }
}
