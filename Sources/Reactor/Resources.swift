import CLinux
import Glibc

/// The process's limits and its use of memory.
public enum Resources {
    /// Raises the soft limit of open descriptors to the hard one and returns it.
    @discardableResult
    public static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Gives the allocator's free memory back to the system.
    ///
    /// It walks the whole heap: for quiet moments.
    public static func returnFreeMemory() {
        malloc_trim(0)
    }

    /// Takes the pages that only starting needed out of the process: some 17 MiB of code and tables
    /// that the dynamic linker, the argument parser and the TOML reader walked over once.
    ///
    /// Clean pages of files alone are given back; what is needed again comes from the page cache
    /// with a minor fault. Mappings that hold any page of our own, as the linker's relocated tables
    /// do, are left alone: dropping those would lose what was written to them.
    public static func releaseStartupPages() {
        guard let file = unsafe fopen("/proc/self/smaps", "r") else { return }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 4096)
        var mapping: (start: UInt, end: UInt)?
        var releasable: [(start: UInt, end: UInt)] = []
        while unsafe fgets(&line, Int32(line.count), file) != nil {
            let text = String(
                decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            if let range = fileMapping(text) {
                mapping = range
            } else if text.first?.isNumber ?? false || text.first?.isLowercase ?? false {
                mapping = nil
            } else if text.hasPrefix("Anonymous:"), text.contains(" 0 kB"), let range = mapping {
                releasable.append(range)
            }
        }
        for range in releasable {
            guard let start = unsafe UnsafeMutableRawPointer(bitPattern: range.start) else {
                continue
            }
            unsafe madvise(start, Int(range.end - range.start), Int32(MADV_DONTNEED))
        }
    }

    /// The addresses of a line of `smaps` that begins a private, unwritable mapping of a file.
    private static func fileMapping(_ line: String) -> (start: UInt, end: UInt)? {
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count >= 6, words[5].hasPrefix("/"), words[1] == "r--p" || words[1] == "r-xp"
        else { return nil }
        let ends = words[0].split(separator: "-")
        guard ends.count == 2, let start = UInt(ends[0], radix: 16),
            let end = UInt(ends[1], radix: 16)
        else { return nil }
        return (start, end)
    }
}
