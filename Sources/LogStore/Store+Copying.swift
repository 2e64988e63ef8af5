import GRDB
import Glibc
import Journal
import Primitives
import Reactor

extension Store {
    /// The folder in which a copy becomes a store, within a gateway's.
    private static let draftFolder = "restoring"
    /// Where the segments of a store go that is given up.
    private static let replacedFolder = "segments.replaced"

    /// Writes the store as it is at one moment, rows and segments, into a file that is not there
    /// yet, and that only its owner can read.
    ///
    /// A gateway may write meanwhile. The copy holds nothing that was erased before. A segment that
    /// is taken away while the copy is made is gone in it, too.
    public func backUp(to path: String) throws {
        // Rows that say where a text is must not be older than the bytes.
        guard let lock = try DirectoryLock(ifFree: segments.parent, isShared: true) else {
            throw Failure(
                code: "SQLITE_BUSY", description: "text is being erased; try again when it is")
        }
        defer { withExtendedLifetime(lock) {} }
        let archive = try ArchiveWriter(path)
        let draft = "\(path).index"
        let file = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw SystemError(call: "open \(draft)") }
        Glibc.close(file)
        defer { unsafe unlink(draft) }
        try database.vacuum(into: draft)
        try Self.add(draft, to: archive)
        for (number, end) in try Self.segmentEnds(ofCopy: draft) {
            try add(number, upTo: end, to: archive)
        }
        try archive.end()
        try Self.sync(Self.parent(of: path))
    }

    private static func add(_ index: String, to archive: ArchiveWriter) throws {
        let descriptor = unsafe open(index, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw SystemError(call: "open \(index)") }
        defer { Glibc.close(descriptor) }
        let count = Int(lseek(descriptor, 0, SEEK_END))
        try archive.add(indexName, count: max(0, count)) { range in
            SegmentFile.read(descriptor, range)
        }
    }

    private static let indexName = "weir.db"

    private static func segmentEnds(
        ofCopy path: String
    ) throws -> [(number: UInt64, end: Int)] {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        let copy = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? copy.close() }
        return try copy.read { try ContentTable.ends($0, after: 0) }
    }

    private func add(_ number: UInt64, upTo end: Int, to archive: ArchiveWriter) throws {
        let file: SegmentFile
        do throws(SegmentFile.Fault) {
            file = try SegmentFile(segments.path(of: number), number: number)
        } catch {
            guard case .unreadable(let code) = error else { return }
            throw SystemError(call: "open \(segments.path(of: number))", code: code)
        }
        // Behind its end other rows' bytes may be; a packed one has none.
        let count = file.head.isPacked ? file.size : min(end, file.size)
        try archive.add("segments/\(SegmentFolder.fileName(number))", count: count) {
            file.read($0)
        }
    }

    // MARK: Restoring

    /// Makes a copy that ``backUp(to:)`` wrote the store of a folder.
    ///
    /// Throws ``JournalFolder/Unusable`` while a gateway has the folder, and where there is a store
    /// already, unless that is to be replaced. The store of before stays until all of the copy has
    /// been found whole; a death while one replaces the other leaves none, and the copy.
    public static func restore(_ copy: String, into folder: String, replacing: Bool) throws {
        let archive = try ArchiveReader(copy)
        // Held to the end: no gateway may start meanwhile.
        let journals = try JournalFolder(folder)
        defer { withExtendedLifetime(journals) {} }
        let path = Self.path(in: folder)
        let isThere = unsafe access(path, F_OK) == 0
        guard replacing || !isThere else {
            throw Failure(
                code: "SQLITE_CANTOPEN",
                description: "there is a record at \(path) already; --replace puts the copy over it"
            )
        }
        let draft = "\(folder)/\(draftFolder)"
        removeFolder(draft)
        defer { removeFolder(draft) }
        try extract(archive, into: draft)
        try Store(copy: draft).close()
        try adopt(draft, in: folder)
    }

    private static func extract(_ archive: ArchiveReader, into folder: String) throws {
        guard unsafe mkdir(folder, 0o700) == 0 else { throw SystemError(call: "mkdir \(folder)") }
        let segments = SegmentFolder(in: folder)
        try segments.make()
        var output: Int32 = -1
        func finish() throws {
            guard output >= 0 else { return }
            defer { Glibc.close(output) }
            guard fsync(output) == 0 else { throw SystemError(call: "fsync") }
        }
        try archive.each { name in
            try finish()
            output = -1
            guard let path = self.path(of: name, in: segments) else { return nil }
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
            output = unsafe open(path, flags, 0o600)
            guard output >= 0 else { throw SystemError(call: "open \(path)") }
            var offset = 0
            return { bytes in
                try unsafe bytes.withUnsafeBytes { bytes in
                    var vectors = unsafe [
                        iovec(
                            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                            iov_len: bytes.count)
                    ]
                    try unsafe SegmentDisk().writeAll(&vectors, to: output, at: offset)
                }
                offset += bytes.count
            }
        }
        try finish()
        try segments.sync()
    }

    /// Where a file of a backup goes; nil for one that no backup has.
    private static func path(of name: String, in segments: SegmentFolder) -> String? {
        if name == indexName { return "\(segments.parent)/\(indexName)" }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "segments",
            let number = SegmentFolder.number(of: String(parts[1]))
        else { return nil }
        return segments.path(of: number)
    }

    /// Replaces a store, which is removed first, by a whole one.
    private static func adopt(_ draft: String, in folder: String) throws {
        let path = Self.path(in: folder)
        // The log of the store of before belongs to no other.
        for name in ["\(path)-wal", "\(path)-shm", path] { unsafe unlink(name) }
        let segments = SegmentFolder(in: folder).path
        let replaced = "\(folder)/\(replacedFolder)"
        removeFolder(replaced)
        try rename(segments, replaced, mayBeGone: true)
        try rename(SegmentFolder(in: draft).path, segments)
        try rename(Self.path(in: draft), path)
        try sync(folder)
        removeFolder(replaced)
    }

    private static func rename(_ old: String, _ new: String, mayBeGone: Bool = false) throws {
        guard unsafe Glibc.rename(old, new) == 0 || mayBeGone && errno == ENOENT else {
            throw SystemError(call: "rename \(old)")
        }
    }

    /// Removes a folder of a store, with what is in it.
    private static func removeFolder(_ path: String) {
        for folder in [SegmentFolder(in: path).path, path] {
            for name in SegmentFolder.names(in: folder) { unsafe unlink("\(folder)/\(name)") }
            unsafe rmdir(folder)
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func sync(_ path: String) throws {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        defer { if file >= 0 { Glibc.close(file) } }
        guard file >= 0, fsync(file) == 0 else { throw SystemError(call: "fsync \(path)") }
    }
}
