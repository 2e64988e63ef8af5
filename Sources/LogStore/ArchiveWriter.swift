import Glibc
import Journal
import Primitives
import Reactor

/// Writes a backup's file, which is not there yet and only its owner can read.
@safe
final class ArchiveWriter {
    private let path: String
    private let descriptor: Int32
    private var checksum = Checksum(seed: 0)
    private var isWhole = false

    init(_ path: String) throws(SystemError) {
        self.path = path
        descriptor = unsafe open(
            path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        // Half a copy would be taken for one.
        if !isWhole { unsafe unlink(path) }
    }

    /// Writes a file whose bytes are asked for piece by piece; it has exactly so many.
    func add(
        _ name: String, count: Int, _ read: (Range<Int>) throws -> [UInt8]
    ) throws {
        try write(Archive.head(name, count: count).span)
        var start = 0
        while start < count {
            let range = start..<min(start + Archive.pieceBytes, count)
            let piece = try read(range)
            guard piece.count == range.count else {
                throw SystemError(call: "read \(name)", code: EIO)
            }
            try write(piece.span)
            start = range.upperBound
        }
        try write([UInt8](repeating: 0, count: Archive.padding(count)).span)
    }

    /// Writes the end, and waits until the disk has all of it.
    func end() throws {
        let text = Array("\(checksum.value)\n".utf8)
        try add(Archive.checksumName, count: text.count) { Array(text[$0]) }
        try write([UInt8](repeating: 0, count: 2 * Archive.unitBytes).span)
        guard fsync(descriptor) == 0 else { throw SystemError(call: "fsync \(path)") }
        isWhole = true
    }

    private func write(_ bytes: Span<UInt8>) throws(SystemError) {
        checksum.add(bytes)
        try unsafe bytes.withUnsafeBytes { bytes throws(SystemError) in
            var start = 0
            while start < bytes.count {
                let count = unsafe Glibc.write(
                    descriptor, bytes.baseAddress.map { unsafe $0 + start }, bytes.count - start)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw SystemError(call: "write \(path)") }
                start += count
            }
        }
    }
}
