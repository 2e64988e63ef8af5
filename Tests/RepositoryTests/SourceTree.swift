import Glibc
import Support

/// The files of this repository, read as text.
struct SourceFile: Sendable, CustomStringConvertible {
    /// From the repository's root, such as `Sources/HTTP/LineGuard.swift`.
    let path: String
    let text: String

    var description: String { path }
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var folders: [Substring] { path.split(separator: "/").dropLast() }

    /// The file's name without its ending.
    var name: String {
        String((path.split(separator: "/").last ?? "").split(separator: ".").first ?? "")
    }

    /// The target a source file belongs to: the folder below `Sources`.
    var target: String { folders.count > 1 ? String(folders[1]) : "" }

    /// The modules it imports.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index <= 2, words.count > index + 1
            else { return nil }
            let access: Set<Substring> = [
                "public", "package", "internal", "fileprivate", "private",
            ]
            guard words[..<index].allSatisfy({ access.contains($0) || $0.hasPrefix("@") }) else {
                return nil
            }
            return String(words[index + 1])
        }
    }
}

/// The tree's files by their kind.
enum SourceTree {
    static let sources = files(under: "Sources", ending: ".swift")
    static let tests = files(under: "Tests", ending: ".swift")
    static let benchmarks = files(under: "Benchmarks", ending: ".swift")
    static let all = sources + tests + benchmarks

    /// The files below a folder, by their paths from the root, in order.
    static func files(under folder: String, ending: String) -> [SourceFile] {
        paths(under: folder).filter { $0.hasSuffix(ending) }.sorted().map {
            SourceFile(path: $0, text: Repository.text($0))
        }
    }

    private static func paths(under folder: String) -> [String] {
        guard let stream = unsafe opendir("\(Repository.root)/\(folder)") else { return [] }
        defer { unsafe closedir(stream) }
        var found: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            let path = "\(folder)/\(name)"
            if unsafe entry.pointee.d_type == UInt8(DT_DIR) {
                found += paths(under: path)
            } else {
                found.append(path)
            }
        }
        return found
    }
}
