import GRDB
import Glibc
import Journal
import Primitives
import Reactor

extension Store {
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

    static let indexName = "weir.db"

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

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func sync(_ path: String) throws {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        defer { if file >= 0 { Glibc.close(file) } }
        guard file >= 0, fsync(file) == 0 else { throw SystemError(call: "fsync \(path)") }
    }
}
