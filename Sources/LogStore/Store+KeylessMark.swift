import Access
import GRDB
import Glibc
import Journal
import Primitives
import Reactor

// A database that cannot be opened does not say whether a key was ever asked for, and then one is.
// A full disk alone would so refuse all clients of a gateway that never knew a key. So the name of
// an empty file beside the database says that nothing was ever asked for, and with its number which
// file the database is: of a copy, or of another database at the same path, it says nothing. It is
// made and renewed only while the database is locked against changes of keys, and goes, on the disk
// as well, before the first demand is committed: at no moment does it say too much.

extension Store {
    /// Whether it is known without a folder's database that nothing was ever asked of clients.
    public static func isKeyless(_ folder: String) -> Bool {
        guard isAbsent(keyMark(in: folder)), let name = keylessMark(in: folder)
        else { return false }
        var status = stat()
        return unsafe lstat("\(folder)/\(name)", &status) == 0
    }

    /// Whether there is surely no file of a name.
    static func isAbsent(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) != 0 && errno == ENOENT
    }

    private static let keylessPrefix = "weir.db.keyless-"

    /// The name of the mark of the database that is there now; nil where none is.
    private static func keylessMark(in folder: String) -> String? {
        var status = stat()
        guard unsafe lstat(path(in: folder), &status) == 0, status.st_mode & S_IFMT == S_IFREG
        else { return nil }
        return "\(keylessPrefix)\(status.st_ino)"
    }

    /// Writes down that nothing was ever asked for; where that cannot be, it is not known later.
    static func markKeyless(_ folder: String) {
        guard isAbsent(keyMark(in: folder)), let name = keylessMark(in: folder) else { return }
        do {
            // That of a database of before may be taken for one of a later one.
            try removeKeylessMarks(in: folder, but: name)
        } catch {
            return
        }
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        let mark = unsafe open("\(folder)/\(name)", flags, 0o600)
        if mark >= 0 { Glibc.close(mark) }
    }

    /// Takes that back, on the disk as well, before something is asked for.
    static func unmarkKeyless(_ folder: String) throws(SystemError) {
        try removeKeylessMarks(in: folder, but: nil)
    }

    /// Has a key asked for from now on: the database may have lost that one was.
    static func askForKeys(_ folder: String) throws(SystemError) {
        let mark = keyMark(in: folder)
        let descriptor = unsafe open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError(call: "open \(mark)") }
        Glibc.close(descriptor)
        try unmarkKeyless(folder)
    }

    private static func removeKeylessMarks(
        in folder: String, but kept: String?
    ) throws(SystemError) {
        guard let stream = unsafe opendir(folder) else {
            throw SystemError(call: "opendir \(folder)")
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix(keylessPrefix), name != kept { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw SystemError(call: "readdir \(folder)") }
        for name in names {
            guard unsafe unlink("\(folder)/\(name)") == 0 || errno == ENOENT else {
                throw SystemError(call: "unlink \(folder)/\(name)")
            }
        }
        guard !names.isEmpty else { return }
        guard unsafe fsync(dirfd(stream)) == 0 else { throw SystemError(call: "fsync \(folder)") }
    }

    // MARK: Opening again

    /// Opens a database that could not be opened, as ``init(changing:)`` does, and reads its keys.
    ///
    /// A start that a full disk stopped may have left it half made: then it is made whole, if no
    /// gateway has the folder. Segments are left as they are.
    public static func reopen(_ folder: String) throws -> Store {
        let store: Store
        do {
            store = try Store(changing: folder)
        } catch {
            let journals = try JournalFolder(folder)
            try mendLog(path(in: folder))
            try make(folder, SegmentReader(SegmentFolder(in: folder))).close()
            withExtendedLifetime(journals) {}
            store = try Store(changing: folder)
        }
        _ = try store.keyChanges()
        _ = try store.clientKeys()
        _ = try store.remember(RequiredCredentials())
        return store
    }
}
