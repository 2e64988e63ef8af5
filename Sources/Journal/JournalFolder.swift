import Glibc
import Primitives
public import Reactor

/// The folder that a gateway keeps its journals in, and that no other may use meanwhile.
@safe
public final class JournalFolder: Sendable {
    /// Why a folder cannot be used.
    public struct Unusable: Error, CustomStringConvertible {
        /// What is wrong with it.
        public let description: String
        /// Whether another process has it.
        public var isInUse = false

        /// A reason of these parts.
        public init(description: String, isInUse: Bool = false) {
            self.description = description
            self.isInUse = isInUse
        }
    }

    private static let ending = ".journal"
    private static let asideEnding = ".damaged"

    /// The folder's path.
    public let path: String
    private let lock: Int32

    /// Takes a folder over that another process has given away: `lock` is its ``lockCopy()``.
    ///
    /// The descriptor is this object's own from here.
    public init(_ path: String, takingOver lock: Int32) throws {
        self.path = path
        self.lock = lock
        // A lock belongs to the descriptor and its copies, so this one has it already.
        guard flock(lock, LOCK_EX | LOCK_NB) == 0, Self.isSame(lock, "\(path)/lock") else {
            throw Unusable(description: "\(path) was not given away with its lock")
        }
        writeOwner()
    }

    private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
        var (own, named) = (stat(), stat())
        return unsafe fstat(descriptor, &own) == 0 && stat(path, &named) == 0
            && own.st_ino == named.st_ino && own.st_dev == named.st_dev
    }

    private func writeOwner() {
        ftruncate(lock, 0)
        var number = "\(getpid())"
        number.withUTF8 { _ = unsafe pwrite(lock, $0.baseAddress, $0.count, 0) }
    }

    /// A second descriptor of the lock: the folder is taken for as long as any of them is open, in
    /// whichever process.
    public func lockCopy() throws(SystemError) -> Int32 {
        try Socket.duplicate(lock)
    }

    /// Makes the folder if it is not there, and takes it for this process alone.
    public init(_ path: String) throws {
        self.path = path
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw SystemError(call: "mkdir \(path)")
        }
        try Self.checkOwner(path)
        let file = "\(path)/lock"
        lock = unsafe open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw SystemError(call: "open \(file)") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let owner = Self.text(of: lock)
            // The object is whole by now: its end closes the descriptor, though this throws.
            guard code == EWOULDBLOCK else { throw SystemError(call: "flock \(file)", code: code) }
            throw Unusable(
                description: "\(path) is in use by another gateway"
                    + (owner.isEmpty ? "" : ", process \(owner)")
                    + "; give each its own log.path",
                isInUse: true
            )
        }
        writeOwner()
    }

    /// What would keep a gateway out of a folder.
    public struct Obstacle: Sendable {
        /// What is wrong with it.
        public let description: String
        /// Whether it is in use by a gateway, and nothing else is wrong.
        public var isInUse = false
    }

    /// What would keep a gateway out of a folder at this moment; nil where it could be taken.
    ///
    /// Nothing is made or changed.
    public static func obstacle(to path: String) -> Obstacle? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            if errno == ENOENT, unsafe access(parent.isEmpty ? "/" : parent, W_OK) == 0 {
                return nil
            }
            let reason = unsafe String(cString: strerror(errno))
            return Obstacle(description: "\(path) cannot be made: \(reason)")
        }
        do {
            try checkOwner(path)
        } catch {
            return Obstacle(description: "\(error)")
        }
        guard unsafe access(path, W_OK) == 0 else {
            return Obstacle(description: "\(path): \(unsafe String(cString: strerror(errno)))")
        }
        guard let owner = ownerText(of: path) else { return nil }
        return Obstacle(
            description: "\(path) is in use by another gateway"
                + (owner.isEmpty ? "" : ", process \(owner)"), isInUse: true)
    }

    /// The process that has a folder; nil where none has it.
    public static func owner(of path: String) -> Int32? {
        ownerText(of: path).flatMap { Int32($0.prefix { $0.isNumber }) }
    }

    /// What the process that has a folder has written into its lock.
    private static func ownerText(of path: String) -> String? {
        let lock = unsafe open("\(path)/lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard lock >= 0 else { return nil }
        defer { close(lock) }
        guard flock(lock, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return nil }
        return text(of: lock)
    }

    deinit {
        // The lock goes with the descriptor.
        close(lock)
    }

    /// Makes sure that no other user can put files, or links to others, into the folder.
    private static func checkOwner(_ path: String) throws {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw SystemError(call: "stat \(path)") }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw Unusable(description: "\(path) is no folder")
        }
        // The administrator may change everything anyway.
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw Unusable(
                description: "\(path) belongs to user \(status.st_uid), and weir runs as "
                    + "\(geteuid()): its records must be in a folder of its own")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw Unusable(
                description: "\(path) can be written to by others: records must be in a folder of "
                    + "weir's own; chmod go-w \(path)")
        }
    }

    private static func text(of descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// The journals in a folder, oldest first, those of other processes included.
    public static func journals(in path: String) throws(SystemError) -> [String] {
        // Names begin with the time.
        try names(in: path, ending: ending).map { "\(path)/\($0)" }
    }

    /// The files in a folder that were put aside as damaged journals and hold anything.
    public static func damagedJournals(in path: String) throws(SystemError) -> [String] {
        try putAside(in: path).map { "\(path)/\($0)" }.filter { file in
            var status = stat()
            return unsafe lstat(file, &status) != 0 || status.st_size > 0
        }
    }

    /// The names of files in a folder that were put aside, because they were no journals.
    public static func putAside(in path: String) throws(SystemError) -> [String] {
        try names(in: path, ending: "\(ending)\(asideEnding)")
    }

    private static func names(
        in path: String, ending: String
    ) throws(SystemError) -> [String] {
        guard let stream = unsafe opendir(path) else { throw SystemError(call: "opendir \(path)") }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(ending) { names.append(name) }
        }
        guard errno == 0 else { throw SystemError(call: "readdir \(path)") }
        return names.sorted()
    }

    /// The name of the journal whose file has a path; nil where no journal's has.
    static func name(ofJournal path: String) -> Identifier? {
        guard path.hasSuffix(ending), let name = path.split(separator: "/").last else { return nil }
        return Identifier(String(name.dropLast(ending.utf8.count)))
    }

    /// Makes a journal for a worker.
    public func makeJournal(
        capacity: Int, keepsContentAside: Bool = false,
        using random: inout some RandomNumberGenerator
    ) throws(SystemError) -> JournalFile {
        let name = Identifier.next(using: &random)
        return try JournalFile(
            creating: "\(path)/\(name)\(Self.ending)", capacity: capacity, name: name,
            keepsContentAside: keepsContentAside
        )
    }

    /// Takes a journal away that has been read to its end.
    public static func remove(_ path: String) throws(SystemError) {
        guard unsafe unlink(path) == 0 else { throw SystemError(call: "unlink \(path)") }
    }

    /// Puts a file aside that is no journal, so that it is found once and not at each start.
    ///
    /// Returns where it is now.
    public static func putAside(_ path: String) throws(SystemError) -> String {
        let aside = "\(path)\(asideEnding)"
        guard unsafe rename(path, aside) == 0 else { throw SystemError(call: "rename \(path)") }
        return aside
    }
}
