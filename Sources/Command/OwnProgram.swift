import Glibc
import Reactor

/// This program, started once more.
@safe
enum OwnProgram {
    /// Starts it with other arguments and nothing to read; its errors go to its output, too.
    ///
    /// Returns its number.
    static func start(
        _ arguments: [String], output: Int32, program: String = "/proc/self/exe"
    ) throws(SystemError) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for number: Int32 in [1, 2] {
            unsafe posix_spawn_file_actions_adddup2(&actions, output, number)
        }
        // This thread blocks the signals that it waits for; a program that blocked them, too, would
        // not end by them while it starts.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var list = unsafe (["weir"] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe list.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let code = unsafe posix_spawn(
            &pid, program, &actions, &attributes, &list, environ)
        guard code == 0 else { throw SystemError(call: "posix_spawn \(program)", code: code) }
        return pid
    }

    /// The path of this program's file, which may be another file later.
    static func path() -> String? {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe bytes.withUnsafeMutableBytes { space in
            unsafe space.withMemoryRebound(to: CChar.self) { text in
                unsafe text.baseAddress.map {
                    unsafe readlink("/proc/self/exe", $0, text.count)
                } ?? -1
            }
        }
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }

    /// A pipe of which no other program inherits an end: where it is read, where it is written.
    static func pipe() throws(SystemError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw SystemError(call: "pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}
