import Glibc

/// How much memory this process may use.
///
/// The kernel ends a process that exceeds the limit of its control group, however much memory the
/// machine has.
public enum MemoryLimit {
    /// Bytes that this process may use: the smallest of the machine's memory and the limits of its
    /// control group and those above it.
    public static var bytes: Int {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let machine = pages > 0 ? pages * sysconf(Int32(_SC_PAGESIZE)) : Int.max
        return bytes(machine: machine, read: read)
    }

    /// The same for a machine with so much memory, whose files `read` returns.
    ///
    /// In a container the path of the group may be the host's, of which nothing is mounted here.
    /// The folders above it are read too, the root among them, and the smallest limit counts.
    static func bytes(machine: Int, read: (String) -> String?) -> Int {
        var least = machine
        let groups = read("/proc/self/cgroup") ?? ""
        for line in groups.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let root: String
            let file: String
            if parts[0] == "0", parts[1].isEmpty {
                (root, file) = ("/sys/fs/cgroup", "memory.max")
            } else if parts[1].split(separator: ",").contains("memory") {
                (root, file) = ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            } else {
                continue
            }
            var folders = parts[2].split(separator: "/")
            while true {
                let path = ([root] + folders.map(String.init) + [file]).joined(separator: "/")
                // "max" is no number: there is no limit.
                let text = read(path)?.filter { !$0.isWhitespace }
                if let limit = text.flatMap(Int.init), limit > 0 { least = min(least, limit) }
                if folders.popLast() == nil { break }
            }
        }
        return least
    }

    /// The beginning of a small file, as text; nil where it cannot be read.
    private static func read(_ path: String) -> String? {
        guard let file = unsafe fopen(path, "r") else { return nil }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
