import ArgumentParser
import Glibc
import Primitives
import Synchronization

/// What a command says to people, and to other programs.
///
/// A text may repeat what a client or a vendor wrote. So people get every text through
/// ``Printable``. Only the formats for programs, which have escapes of their own, go out unchanged.
enum Output {
    /// The error of the first write to standard output that failed; 0 without one.
    private static let fault = Atomic<Int32>(0)

    /// Whether standard output is lost: what a command would write more goes nowhere.
    static var hasFailed: Bool { fault.load(ordering: .relaxed) != 0 }

    /// A line on standard error.
    static func error(_ text: String) {
        write(Printable.text(text, keepsLines: true) + "\n", to: 2)
    }

    /// A progress bar on standard error, which moves the terminal's cursor.
    static func progress(_ text: String) {
        write(text, to: 2)
    }

    /// Text on standard output, at once.
    static func text(_ text: String) {
        exact(Printable.text(text, keepsLines: true))
    }

    /// Text for a program on standard output, at once and as it is.
    static func exact(_ text: String) {
        if !hasFailed { write(text, to: 1) }
    }

    /// Bytes on standard output, at once.
    static func bytes(_ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBufferPointer { unsafe write($0, to: 1) }
    }

    /// Writes text to a file, or to standard output where its name is `-`; ends with status 1 where
    /// that fails.
    static func file(_ text: String, to path: String) throws {
        if path == "-" { return exact(text) }
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw unwritten(path) }
        defer { close(file) }
        guard write(text, to: file) else { throw unwritten(path) }
    }

    private static func unwritten(_ path: String) -> ExitCode {
        error("weir: \(path): \(unsafe String(cString: strerror(errno)))")
        return ExitCode(1)
    }

    /// Writes text; false when not all of it could be written.
    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        var text = text
        return text.withUTF8 { unsafe write($0, to: descriptor) }
    }

    private static func write(
        _ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32
    ) -> Bool {
        var written = 0
        while written < bytes.count, let start = bytes.baseAddress {
            let count = unsafe Glibc.write(descriptor, start + written, bytes.count - written)
            if count < 0, errno != EINTR {
                if descriptor == 1 { fault.store(errno, ordering: .relaxed) }
                return false
            }
            written += max(0, count)
        }
        return true
    }

    /// The status that the process ends with: 1 instead of 0 where standard output was lost.
    ///
    /// A reader that went away, as `head` does, knows that it did; any other error is written to
    /// standard error.
    static func status(_ status: Int32) -> Int32 {
        let fault = fault.load(ordering: .relaxed)
        guard fault != 0 else { return status }
        if fault != EPIPE {
            let reason = unsafe String(cString: strerror(fault))
            error("weir: standard output cannot be written: \(reason)")
        }
        return status == 0 ? 1 : status
    }
}

/// Files and variables, as far as commands read them.
enum Environment {
    /// Bytes of a file at most: a device such as `/dev/zero` has no end.
    private static let bytesMax = 64 << 20
    /// How long a pipe is waited for that nothing is written to.
    private static let pipeMilliseconds: Int32 = 10_000

    /// The text of a file; nil when it cannot be read.
    static func file(_ path: String) -> String? {
        bytes(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of a file or a pipe; nil when it cannot be read, and when a pipe stays empty.
    static func bytes(_ path: String) -> [UInt8]? {
        // A pipe that nothing has opened to write would be waited for already here.
        let descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= bytesMax {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, pipeMilliseconds) > 0 else { return nil }
            let count = unsafe read(descriptor, &piece, piece.count)
            if count == 0 { return bytes }
            guard count > 0 || errno == EAGAIN || errno == EINTR else { return nil }
            if count > 0 { bytes.append(contentsOf: piece.prefix(count)) }
        }
        return nil
    }

    /// The text of a regular file; nil for a pipe, which would block, and when it cannot be read.
    static func regularFile(_ path: String) -> String? {
        regularBytes(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of such a file.
    ///
    /// `bytesMax`: what comes after so many is left.
    static func regularBytes(_ path: String, atMost bytesMax: Int = .max) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            let file = unsafe fdopen(descriptor, "r")
        else {
            close(descriptor)
            return nil
        }
        return unsafe bytes(of: file, bytesMax)
    }

    private static func bytes(
        of file: UnsafeMutablePointer<FILE>, _ bytesMax: Int
    ) -> [UInt8]? {
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < bytesMax {
            let count = unsafe fread(&piece, 1, min(piece.count, bytesMax - bytes.count), file)
            if count == 0 { break }
            bytes.append(contentsOf: piece.prefix(count))
        }
        return unsafe ferror(file) == 0 ? bytes : nil
    }

    /// A variable; nil when it is not set.
    static func variable(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
