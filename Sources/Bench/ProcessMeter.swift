import Glibc

/// What a process on this machine has used, as the kernel counts it.
struct ProcessMeter {
    let process: Int32

    /// CPU time of all its threads in nanoseconds, those that have ended among them; nil when it is
    /// gone.
    var cpuNanoseconds: Int64? {
        var clock = clockid_t()
        var time = timespec()
        guard unsafe clock_getcpuclockid(process, &clock) == 0,
            unsafe clock_gettime(clock, &time) == 0
        else { return nil }
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Resident memory in bytes; nil when it is gone.
    var residentBytes: Int? {
        let fields = Self.text("/proc/\(process)/statm").split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Time that the machine's host kept from its processors so far, in seconds.
    static var stolenSeconds: Double {
        let line = text("/proc/stat").split(separator: "\n").first ?? ""
        let fields = line.split(separator: " ")
        let ticks = fields.count > 8 ? Int(fields[8]) ?? 0 : 0
        return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The processor's name and the kernel's release, for the report.
    static var machine: String {
        let model =
            text("/proc/cpuinfo").split(separator: "\n")
            .first { $0.hasPrefix("model name") }?
            .split(separator: ":").last.map { $0.drop { $0 == " " } } ?? "unknown processor"
        let kernel = text("/proc/sys/kernel/osrelease").split(separator: "\n").first ?? ""
        return "\(model), \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) cores, Linux \(kernel)"
    }

    private static func text(_ path: String) -> String {
        guard let file = unsafe fopen(path, "r") else { return "" }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
