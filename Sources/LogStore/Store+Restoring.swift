import GRDB
import Glibc
import Journal
import Primitives
import Reactor

// DESIGN
//
// A copy is unpacked beside the store, into a folder whose name says that it is no whole one yet.
// When all of it is on the disk and was found right the folder gets another name, and that is the
// moment at which the copy is the record: whatever ends the process from then on, who takes the
// folder next moves the rest to where it belongs. What a death left of the folders holds texts that
// are to be forgotten one day, so it does not stay.

extension Store {
    /// The folder in which a copy becomes a store, within a gateway's.
    private static let draftFolder = "restoring"
    /// Its name when all of the copy is in it.
    private static let wholeFolder = "restored"
    /// Where the segments of a store go that is given up.
    private static let replacedFolder = "segments.replaced"

    /// Makes a copy that ``backUp(to:)`` wrote the store of a folder.
    ///
    /// Throws ``JournalFolder/Unusable`` while a gateway has the folder, and where there is a store
    /// already, unless that is to be replaced. The store of before stays until all of the copy has
    /// been found whole; after a death while one replaces the other, the next start goes on.
    public static func restore(_ copy: String, into folder: String, replacing: Bool) throws {
        let archive = try ArchiveReader(copy)
        // Held to the end: no gateway may start meanwhile.
        let journals = try JournalFolder(folder)
        defer { withExtendedLifetime(journals) {} }
        // What an earlier one had begun.
        try settleRestore(in: folder)
        let isThere = unsafe access(Self.path(in: folder), F_OK) == 0
        guard replacing || !isThere else {
            throw Failure(
                code: "SQLITE_CANTOPEN",
                description: "there is a record at \(Self.path(in: folder)) already; --replace "
                    + "puts the copy over it")
        }
        let draft = "\(folder)/\(draftFolder)"
        defer { removeFolder(draft) }
        try extract(archive, into: draft)
        try Store(copy: draft).close()
        try settle(copy: draft, for: folder)
        // From here on the next start finishes what a death interrupts.
        try rename(draft, "\(folder)/\(wholeFolder)")
        try sync(folder)
        try settleRestore(in: folder)
    }

    /// Finishes a restore that was interrupted once its copy was whole, and takes away what one
    /// left that was interrupted before.
    ///
    /// Only by who has the folder's lock, and before its database is opened.
    static func settleRestore(in folder: String) throws {
        let whole = "\(folder)/\(wholeFolder)"
        removeFolder("\(folder)/\(draftFolder)")
        if unsafe access(whole, F_OK) == 0 { try adopt(whole, in: folder) }
        removeFolder(whole)
        removeFolder("\(folder)/\(replacedFolder)")
    }

    /// Does the same where no process has the folder, for a command that changes its record.
    ///
    /// Throws where a restore goes on.
    public static func settleInterruptedRestore(in folder: String) throws {
        guard leftFolder(in: folder) != nil else { return }
        let journals = try JournalFolder(folder)
        defer { withExtendedLifetime(journals) {} }
        try settleRestore(in: folder)
        guard let left = leftFolder(in: folder) else { return }
        throw Failure(
            code: "SQLITE_IOERR",
            description: "\(folder)/\(left), which a restore left, cannot be removed")
    }

    /// The name of a folder that a restore has left, or has just now.
    private static func leftFolder(in folder: String) -> String? {
        let names = SegmentFolder.names(in: folder)
        return [draftFolder, wholeFolder, replacedFolder].first(where: names.contains)
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
    ///
    /// May be begun again after a death at any step: what has been moved is not there any more.
    private static func adopt(_ whole: String, in folder: String) throws {
        let path = Self.path(in: folder)
        let segments = SegmentFolder(in: folder).path
        let replaced = "\(folder)/\(replacedFolder)"
        // What it says is said of the store of before.
        try unmarkKeyless(folder)
        // The log of the store of before belongs to no other.
        if unsafe access(Self.path(in: whole), F_OK) == 0 {
            for name in ["\(path)-wal", "\(path)-shm", path] { unsafe unlink(name) }
        }
        if unsafe access(SegmentFolder(in: whole).path, F_OK) == 0 {
            removeFolder(replaced)
            try rename(segments, replaced, mayBeGone: true)
            try rename(SegmentFolder(in: whole).path, segments)
        }
        try rename(Self.path(in: whole), path, mayBeGone: true)
        try sync(folder)
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
}
