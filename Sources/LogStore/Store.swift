import CSQLite
import GRDB
import Glibc
import Primitives

/// The records in a SQLite database: one writer, any number of readers meanwhile.
public final class Store: Sendable {
    /// Why a store cannot be opened, or written to for now.
    public struct Failure: Error, CustomStringConvertible {
        /// SQLite's result code, by its own name.
        public let code: String
        /// What happened, whose fault it is, and what to do.
        public let description: String
    }

    let database: any DatabaseWriter

    /// Set before the first database is opened, later ones find it so.
    private static let memoryIsUncounted = csqlite_leave_memory_uncounted() == 0

    /// The database's file in a gateway's folder.
    public static func path(in folder: String) -> String { "\(folder)/weir.db" }

    /// Opens the database of a folder for the gateway, and brings it to this version's shape.
    public init(folder: String) throws {
        // Refused in a process that used SQLite before: then it counts, which is only slower.
        _ = Self.memoryIsUncounted
        var configuration = GRDB.Configuration()
        configuration.label = "weir"
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            db.add(function: RecordFilter.bodyHolds)
            // The pool's readers are prepared here too, and may change nothing.
            guard !db.configuration.readonly else { return }
            // Records with bodies are large: a quarter of the writes for the same bytes.
            try db.execute(sql: "PRAGMA page_size = 16384")
            // A process's end loses nothing; a machine's may lose what the last second wrote.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            // Room that retention frees goes back to the disk in small steps.
            try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            try db.execute(sql: "PRAGMA journal_size_limit = 67108864")
            // Records that retention removes are wiped, not only freed.
            try db.execute(sql: "PRAGMA secure_delete = ON")
        }
        // SQLite gives the files beside it the rights of this one, which only the owner has.
        let path = Self.path(in: folder)
        try Self.claim(path)
        let pool = try DatabasePool(path: path, configuration: configuration)
        database = pool
        try Self.migrator().migrate(pool)
    }

    /// Makes the database's file if it is not there, and makes sure that it, and those that SQLite
    /// keeps beside it, are files and no links to others.
    private static func claim(_ path: String) throws {
        for name in [path, "\(path)-wal", "\(path)-shm"] {
            let flags = name == path ? O_RDWR | O_CREAT : O_RDWR
            let file = unsafe open(name, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
            if file < 0, errno == ENOENT { continue }
            var status = stat()
            guard file >= 0, unsafe fstat(file, &status) == 0,
                status.st_mode & S_IFMT == S_IFREG
            else {
                let code = errno
                if file >= 0 { Glibc.close(file) }
                throw Failure(
                    code: "SQLITE_CANTOPEN",
                    description: "\(name) is no file of weir's own: "
                        + (unsafe String(cString: strerror(code))))
            }
            _ = fchmod(file, 0o600)
            Glibc.close(file)
        }
    }

    /// Opens the database of a folder for reading, while a gateway writes to it or not.
    public init(reading folder: String) throws {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.prepareDatabase { $0.add(function: RecordFilter.bodyHolds) }
        configuration.busyMode = .timeout(5)
        let path = Self.path(in: folder)
        guard unsafe access(path, R_OK) == 0 else {
            throw Failure(
                code: "SQLITE_CANTOPEN",
                description:
                    "there is no record at \(path): \(unsafe String(cString: strerror(errno)))"
            )
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        database = queue
        guard try queue.read({ try Self.migrator().hasCompletedMigrations($0) }) else {
            throw Failure(
                code: "SQLITE_SCHEMA",
                description: "\(path) is of another version of weir; start the gateway once with it"
            )
        }
    }

    /// Closes the database, everything in its one file.
    public func close() throws {
        try database.close()
    }

    /// Brings a database to the shape that holds these tables.
    static func migrator(
        _ tables: [RecordTable] = [.records, .bodies]
    ) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: records") { db in
            for table in tables { try db.execute(sql: table.creation) }
            for statement in schema { try db.execute(sql: statement) }
        }
        for (migration, sql) in tables.flatMap(\.additions) {
            migrator.registerMigration(migration) { db in try db.execute(sql: sql) }
        }
        return migrator
    }

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
        // Frames of exchanges that were open for so long that the ring wanted their room.
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
