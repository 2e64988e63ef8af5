public import Access
import GRDB
import Primitives

extension Store {
    /// How long minutes are kept, in milliseconds: longer than any rate is rebuilt from them, but
    /// for a debt, which is rebuilt from the hours before.
    private static let minutesKept = 3 * hour
    private static let hour = LedgerEntry.Period.hour.rawValue

    /// The tables of the ledger.
    static let ledgerSchema = [
        """
        CREATE TABLE ledger (
            length INTEGER NOT NULL, start INTEGER NOT NULL, key TEXT NOT NULL,
            key_group TEXT NOT NULL, calls INTEGER NOT NULL, tokens INTEGER NOT NULL,
            nanodollars INTEGER NOT NULL, PRIMARY KEY (length, start, key, key_group)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE ledger_removed (
            key TEXT PRIMARY KEY, tokens INTEGER NOT NULL, nanodollars INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TRIGGER charged_record_removed AFTER DELETE ON records
        WHEN OLD.charged_tokens IS NOT NULL BEGIN
            INSERT INTO ledger_removed VALUES
                (OLD.key, OLD.charged_tokens, OLD.charged_nanodollars)
            ON CONFLICT (key) DO UPDATE SET tokens = tokens + excluded.tokens,
                nanodollars = nanodollars + excluded.nanodollars;
        END
        """,
    ]

    /// Adds what some records were charged.
    static func add(_ gathered: LedgerEntry.Gathered, _ db: Database) throws {
        guard !gathered.isEmpty else { return }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET calls = calls + excluded.calls,
                    tokens = tokens + excluded.tokens,
                    nanodollars = nanodollars + excluded.nanodollars
                """)
        for (key, sum) in gathered.sums {
            let values: [(any DatabaseValueConvertible)?] = [
                key.period.rawValue, key.start, key.name, key.group, sum.calls, sum.tokens,
                sum.nanodollars,
            ]
            try statement.execute(arguments: StatementArguments(values))
        }
    }

    /// How long hours are read one by one, in milliseconds: those before are read day by day, of
    /// which weeks and months are made, too.
    private static let hoursKept = 48 * 3_600_000
    private static let day = 24 * 3_600_000

    /// What was charged from a time on, earlier periods first; minutes that no rate is rebuilt from
    /// any more are removed.
    public func pastCharges(since start: Int, now: Int) throws -> [PastCharge] {
        let minutesBegin = (now - Self.minutesKept) / Self.hour * Self.hour
        return try database.write { db in
            try db.execute(
                sql: "DELETE FROM ledger WHERE length = ? AND start < ?",
                arguments: [LedgerEntry.Period.minute.rawValue, minutesBegin])
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT key, key_group,
                        CASE WHEN start < ?1 THEN start - start % ?2 ELSE start END AS began,
                        length, sum(calls), sum(tokens), sum(nanodollars)
                    FROM ledger WHERE start >= ?3
                    GROUP BY key, key_group, began, length ORDER BY began
                    """,
                arguments: [
                    (now - Self.hoursKept) / Self.day * Self.day, Self.day,
                    start - start % Self.day,
                ])
            return rows.flatMap { row -> [PastCharge] in
                let charge = PastCharge(
                    key: row[0], group: row[1], began: row[2], length: row[3], calls: row[4],
                    tokens: row[5], nanodollars: row[6])
                // A short rate's debt may be older than the minutes.
                guard charge.length == Self.hour, charge.began < minutesBegin else {
                    return [charge]
                }
                return [charge, charge.asMinute]
            }
        }
    }

    /// Holds the ledger against the records, key by key.
    public func verifyLedger() throws -> LedgerBalance {
        try database.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    WITH parts AS (
                        SELECT key, tokens, nanodollars, tokens AS left_tokens,
                            nanodollars AS left_nanodollars FROM ledger WHERE length = ?
                        UNION ALL
                        SELECT key, 0, 0, -tokens, -nanodollars FROM ledger_removed
                        UNION ALL
                        SELECT key, 0, 0, -charged_tokens, -charged_nanodollars FROM records
                            WHERE charged_tokens IS NOT NULL
                        UNION ALL
                        SELECT \(NameTable.text("key")), 0, 0, -tokens, -nanodollars FROM (
                            SELECT key, sum(charged_tokens) AS tokens,
                                sum(charged_nanodollars) AS nanodollars
                            FROM exchanges WHERE charged_tokens IS NOT NULL GROUP BY key)
                    )
                    SELECT key, sum(tokens), sum(nanodollars), sum(left_tokens),
                        sum(left_nanodollars) FROM parts GROUP BY key ORDER BY key
                    """, arguments: [LedgerEntry.Period.hour.rawValue])
            var balance = LedgerBalance(keys: rows.count)
            for row in rows {
                balance.tokens += row[1] as Int
                balance.nanodollars += row[2] as Int
                let difference = LedgerBalance.Difference(
                    key: row[0], tokens: row[3], nanodollars: row[4])
                if difference.tokens != 0 || difference.nanodollars != 0 {
                    balance.differences.append(difference)
                }
            }
            return balance
        }
    }

    /// What clients were ever asked for: from then on they always are.
    public func remember(_ asked: RequiredCredentials) throws -> RequiredCredentials {
        let known = "SELECT value FROM access_required"
        let before = try database.read { try Int.fetchAll($0, sql: known) }
        // A full disk is no reason to forget it: nothing is written that is there.
        if asked.kinds.allSatisfy(before.contains) { return RequiredCredentials(kinds: before) }
        return try database.write { db in
            if !asked.kinds.isEmpty { try Self.unmarkKeyless(segments.parent) }
            for kind in asked.kinds {
                try db.execute(
                    sql: "INSERT OR IGNORE INTO access_required VALUES (?)", arguments: [kind])
            }
            return RequiredCredentials(kinds: try Int.fetchAll(db, sql: known))
        }
    }
}

extension RequiredCredentials {
    // The numbers in the store: never given to another.
    private static let keyKind = 1
    private static let certificateKind = 2

    fileprivate var kinds: [Int] {
        (isKey ? [Self.keyKind] : []) + (isCertificate ? [Self.certificateKind] : [])
    }

    // What a later version has put there is a key: the strictest that this one knows.
    fileprivate init(kinds: [Int]) {
        self.init(
            isKey: kinds.contains { $0 != Self.certificateKind },
            isCertificate: kinds.contains(Self.certificateKind))
    }
}
