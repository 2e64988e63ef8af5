import Glibc
import Primitives
import Reactor

/// Looks at some files once a second on the control loop, and calls once they have changed and
/// stayed as they are for a second: half a file may be a valid configuration, too.
final class FileWatch: TimerHandler {
    private static let interval = Interval.seconds(1)

    private unowned let loop: EventLoop
    private let files: () -> [String]
    private let changed: () -> Void
    private var stamps: [String: String]
    private var hasChanged = false
    private var timer: TimerWheel.Timer?

    /// A watch of the files that `files` names at the time.
    init(loop: EventLoop, files: @escaping () -> [String], changed: @escaping () -> Void) {
        self.loop = loop
        self.files = files
        self.changed = changed
        stamps = Self.stamps(of: files())
        let timer = loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: loop.now + Self.interval)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        defer { loop.timers.arm(timer, at: loop.now + Self.interval) }
        let found = Self.stamps(of: files())
        // A file that is looked at for the first time has not changed.
        let isSettled = found.allSatisfy { stamps[$0.key] ?? $0.value == $0.value }
        stamps = found
        guard isSettled else { return hasChanged = true }
        guard hasChanged else { return }
        hasChanged = false
        changed()
    }

    /// What differs between a file and the one that stood at its path before; links are followed,
    /// as those of a mounted ConfigMap have to be.
    private static func stamps(of files: [String]) -> [String: String] {
        var stamps: [String: String] = [:]
        for path in files {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else {
                stamps[path] = "none"
                continue
            }
            let time = status.st_mtim
            stamps[path] =
                "\(status.st_dev) \(status.st_ino) \(status.st_size) \(time.tv_sec).\(time.tv_nsec)"
        }
        return stamps
    }
}
