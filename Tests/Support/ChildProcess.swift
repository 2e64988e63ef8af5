import Glibc
import Reactor

/// A program started by a test: its output is read as it comes, and it never outlives the test.
@safe
package final class ChildProcess {
    package let pid: Int32
    private let output: Int32
    private var isReaped = false
    private var status: Int32 = 0

    /// Everything the program has written so far that was read, standard error included.
    package private(set) var text = ""

    /// Starts a program with standard output and standard error in one pipe.
    package init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw SystemError(call: "pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var list = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        var variables = unsafe Self.variables(environment).map { unsafe strdup($0) } + [nil]
        defer { unsafe (list + variables).forEach { unsafe free($0) } }
        // The threads of a test block most signals, and a child would go on blocking them.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        let code = unsafe posix_spawn(&pid, path, &actions, &attributes, &list, &variables)
        Glibc.close(ends[1])
        guard code == 0 else {
            Glibc.close(ends[0])
            throw SystemError(call: "posix_spawn \(path)", code: code)
        }
        self.pid = pid
        output = ends[0]
        _ = fcntl(output, F_SETFL, O_NONBLOCK)
    }

    deinit {
        if !isReaped {
            kill(pid, SIGKILL)
            _ = waitpid(pid, nil, 0)
        }
        Glibc.close(output)
    }

    private static func variables(_ own: [String: String]) -> [String] {
        var list: [String] = own.map { "\($0.key)=\($0.value)" }
        var entry = unsafe environ
        while let variable = unsafe entry.pointee {
            let text = unsafe String(cString: variable)
            if own[String(text.prefix { $0 != "=" })] == nil { list.append(text) }
            unsafe entry += 1
        }
        return list
    }

    /// Sends a signal.
    package func signal(_ number: Int32) {
        kill(pid, number)
    }

    /// Waits until the output holds a text, and returns the line that does.
    @discardableResult
    package func awaitLine(_ mark: String, seconds: Double = 30) throws -> String {
        try read(seconds, what: "\"\(mark)\"") { $0.contains(mark) }
        let line = text.split(separator: "\n").first { $0.contains(mark) }
        return String(line ?? "")
    }

    /// Waits until so many lines of the output hold a text.
    package func awaitLines(_ mark: String, count: Int, seconds: Double = 30) throws {
        try read(seconds, what: "\(count) times \"\(mark)\"") { text in
            text.split(separator: "\n").count { $0.contains(mark) } >= count
        }
    }

    /// Waits until the program has ended; returns its status, 128 and the signal's number added
    /// where one ended it.
    package func wait(seconds: Double = 60) throws -> Int32 {
        try read(seconds, what: "the end of the program") { _ in false }
        guard !isReaped else { return status }
        var raw: Int32 = 0
        guard unsafe waitpid(pid, &raw, 0) == pid else { throw SystemError(call: "waitpid") }
        isReaped = true
        status = raw & 0x7F == 0 ? raw >> 8 & 0xFF : 128 + raw & 0x7F
        return status
    }

    /// Bytes of memory resident now.
    package var residentBytes: Int {
        let fields = Self.file("/proc/\(pid)/statm").split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }

    /// Bytes of memory resident now that stand for no file: pages of a journal are not among them.
    package var anonymousBytes: Int {
        let line = Self.file("/proc/\(pid)/status").split(separator: "\n")
            .first { $0.hasPrefix("RssAnon:") }
        return (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0) * 1024
    }

    /// Bytes of memory resident at most so far.
    package var residentBytesMax: Int {
        let line = Self.file("/proc/\(pid)/status").split(separator: "\n")
            .first { $0.hasPrefix("VmHWM:") }
        return (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0) * 1024
    }

    /// Forgets how much was resident before.
    package func resetResidentBytesMax() throws {
        guard let file = unsafe fopen("/proc/\(pid)/clear_refs", "w") else {
            throw SystemError(call: "clear_refs")
        }
        defer { unsafe fclose(file) }
        guard unsafe fputs("5", file) >= 0 else { throw SystemError(call: "clear_refs") }
    }

    /// Descriptors open now.
    package var descriptorCount: Int {
        guard let folder = unsafe opendir("/proc/\(pid)/fd") else { return 0 }
        defer { unsafe closedir(folder) }
        var count = -2
        while unsafe readdir(folder) != nil { count += 1 }
        return count
    }

    private static func file(_ path: String) -> String {
        guard let file = unsafe fopen(path, "r") else { return "" }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private func read(_ seconds: Double, what: String, until isDone: (String) -> Bool) throws {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        while !isDone(text) {
            let count = unsafe Glibc.read(output, &bytes, bytes.count)
            if count > 0 {
                text += String(decoding: bytes.prefix(count), as: UTF8.self)
            } else if count == 0 {
                if what.hasPrefix("\"") {
                    throw RawConnection.Failure.broken("the program ended before \(what): \(text)")
                }
                return
            } else {
                var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
                guard unsafe poll(&entry, 1, Int32(seconds * 1000)) > 0 else {
                    throw RawConnection.Failure.timedOut("\(what): \(text.suffix(2000))")
                }
            }
        }
    }
}
