import GRDB

extension Store {
    /// Brings a database to this version's shape.
    static func migrator() -> DatabaseMigrator {
        let tables: [RecordTable] = [.records, .bodies]
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: records") { db in
            for table in tables { try db.execute(sql: table.creation) }
            for statement in schema { try db.execute(sql: statement) }
        }
        for (migration, sql) in tables.flatMap(\.additions) {
            migrator.registerMigration(migration) { db in try db.execute(sql: sql) }
        }
        migrator.registerMigration("2: sums by hour, records by session") { db in
            for statement in secondSchema { try db.execute(sql: statement) }
        }
        migrator.registerMigration("3: segments") { db in
            for statement in ContentTable.schema { try db.execute(sql: statement) }
        }
        migrator.registerMigration("4: ledger") { db in
            for statement in ledgerSchema + keySchema { try db.execute(sql: statement) }
        }
        migrator.registerMigration("5: removals") { db in
            for statement in ContentTable.removals { try db.execute(sql: statement) }
        }
        migrator.registerMigration("6: exchanges") { db in
            for statement in ExchangeTable.schema + Rollup.sessionSchema {
                try db.execute(sql: statement)
            }
        }
        migrator.registerMigration("7: open entries") { db in
            for statement in openSchema { try db.execute(sql: statement) }
        }
        migrator.registerMigration("8: charges by journal") { db in
            for statement in journalChargesSchema { try db.execute(sql: statement) }
        }
        migrator.registerMigration("9: clock") { db in
            for statement in clockSchema { try db.execute(sql: statement) }
        }
        migrator.registerMigration(lossesMigration) { db in
            for statement in lossesSchema { try db.execute(sql: statement) }
        }
        migrator.registerMigration("11: acknowledged losses") { db in
            try db.execute(sql: acknowledgedSchema)
        }
        return migrator
    }

    /// The migration after which segments that are taken away are marked.
    static let lossesMigration = "10: losses"

    /// What is remembered of the clock that says how old records are; the version before knew only
    /// what it had believed before a doubt.
    private static let clockSchema = [
        """
        CREATE TABLE clock (
            row INTEGER PRIMARY KEY CHECK (row = 1), believed_us INTEGER NOT NULL,
            doubted_us INTEGER NOT NULL, doubted_for_us INTEGER NOT NULL
        ) STRICT
        """,
        "INSERT INTO clock SELECT 1, newest_us, 0, 0 FROM doubts WHERE newest_us > 0 LIMIT 1",
        "DROP TABLE doubts",
    ]

    /// What a later version added to that.
    private static let secondSchema = [
        // By time, too: the latest sessions are found in the index alone.
        "CREATE INDEX records_session ON records (session, accepted_us) WHERE session <> ''",
        "ALTER TABLE rollups ADD COLUMN unbilled INTEGER NOT NULL DEFAULT 0",
        // Hours, by more than minutes are: minutes by so much would be as many as records.
        """
        CREATE TABLE hours (
            hour INTEGER NOT NULL, vendor TEXT NOT NULL, model TEXT NOT NULL,
            chain TEXT NOT NULL, key TEXT NOT NULL, class TEXT NOT NULL,
            calls INTEGER NOT NULL, failed INTEGER NOT NULL, failovers INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
            cache_read_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
            without_usage INTEGER NOT NULL, cost_nanodollars INTEGER NOT NULL,
            without_cost INTEGER NOT NULL, content_times TEXT NOT NULL, unbilled INTEGER NOT NULL,
            PRIMARY KEY (hour, vendor, model, chain, key, class)
        ) STRICT, WITHOUT ROWID
        """,
        // The first hour whose sums are whole: to sum up a million records of before would keep a
        // gateway from its start for seconds. Until they are too old they are read themselves.
        "CREATE TABLE hours_begin (hour INTEGER NOT NULL) STRICT",
        """
        INSERT INTO hours_begin
        SELECT ifnull(max(accepted_us) / 3600000000 + 1, 0) FROM records
        """,
    ]

    /// What stands beside the tables of records.
    private static let schema = [
        "CREATE INDEX records_accepted ON records (accepted_us)",
        // Minutes summed up, so that statistics do not read every record; see Rollup.
        """
        CREATE TABLE rollups (
            minute INTEGER NOT NULL, vendor TEXT NOT NULL, model TEXT NOT NULL,
            calls INTEGER NOT NULL, failed INTEGER NOT NULL, failovers INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
            cache_read_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
            without_usage INTEGER NOT NULL, cost_nanodollars INTEGER NOT NULL,
            without_cost INTEGER NOT NULL, content_times TEXT NOT NULL,
            PRIMARY KEY (minute, vendor, model)
        ) STRICT, WITHOUT ROWID
        """,
        // Frames of exchanges that were open for so long that the ring wanted their room; those of
        // now are in segments.
        """
        CREATE TABLE open_frames (
            journal TEXT NOT NULL, exchange INTEGER NOT NULL, position INTEGER NOT NULL,
            frames BLOB NOT NULL,
            PRIMARY KEY (journal, exchange, position)
        ) STRICT, WITHOUT ROWID
        """,
        // How far each sink is in the records, and what it will never take.
        """
        CREATE TABLE sinks (
            name TEXT PRIMARY KEY, number INTEGER NOT NULL, delivered INTEGER NOT NULL,
            quarantined INTEGER NOT NULL, skipped INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE quarantine (
            sink TEXT NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL, reason TEXT NOT NULL,
            PRIMARY KEY (sink, number)
        ) STRICT, WITHOUT ROWID
        """,
        // How far each journal is in the store, moved in the transaction that stored it.
        """
        CREATE TABLE journals (
            name TEXT PRIMARY KEY, cursor INTEGER NOT NULL,
            stored INTEGER NOT NULL, lost INTEGER NOT NULL,
            emitted INTEGER NOT NULL, dropped INTEGER NOT NULL, is_ended INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ]
}
