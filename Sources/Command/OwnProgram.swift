import Glibc
import Reactor

/// This program, started once more.
@safe
enum OwnProgram {
    /// Starts it with other arguments; input and outputs that are not given are `/dev/null`.
    ///
    /// Returns its number. `output` is for errors, too.
    static func start(
        _ arguments: [String], input: Int32? = nil, output: Int32? = nil
    ) throws(SystemError) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, given) in [(0, input), (1, output), (2, output)] as [(Int32, Int32?)] {
            if let given {
                unsafe posix_spawn_file_actions_adddup2(&actions, given, number)
            } else {
                unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
            }
        }
        var list = unsafe (["weir"] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe list.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let code = unsafe posix_spawn(&pid, "/proc/self/exe", &actions, nil, &list, environ)
        guard code == 0 else { throw SystemError(call: "posix_spawn /proc/self/exe", code: code) }
        return pid
    }

    /// A pipe of which no other program inherits an end: where it is read, where it is written.
    static func pipe() throws(SystemError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw SystemError(call: "pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}
