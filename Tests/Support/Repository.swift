import Glibc

/// The tree that the tests were built from.
package enum Repository {
    /// Its folder, without a slash at the end.
    package static let root: String = {
        // This file stands at Tests/Support/Repository.swift.
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// The text of a file of the repository; empty when it is not there.
    package static func text(_ path: String) -> String { text(at: "\(root)/\(path)") }

    /// The text of a file by its whole path; empty when it is not there.
    package static func text(at path: String) -> String {
        guard let file = unsafe fopen(path, "r") else { return "" }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe fread(&piece, 1, piece.count, file)
            guard count > 0 else { break }
            bytes += piece.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether a file or folder is there.
    package static func exists(_ path: String) -> Bool {
        unsafe access("\(root)/\(path)", F_OK) == 0
    }
}
