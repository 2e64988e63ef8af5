import Glibc
public import LogStore
import Primitives
import Reactor

/// Records as JSON Lines, in a file that is begun anew when it is full, or on standard output.
public struct LinesSink: Sink {
    private let path: String
    private let rotateBytes: Int
    private let rotateKeep: Int
    private let withBodies: Bool
    private var file: Int32 = -1

    /// A sink into a file; `-` is standard output.
    ///
    /// A file that has grown to `rotateBytes` is renamed to `PATH.1`, the one before to `PATH.2`,
    /// and so on up to `rotateKeep`; zero bytes is never.
    public init(path: String, rotateBytes: Int, rotateKeep: Int, withBodies: Bool) {
        self.path = path
        self.rotateBytes = rotateBytes
        self.rotateKeep = rotateKeep
        self.withBodies = withBodies
    }

    /// Writes the records, a line each.
    public mutating func deliver(_ records: [StoredRecord]) -> Delivery {
        var text = ""
        for record in records { text += "\(record.json(withBodies: withBodies))\n" }
        let bytes = Array(text.utf8)
        do {
            let descriptor = try open(for: bytes.count)
            try write(bytes, to: descriptor)
            return .delivered
        } catch {
            return .later(reason: "\(error)", after: nil)
        }
    }

    private mutating func open(for bytes: Int) throws(SystemError) -> Int32 {
        if path == "-" { return 1 }
        var status = stat()
        // Another process may have moved or removed it, as log rotation does.
        let isThere = unsafe stat(path, &status) == 0
        var mine = stat()
        let isMine = unsafe file >= 0 && fstat(file, &mine) == 0 && mine.st_ino == status.st_ino
        if !isThere || !isMine { closeFile() }
        if isThere, rotateBytes > 0, status.st_size > 0,
            Int(status.st_size) + bytes > rotateBytes
        {
            closeFile()
            rotate()
        }
        if file < 0 {
            file = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        }
        guard file >= 0 else { throw SystemError(call: "open \(path)") }
        return file
    }

    private mutating func closeFile() {
        if file >= 0 { close(file) }
        file = -1
    }

    private func rotate() {
        for number in stride(from: rotateKeep - 1, through: 1, by: -1) {
            unsafe rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        unsafe rename(path, "\(path).1")
    }

    /// Writes all or, in a file, nothing: a line that breaks off would spoil the next one.
    private func write(_ bytes: [UInt8], to descriptor: Int32) throws(SystemError) {
        var status = stat()
        let isFile = unsafe path != "-" && fstat(descriptor, &status) == 0
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { space in
                unsafe Glibc.write(
                    descriptor, space.baseAddress.map { unsafe $0 + written },
                    space.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                let error = SystemError(call: "write \(path)")
                if isFile { ftruncate(descriptor, status.st_size) }
                throw error
            }
            written += count
        }
    }
}
