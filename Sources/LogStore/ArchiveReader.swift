import Glibc
import Journal
import Primitives
import Reactor

/// Reads a backup's file, of which it trusts no byte.
@safe
final class ArchiveReader {
    /// Why a file is no whole backup.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    private let path: String
    private let descriptor: Int32
    private var checksum = Checksum(seed: 0)

    init(_ path: String) throws(SystemError) {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Lends the files' names and then their bytes, piece by piece, to what the name opened;
    /// returns when the checksum behind them has been found right.
    func each(
        _ open: (String) throws -> ((Span<UInt8>) throws -> Void)?
    ) throws {
        while true {
            let before = checksum.value
            let head = try read(Archive.unitBytes)
            guard let (name, count) = Archive.file(head.span) else {
                throw Unusable(description: "\(path) is no whole backup of a record")
            }
            guard name != Archive.checksumName else {
                let text = try read(min(count, Archive.unitBytes))
                guard text == Array("\(before)\n".utf8) else {
                    throw Unusable(description: "\(path) is damaged: its checksum is another")
                }
                return
            }
            guard let take = try open(name) else {
                throw Unusable(description: "\(path) is no backup of a record: it has \(name)")
            }
            var left = count
            while left > 0 {
                let piece = try read(min(left, Archive.pieceBytes))
                try take(piece.span)
                left -= piece.count
            }
            _ = try read(Archive.padding(count))
        }
    }

    /// The next bytes, exactly so many.
    private func read(_ count: Int) throws -> [UInt8] {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            while filled < count {
                let taken = unsafe Glibc.read(
                    descriptor, room.baseAddress.map { unsafe $0 + filled }, count - filled)
                if taken < 0, errno == EINTR { continue }
                guard taken > 0 else { return }
                filled += taken
            }
        }
        guard bytes.count == count else {
            throw Unusable(description: "\(path) ends too early: it is no whole backup")
        }
        checksum.add(bytes.span)
        return bytes
    }
}
