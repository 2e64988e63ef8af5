import CSQLite
import GRDB
import Glibc
import Journal
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
    /// Where records' fields and bodies are.
    let segments: SegmentFolder
    let reader: SegmentReader
    /// Writes them; nil where the store was opened for reading.
    let writer: SegmentWriter?
    let disk: SegmentDisk
    /// What its writer knows of the names.
    let names = NameBook()
    /// What was found wrong with the index when it was opened, and what became of it.
    public let repairs: [String]
    /// Which file the database is in, where this process writes to it.
    private let identity: FileIdentity?

    /// Set before the first database is opened, later ones find it so.
    private static let memoryIsUncounted = csqlite_leave_memory_uncounted() == 0

    /// The same: a process that has the log's index mapped goes on when that is cut off.
    private static let isIndexGuarded: Bool = {
        // Refused in a process that used SQLite before: then it counts, which is only slower.
        _ = memoryIsUncounted
        return csqlite_guard_index() == 0
    }()

    /// The database's file in a gateway's folder.
    public static func path(in folder: String) -> String { "\(folder)/weir.db" }

    /// Opens the database of a folder for the gateway, and brings it to this version's shape.
    public convenience init(folder: String) throws {
        try self.init(folder: folder, disk: SegmentDisk())
    }

    init(folder: String, disk: SegmentDisk) throws {
        try Self.settleRestore(in: folder)
        let segments = SegmentFolder(in: folder)
        let reader = SegmentReader(segments)
        let log = try WriteAheadLog.look(Self.path(in: folder), repairs: true)
        let wasKeyless = Self.isKeyless(folder)
        if log == .damaged, !wasKeyless { try Self.askForKeys(folder) }
        let pool = try Self.make(folder, reader)
        database = pool
        self.segments = segments
        self.reader = reader
        self.disk = disk
        identity = FileIdentity(path: Self.path(in: folder))
        // Not by a reader: each has memory of its own.
        let end = try pool.writeWithoutTransaction(ContentTable.end)
        let isBehind = try log == .damaged || Self.isBehind(folder, segments, end, pool)
        if isBehind, !wasKeyless { try Self.askForKeys(folder) }
        let aside = isBehind ? segments.putAside(behind: end) : []
        writer = try SegmentWriter(segments, disk, after: end, keepsTail: !aside.isEmpty)
        repairs = try Self.repairs(log, aside, pool)
    }

    /// Makes the database, or brings it to this version's shape.
    static func make(_ folder: String, _ reader: SegmentReader) throws -> DatabasePool {
        // SQLite gives the files beside it the rights of this one, which only the owner has.
        let path = Self.path(in: folder)
        let isNew = isAbsent(path)
        try claim(path)
        if isNew { markKeyless(folder) }
        let pool = try pool(path, reader)
        let migrator = migrator()
        let before = try pool.read { try migrator.appliedIdentifiers($0) }
        try migrator.migrate(pool)
        if !before.contains(lossesMigration) {
            try pool.write { try markAbsentRemoved(SegmentFolder(in: folder), $0) }
        }
        // In a transaction: no key can be made between the answer and the mark.
        try pool.write { db in
            let isAsked =
                try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM access_required)") ?? true
            if isAsked { try unmarkKeyless(folder) } else { markKeyless(folder) }
        }
        return pool
    }

    /// Opens the database of a folder for a change, while a gateway writes to it or not.
    public convenience init(changing folder: String) throws {
        try self.init(changing: folder, disk: SegmentDisk())
    }

    init(changing folder: String, disk: SegmentDisk) throws {
        segments = SegmentFolder(in: folder)
        reader = SegmentReader(segments)
        self.disk = disk
        // The segment that is being written is another process's.
        writer = nil
        identity = nil
        repairs = []
        let path = Self.path(in: folder)
        try Self.checkReadable(path)
        // To close it would take away what is behind a bit that flipped.
        if JournalFolder.owner(of: folder) == nil { try Self.mendLog(path) }
        try Self.claim(path)
        database = try Self.pool(path, reader)
        try checkVersion(path)
    }

    /// Puts right what can be of the index's log; throws where that is left to a start, which keeps
    /// what rows do not know any more.
    static func mendLog(_ path: String) throws {
        guard try WriteAheadLog.look(path, repairs: true) == .damaged else { return }
        throw Failure(
            code: "SQLITE_CORRUPT",
            description: "\(path)-wal is damaged; start the gateway, which keeps what can be kept")
    }

    private static func pool(_ path: String, _ reader: SegmentReader) throws -> DatabasePool {
        _ = isIndexGuarded
        var configuration = GRDB.Configuration()
        configuration.label = "weir"
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            Self.addFunctions(db, reader)
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
        return try DatabasePool(path: path, configuration: configuration)
    }

    private static func addFunctions(_ db: Database, _ reader: SegmentReader) {
        db.add(function: RecordFilter.bodyHolds)
        for function in ContentSearch.functions(reader) { db.add(function: function) }
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
        let path = Self.path(in: folder)
        segments = SegmentFolder(in: folder)
        reader = SegmentReader(segments)
        disk = SegmentDisk()
        writer = nil
        identity = nil
        repairs = []
        database = try Self.queue(path, reader)
        try checkVersion(path)
    }

    /// Opens the database of a copy that ``backUp(to:)`` wrote, of this version or an earlier one.
    ///
    /// Throws where the file is none, or is damaged.
    init(copy folder: String) throws {
        let path = Self.path(in: folder)
        segments = SegmentFolder(in: folder)
        reader = SegmentReader(segments)
        disk = SegmentDisk()
        writer = nil
        identity = nil
        repairs = []
        database = try Self.queue(path, reader)
        let isWhole = try database.read { db in
            let migrator = Self.migrator()
            return try migrator.appliedMigrations(db).isEmpty == false
                && !migrator.hasBeenSuperseded(db)
                && String.fetchOne(db, sql: "PRAGMA quick_check") == "ok"
        }
        guard isWhole else {
            throw Failure(
                code: "SQLITE_SCHEMA",
                description: "the copy holds no record, or one of a later version of weir")
        }
    }

    private static func queue(_ path: String, _ reader: SegmentReader) throws -> DatabaseQueue {
        try checkReadable(path)
        _ = isIndexGuarded
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { Self.addFunctions($0, reader) }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private static func checkReadable(_ path: String) throws {
        guard unsafe access(path, R_OK) == 0 else {
            throw Failure(
                code: "SQLITE_CANTOPEN",
                description:
                    "there is no record at \(path): \(unsafe String(cString: strerror(errno)))"
            )
        }
    }

    private func checkVersion(_ path: String) throws {
        guard try database.read({ try Self.migrator().hasCompletedMigrations($0) }) else {
            throw Failure(
                code: "SQLITE_SCHEMA",
                description: "\(path) is of another version of weir; start the gateway once with it"
            )
        }
    }

    /// Whether what is written can be found again: the database's file is still at its path.
    var isAtItsPath: Bool {
        identity != nil && identity == FileIdentity(path: Self.path(in: segments.parent))
    }

    /// Closes the database, and leaves its files as another process needs them.
    public func leave() throws { try database.close() }

    /// Closes the database, everything in its one file.
    public func close() throws {
        if writer != nil {
            // The library closes the writer before the readers, which may not do it.
            _ = try database.writeWithoutTransaction { db in try db.checkpoint(.passive) }
        }
        try database.close()
    }
}
