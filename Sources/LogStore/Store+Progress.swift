import GRDB
import Journal

extension Store {
    /// How far a journal is in the store.
    struct Progress {
        var cursor: UInt64
        var stored: Int
        var lost: Int
    }

    /// How far a journal is; nil when nothing of it is here.
    func progress(of journal: String) throws -> Progress? {
        try database.read { db in
            try Row.fetchOne(
                db, sql: "SELECT cursor, stored, lost FROM journals WHERE name = ?",
                arguments: [journal]
            ).map { row in
                Progress(
                    cursor: UInt64(clamping: row["cursor"] as Int64), stored: row["stored"],
                    lost: row["lost"])
            }
        }
    }

    /// Closes a journal's account: what it emitted and is neither stored nor dropped is lost.
    ///
    /// Returns how many that are. `isOver`: whether nothing more is written to it.
    func end(
        _ journal: String, _ tally: JournalFile.Tally, isOver: Bool = true
    ) throws -> Int {
        try database.write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO journals VALUES (?, ?, 0, 0, 0, 0, 0)",
                arguments: [journal, Int64(clamping: tally.writeCursor)])
            let row = try Row.fetchOne(
                db, sql: "SELECT stored, lost FROM journals WHERE name = ?", arguments: [journal])
            let stored: Int = row?["stored"] ?? 0
            let known: Int = row?["lost"] ?? 0
            // A process that is killed while it counts may have published one more than it counted.
            let emitted = max(tally.emitted, stored + known + tally.dropped)
            let missing = emitted - stored - known - tally.dropped
            try db.execute(
                sql: """
                    UPDATE journals SET lost = lost + ?, emitted = ?, dropped = ?, is_ended = ?
                    WHERE name = ?
                    """,
                arguments: [missing, emitted, tally.dropped, isOver, journal])
            if isOver { try Self.endFrames(of: journal, db) }
            return missing
        }
    }

    /// What is remembered of the clock.
    ///
    /// A store of an earlier version remembers nothing, and its newest record has to do; where the
    /// clock of now is behind it, another clock has written it.
    func clock(wallMicroseconds: Int) throws -> ClockTrust.Memory {
        try database.read { db in
            if let row = try Row.fetchOne(db, sql: "SELECT * FROM clock") {
                return ClockTrust.Memory(
                    believed: row["believed_us"], doubted: row["doubted_us"],
                    doubtedFor: row["doubted_for_us"])
            }
            let newest = try Int.fetchOne(
                db,
                sql: """
                    SELECT max(us) FROM (
                        SELECT max(accepted_us) AS us FROM exchanges
                        UNION ALL SELECT max(accepted_us) FROM records)
                    """)
            return ClockTrust.Memory(believed: min(newest ?? 0, wallMicroseconds))
        }
    }

    /// Remembers that.
    func remember(_ memory: ClockTrust.Memory) throws {
        try database.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?)",
                arguments: [memory.believed, memory.doubted, memory.doubtedFor])
        }
    }

    /// Records taken out in one transaction.
    static let retiredAtOnce = 500

    /// Takes some of the records out that were accepted before a time, in microseconds since 1970.
    ///
    /// Returns how many: ``retiredAtOnce`` at most, so that nothing waits for it.
    package func retire(before microseconds: Int) throws -> Int {
        let count = try database.write { db in
            for period in Rollup.Period.allCases {
                try db.execute(
                    sql: "DELETE FROM \(period.table) WHERE \(period.column) < ?",
                    arguments: [microseconds / period.microseconds])
            }
            return try Self.retire(before: microseconds, db)
        }
        if count > 0 { names.forget() }
        return count
    }

    /// Takes some of the oldest records out, whatever their age; how many.
    func retireOldest() throws -> Int {
        let count = try database.write { db in try Self.retire(before: .max, db) }
        names.forget()
        return count
    }

    private static func retire(before microseconds: Int, _ db: Database) throws -> Int {
        var count = 0
        // Those that are not moved yet are the oldest.
        for (table, others) in [("records", ["contents", "bodies"]), ("exchanges", [])] {
            let numbers = try Int64.fetchAll(
                db,
                sql: """
                    SELECT number FROM \(table) WHERE accepted_us < ?
                    ORDER BY accepted_us LIMIT ?
                    """,
                arguments: [microseconds, Self.retiredAtOnce - count])
            count += numbers.count
            try countSkipped(numbers, db)
            for number in numbers {
                for table in others + [table] {
                    try db.cachedStatement(sql: "DELETE FROM \(table) WHERE number = ?")
                        .execute(arguments: [number])
                }
            }
        }
        guard count > 0 else { return 0 }
        try db.execute(sql: "UPDATE removals SET rows = rows + ?", arguments: [count])
        // What a sink would not take is named for as long as it can still be looked at.
        try db.execute(
            sql: """
                DELETE FROM quarantine WHERE number < coalesce(
                    (SELECT min(number) FROM records), (SELECT min(number) FROM exchanges),
                    \(Int64.max))
                """)
        if count < Self.retiredAtOnce { try NameTable.removeUnused(db) }
        try db.execute(sql: "PRAGMA incremental_vacuum(1000)")
        return count
    }

    /// Takes what was retired out of the file beside the database, too, which holds pages as they
    /// were before.
    ///
    /// Throws where a reader is in the way: it works later.
    func wipeRetired() throws {
        _ = try database.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
    }
}
