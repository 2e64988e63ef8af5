import GRDB
import Glibc
import Primitives

/// A key that was made while the gateway runs, as the store keeps it.
public struct StoredKey: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Its digests, in hexadecimal digits: the newest first, and one more while it is rotated.
    public var digests: [String]
    /// Its group; empty without one.
    public var group: String
    /// From when on it is refused, in microseconds since 1970; nil is never.
    public var expires: Int?
    /// When it was made, in microseconds since 1970.
    public var created: Int
    /// When it was revoked; nil where it was not.
    public var revoked: Int?

    /// A key of these parts.
    public init(
        name: String, digests: [String], group: String, expires: Int?, created: Int,
        revoked: Int? = nil
    ) {
        self.name = name
        self.digests = digests
        self.group = group
        self.expires = expires
        self.created = created
        self.revoked = revoked
    }
}

// Keys that commands change while the gateway runs. Each change has a number; the gateway looks for
// a new one, and writes down which one all of its workers have adopted. So a command can wait until
// a key that it revoked is refused everywhere.
extension Store {
    /// The tables of keys.
    static let keySchema = [
        "CREATE TABLE access_required (value INTEGER PRIMARY KEY) STRICT",
        """
        CREATE TABLE client_keys (
            name TEXT PRIMARY KEY, digests TEXT NOT NULL, key_group TEXT NOT NULL,
            expires_us INTEGER, created_us INTEGER NOT NULL, revoked_us INTEGER
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE key_changes (
            number INTEGER PRIMARY KEY CHECK (number = 1), written INTEGER NOT NULL,
            adopted INTEGER NOT NULL
        ) STRICT
        """,
        "INSERT INTO key_changes VALUES (1, 0, 0)",
    ]

    /// All keys that were made so, those that were revoked included, by their names.
    public func clientKeys() throws -> [StoredKey] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM client_keys ORDER BY name")
                .map(StoredKey.init(row:))
        }
    }

    /// Changes one key, or makes it; the closure is given what is there, and throws to change
    /// nothing.
    ///
    /// Returns the number of the change.
    public func changeKey(
        _ name: String, _ change: (StoredKey?) throws -> StoredKey
    ) throws -> Int {
        try database.write { db in
            try Self.unmarkKeyless(segments.parent)
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM client_keys WHERE name = ?", arguments: [name])
            let key = try change(row.map(StoredKey.init(row:)))
            let values: [(any DatabaseValueConvertible)?] = [
                key.name, key.digests.joined(separator: " "), key.group, key.expires, key.created,
                key.revoked,
            ]
            try db.execute(
                sql: "INSERT OR REPLACE INTO client_keys VALUES (?, ?, ?, ?, ?, ?)",
                arguments: StatementArguments(values))
            try db.execute(sql: "INSERT OR IGNORE INTO access_required VALUES (1)")
            try db.execute(sql: "UPDATE key_changes SET written = written + 1")
            return try Self.changes(db).written
        }
    }

    /// Marks beside the database that a key was changed, for a gateway that looks often: a look at
    /// a file costs it a thousandth of one at the database.
    public func markKeyChange() {
        let descriptor = unsafe open(keyMark, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        futimens(descriptor, nil)
        Glibc.close(descriptor)
    }

    /// What differs after a mark; the database is asked now and then all the same, because a
    /// command may end between its change and the mark.
    public func keyMarkStamp() -> Int64 {
        var status = stat()
        guard unsafe stat(keyMark, &status) == 0 else { return 0 }
        return Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }

    /// Whether a folder has a database, or the mark of keys that a lost one had.
    ///
    /// What cannot be looked at may be one.
    public static func mayHoldKeys(in folder: String) -> Bool {
        ![path(in: folder), keyMark(in: folder)].allSatisfy(isAbsent)
    }

    static func keyMark(in folder: String) -> String { "\(path(in: folder)).keys" }

    private var keyMark: String { "\(database.path).keys" }

    /// The number of the latest change, and of the latest that a gateway has adopted.
    public func keyChanges() throws -> (written: Int, adopted: Int) {
        try database.read(Self.changes)
    }

    private static func changes(_ db: Database) throws -> (written: Int, adopted: Int) {
        let row = try Row.fetchOne(db, sql: "SELECT written, adopted FROM key_changes")
        return (row?["written"] ?? 0, row?["adopted"] ?? 0)
    }

    /// Writes down that all workers have adopted a change.
    public func adoptedKeys(_ number: Int) throws {
        try database.write { db in
            try db.execute(
                sql: "UPDATE key_changes SET adopted = max(adopted, ?)", arguments: [number])
        }
    }
}

extension StoredKey {
    fileprivate init(row: Row) {
        self.init(
            name: row["name"],
            digests: (row["digests"] as String).split(separator: " ").map(String.init),
            group: row["key_group"], expires: row["expires_us"], created: row["created_us"],
            revoked: row["revoked_us"])
    }
}
