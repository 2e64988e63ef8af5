import Glibc
import Reactor

/// The folder that the segments of a record are in.
final class SegmentFolder: Sendable {
    private static let ending = ".seg"
    /// The ending of what is not finished.
    private static let draftEnding = ".seg.new"
    /// What the name of one that was put aside has behind it.
    private static let asideEnding = ".damaged"

    /// The gateway's folder, which it is in.
    let parent: String
    /// Its path.
    let path: String

    /// The folder within a gateway's own.
    init(in folder: String) {
        parent = folder
        path = "\(folder)/segments"
    }

    /// Makes it if it is not there.
    func make() throws(SystemError) {
        var status = stat()
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw SystemError(call: "mkdir \(path)")
        }
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw SystemError(call: "mkdir \(path)", code: ENOTDIR)
        }
    }

    /// Waits until the names of its files are on the disk.
    func sync() throws(SystemError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError(call: "fsync \(path)") }
    }

    /// The path of a segment.
    func path(of number: UInt64) -> String { "\(path)/\(Self.fileName(number))" }

    /// The name of a segment's file.
    static func fileName(_ number: UInt64) -> String { name(number) + ending }

    /// The number of the segment whose file has a name; nil where no segment's has.
    static func number(of fileName: String) -> UInt64? {
        guard fileName.hasSuffix(ending),
            let number = UInt64(fileName.dropLast(ending.utf8.count)),
            Self.fileName(number) == fileName
        else { return nil }
        return number
    }

    /// The path of what is to replace a segment.
    func draftPath(of number: UInt64) -> String {
        "\(path)/\(Self.name(number))\(Self.draftEnding)"
    }

    private static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 8 - digits.utf8.count)) + digits
    }

    /// The numbers of the segments that are there, the oldest first.
    var numbers: [UInt64] {
        Self.names(in: path).compactMap(Self.number).sorted()
    }

    /// The names of what is in a folder.
    static func names(in path: String) -> [String] {
        guard let stream = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// What the file system says of a segment: its bytes, and when it was last written, in
    /// microseconds since 1970; nil when it is gone.
    func status(of number: UInt64) -> (bytes: Int, changedMicroseconds: Int)? {
        var status = stat()
        guard unsafe lstat(path(of: number), &status) == 0 else { return nil }
        return (Int(status.st_size), Int(status.st_mtim.tv_sec) * 1_000_000)
    }

    /// Whether a segment is there; what cannot be looked at may be.
    func isThere(_ number: UInt64) -> Bool {
        var status = stat()
        return unsafe lstat(path(of: number), &status) == 0 || errno != ENOENT
    }

    /// Bytes of all segments.
    var bytes: Int { bytes(of: numbers) }

    private func bytes(of numbers: [UInt64]) -> Int {
        numbers.reduce(0) { $0 + (status(of: $1)?.bytes ?? 0) }
    }

    /// Whether segments may wait for a quiet time to be packed.
    ///
    /// They may while they take a small part of the room that is free, where that is known.
    func mayWait(_ numbers: [UInt64]) -> Bool {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return false }
        let free = Double(status.f_bavail) * Double(status.f_frsize)
        return PackingPressure.mayWait(bytes(of: numbers), freeBytes: Int(min(free, 1e18)))
    }

    /// Takes a segment away; false where it was gone already.
    func remove(_ number: UInt64) throws(SystemError) -> Bool {
        var status = stat()
        // Where there is no folder there is no segment.
        if unsafe lstat(path, &status) != 0, errno == ENOENT { return false }
        // Held while a file gets another's name or goes, so that none comes back that is gone.
        let naming = try DirectoryLock(path)
        let code = unsafe unlink(path(of: number)) == 0 ? 0 : errno
        // Who packs it now finds that it is gone; who died had left a copy.
        if code == 0 { unsafe unlink(draftPath(of: number)) }
        withExtendedLifetime(naming) {}
        guard code == 0 || code == ENOENT else {
            throw SystemError(call: "unlink \(path(of: number))", code: code)
        }
        return code == 0
    }

    /// Replaces a segment by its draft, unless the segment has gone meanwhile; whether it did.
    func adoptDraft(of file: SegmentFile, _ disk: SegmentDisk) throws(SystemError) -> Bool {
        let number = file.head.number
        let naming = try DirectoryLock(path)
        defer { withExtendedLifetime(naming) {} }
        guard file.isNamed(path(of: number)) else { return false }
        let draft = draftPath(of: number)
        let code = disk.rename(draft, path(of: number))
        guard code == 0 else { throw SystemError(call: "rename \(draft)", code: code) }
        return true
    }

    /// Keeps what segments hold that no row knows under second names.
    ///
    /// A segment of which rows know a part stays as it is, too: it will be packed without the rest,
    /// or goes as old ones do. Returns the names, of that one and of those behind it.
    func putAside(behind end: SegmentWriter.End) -> [String] {
        unknown(behind: end).map { number in
            let (file, name) = (path(of: number), "\(Self.fileName(number))\(Self.asideEnding)")
            let isKept = unsafe link(file, "\(path)/\(name)") == 0 || errno == EEXIST
            guard isKept else { return Self.fileName(number) }
            // What no row knows is found by none, and would be forgotten by none.
            if number > end.segment { unsafe unlink(file) }
            return name
        }
    }

    /// The segments that hold more than rows know.
    func unknown(behind end: SegmentWriter.End) -> [UInt64] {
        numbers.filter { number in
            guard number >= end.segment, let size = status(of: number)?.bytes else { return false }
            return size > (number == end.segment ? end.offset : Segment.headBytes)
        }
    }

    /// The last number that a segment has or had, those that were put aside among them: none is
    /// given twice.
    var lastNumber: UInt64 {
        let aside = Self.names(in: path).filter { $0.hasSuffix(Self.asideEnding) }
            .compactMap { Self.number(of: String($0.dropLast(Self.asideEnding.utf8.count))) }
        return max(numbers.last ?? 0, aside.max() ?? 0)
    }

    /// The paths of segments that were put aside.
    var putAside: [String] {
        Self.names(in: path).filter { $0.hasSuffix(Self.ending + Self.asideEnding) }.sorted().map {
            "\(path)/\($0)"
        }
    }

    /// Takes drafts away that an earlier process left.
    func removeDrafts() {
        for name in Self.names(in: path) where name.hasSuffix(Self.draftEnding) {
            // Another process erases from the segment now, and the draft is its own.
            let number = UInt64(name.dropLast(Self.draftEnding.count)) ?? 0
            do {
                let held = try SegmentFile.held(number, in: self, waits: false)
                unsafe unlink("\(path)/\(name)")
                withExtendedLifetime(held) {}
            } catch {
                continue
            }
        }
    }
}
