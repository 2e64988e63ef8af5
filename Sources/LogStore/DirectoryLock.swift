import Glibc
import Reactor

/// A lock on a directory, which threads and processes exclude each other with; the kernel gives it
/// back when its holder ends.
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock, and waits until others have given it back.
    init(_ path: String) throws(SystemError) {
        descriptor = try Self.open(path)
        guard Self.lock(descriptor, LOCK_EX) else { throw SystemError(call: "flock \(path)") }
    }

    /// Takes the lock, alone or with others that share it; nil where another has it.
    init?(ifFree path: String, isShared: Bool) throws(SystemError) {
        descriptor = try Self.open(path)
        guard !Self.lock(descriptor, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) else { return }
        guard errno == EWOULDBLOCK else { throw SystemError(call: "flock \(path)") }
        return nil
    }

    deinit {
        // The lock goes with the descriptor.
        close(descriptor)
    }

    private static func open(_ path: String) throws(SystemError) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
        return descriptor
    }

    private static func lock(_ descriptor: Int32, _ operation: Int32) -> Bool {
        while flock(descriptor, operation) != 0 {
            guard errno == EINTR else { return false }
        }
        return true
    }
}
