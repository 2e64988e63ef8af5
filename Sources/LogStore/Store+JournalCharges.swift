import Access
import GRDB

extension Store {
    /// The table of charges by journal.
    static let journalChargesSchema = [
        """
        CREATE TABLE ledger_journals (
            journal TEXT NOT NULL, length INTEGER NOT NULL, start INTEGER NOT NULL,
            key TEXT NOT NULL, key_group TEXT NOT NULL, calls INTEGER NOT NULL,
            tokens INTEGER NOT NULL, nanodollars INTEGER NOT NULL,
            PRIMARY KEY (journal, length, start, key, key_group)
        ) STRICT, WITHOUT ROWID
        """
    ]

    /// What was charged since several processes serve, by journal.
    public func journalCharges() throws -> JournalCharges {
        try database.read { db in
            var charges = JournalCharges()
            let rows = try Row.fetchCursor(db, sql: "SELECT * FROM ledger_journals")
            while let row = try rows.next() {
                guard let period = LedgerEntry.Period(rawValue: row["length"]) else { continue }
                let entry = LedgerEntry.Key(
                    period: period, start: row["start"], name: row["key"], group: row["key_group"])
                charges.sums[JournalCharges.Key(journal: row["journal"], entry: entry)] =
                    LedgerEntry.Sum(
                        calls: row["calls"], tokens: row["tokens"],
                        nanodollars: row["nanodollars"])
            }
            return charges
        }
    }

    /// Takes these sums away: one process serves, and no other can take the record back.
    func forgetJournalCharges() throws {
        try database.write { db in
            guard
                try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM ledger_journals)") == true
            else { return }
            try db.execute(sql: "DELETE FROM ledger_journals")
        }
    }

    /// Adds what records of a journal were charged.
    static func add(
        _ gathered: LedgerEntry.Gathered, ofJournal journal: String, _ db: Database
    ) throws {
        guard !gathered.isEmpty else { return }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO ledger_journals VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET calls = calls + excluded.calls,
                    tokens = tokens + excluded.tokens,
                    nanodollars = nanodollars + excluded.nanodollars
                """)
        for (key, sum) in gathered.sums {
            let values: [(any DatabaseValueConvertible)?] = [
                journal, key.period.rawValue, key.start, key.name, key.group, sum.calls,
                sum.tokens, sum.nanodollars,
            ]
            try statement.execute(arguments: StatementArguments(values))
        }
    }
}
