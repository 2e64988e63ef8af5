import Glibc
import Reactor

/// The request of a command to the gateway that has the folder, to seal the segment that is being
/// written: a file, which the gateway takes away when it has done so.
struct SealRequest: Sendable {
    private let path: String

    /// That of a gateway's folder.
    init(in folder: String) {
        path = "\(folder)/seal.request"
    }

    /// Whether it stands.
    var isThere: Bool { unsafe access(path, F_OK) == 0 }

    /// Makes it, also where another command has.
    func make() throws(SystemError) {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe open(path, flags, 0o600)
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
        close(descriptor)
    }

    /// Takes it away.
    func remove() { unsafe unlink(path) }
}
