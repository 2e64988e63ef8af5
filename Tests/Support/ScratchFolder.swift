import Glibc
import Primitives
import Reactor

/// A folder of a test's own, gone with it.
///
/// It is in memory where the system has such a file system: what is tested there is not whether a
/// disk keeps its promises, and hundreds of stores are made that would each wait for it.
package final class ScratchFolder: Sendable {
    package let path: String

    /// Makes a folder whose name begins with a word.
    package init(_ name: String) throws {
        let base = unsafe access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(base)/weir-\(name)-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError(call: "mkdtemp") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        Self.remove(path)
    }

    /// Writes a file into it; returns its path.
    package func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        guard let stream = unsafe fopen(file, "w") else { throw SystemError(call: "fopen \(file)") }
        defer { unsafe fclose(stream) }
        guard unsafe fputs(text, stream) >= 0 else { throw SystemError(call: "fputs \(file)") }
        return file
    }

    private static func remove(_ path: String) {
        guard let stream = unsafe opendir(path) else { return }
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            let inner = "\(path)/\(name)"
            if unsafe entry.pointee.d_type == UInt8(DT_DIR) {
                remove(inner)
            } else {
                unsafe unlink(inner)
            }
        }
        unsafe closedir(stream)
        unsafe rmdir(path)
    }
}
