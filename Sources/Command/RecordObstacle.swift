import Config
import Glibc
import LogStore
import Reactor

/// What would keep a gateway from recording calls on this machine, at this moment.
///
/// Nothing is made or changed, nothing is opened that could be waited for.
enum RecordObstacle {
    /// What every database of SQLite's begins with; it takes a shorter file for an empty one.
    private static let databaseMark = Array("SQLite format 3\0".utf8)

    /// Why calls would not be recorded, though they would be served; nil where they would.
    static func reason(_ configuration: Configuration) -> String? {
        let log = configuration.log
        return missingFolder(log.path) ?? wrongKind(in: log.path)
            ?? noDatabase(Store.path(in: log.path)) ?? noRoom(configuration)
    }

    /// A link that leads to nothing: no folder is made where it points.
    private static func missingFolder(_ path: String) -> String? {
        var status = stat()
        let isThere = unsafe stat(path, &status) == 0
        guard !isThere, errno == ENOENT, unsafe lstat(path, &status) == 0 else { return nil }
        return "\(path) is a link to what is not there"
    }

    private static func wrongKind(in folder: String) -> String? {
        let database = Store.path(in: folder)
        for (path, kind, name) in [
            ("\(folder)/lock", S_IFREG, "file"), ("\(folder)/segments", S_IFDIR, "folder"),
            (database, S_IFREG, "file"), ("\(database)-wal", S_IFREG, "file"),
            ("\(database)-shm", S_IFREG, "file"),
        ] {
            var status = stat()
            guard unsafe lstat(path, &status) == 0 else { continue }
            guard status.st_mode & S_IFMT == kind else { return "\(path) is no \(name) of its own" }
            guard unsafe access(path, R_OK | W_OK) == 0 else {
                return "\(path): \(unsafe String(cString: strerror(errno)))"
            }
        }
        return nil
    }

    private static func noDatabase(_ path: String) -> String? {
        guard let start = Environment.regularBytes(path, atMost: databaseMark.count),
            start.count == databaseMark.count, start != databaseMark
        else { return nil }
        return "\(path) is no database"
    }

    /// Each worker's journal has its room on the disk from the start on.
    ///
    /// Where the kernel keeps no files, as under `/proc`, there is none at all.
    private static func noRoom(_ configuration: Configuration) -> String? {
        let path = configuration.log.path
        var status = statvfs()
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        guard
            unsafe statvfs(path, &status) == 0
                || statvfs(parent.isEmpty ? "/" : parent, &status) == 0
        else { return nil }
        let free = Double(status.f_bavail) * Double(status.f_frsize)
        let needed =
            Double(configuration.workerCount) * Double(configuration.log.journalSizeBytes)
        guard needed > free else { return nil }
        let words = [needed, free].map { "\(Int($0 / 1_048_576)) MiB" }
        return "journals, log.journal_size for each worker, take \(words[0]), "
            + "and \(words[1]) are free"
    }
}

extension Configuration {
    /// How many workers there are: as many as processors where it does not say.
    var workerCount: Int {
        server.workers > 0 ? server.workers : Reactor.Thread.processorCount
    }
}
