import Glibc
import Reactor

extension SegmentFile {
    /// Why a segment is not held.
    enum Refusal: Error {
        /// Another has it: it packs it, or erases from it.
        case isHeld
    }

    /// Opens a segment whose bytes nothing else copies or changes until the file is let go; nil
    /// where there is none.
    static func held(
        _ number: UInt64, in folder: SegmentFolder, waits: Bool
    ) throws -> SegmentFile? {
        let path = folder.path(of: number)
        while true {
            let file: SegmentFile
            do throws(Fault) {
                file = try SegmentFile(path, number: number)
            } catch {
                guard case .unreadable(let code) = error else { return nil }
                throw SystemError(call: "open \(path)", code: code)
            }
            try file.hold(waits: waits)
            // Another may have replaced it before it gave it back.
            if file.isNamed(path) { return file }
        }
    }

    private func hold(waits: Bool) throws {
        while flock(descriptor, LOCK_EX | (waits ? 0 : LOCK_NB)) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { throw SystemError(call: "flock") }
            throw Refusal.isHeld
        }
    }

    /// Whether a path leads to this file.
    func isNamed(_ path: String) -> Bool {
        guard let own = FileIdentity(descriptor: descriptor) else { return false }
        return own == FileIdentity(path: path)
    }
}
