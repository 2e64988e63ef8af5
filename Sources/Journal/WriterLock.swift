import Glibc
public import Reactor

/// The mark of a process that writes to a journal: a lock on the file, which the kernel takes away
/// when the process ends, however it ends.
@safe
public final class WriterLock: Sendable {
    private let descriptor: Int32

    /// Marks a journal as this process's.
    public init(_ path: String) throws(SystemError) {
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            // The object is whole by now: its end closes the descriptor, though this throws.
            throw SystemError(call: "flock \(path)")
        }
    }

    deinit {
        // The lock goes with the descriptor.
        close(descriptor)
    }

    /// Whether a process writes to a journal.
    ///
    /// What it wrote before it ended can be read once this has said no.
    public static func isHeld(on path: String) -> Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}
