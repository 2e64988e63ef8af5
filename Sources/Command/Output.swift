import Glibc

/// What a command says to people.
enum Output {
    /// A line on standard error.
    static func error(_ text: String) {
        write(text + "\n", to: 2)
    }

    /// Text on standard error, without an end of line.
    static func errorText(_ text: String) {
        write(text, to: 2)
    }

    /// Text on standard output, at once.
    static func text(_ text: String) {
        write(text, to: 1)
    }

    /// Bytes on standard output, at once.
    static func bytes(_ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBufferPointer { unsafe write($0, to: 1) }
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
            if count < 0, errno != EINTR { return false }
            written += max(0, count)
        }
        return true
    }
}

/// Files and variables, as far as commands read them.
enum Environment {
    /// The text of a file; nil when it cannot be read.
    static func file(_ path: String) -> String? {
        unsafe fopen(path, "re").flatMap { unsafe text(of: $0) }
    }

    /// The bytes of a file; nil when it cannot be read.
    static func bytes(_ path: String) -> [UInt8]? {
        unsafe fopen(path, "re").flatMap { unsafe bytes(of: $0) }
    }

    /// The text of a regular file; nil for a pipe, which would block, and when it cannot be read.
    static func regularFile(_ path: String) -> String? {
        regularBytes(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of such a file.
    static func regularBytes(_ path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            let file = unsafe fdopen(descriptor, "r")
        else {
            close(descriptor)
            return nil
        }
        return unsafe bytes(of: file)
    }

    private static func text(of file: UnsafeMutablePointer<FILE>) -> String? {
        unsafe bytes(of: file).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func bytes(of file: UnsafeMutablePointer<FILE>) -> [UInt8]? {
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe fread(&piece, 1, piece.count, file)
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
