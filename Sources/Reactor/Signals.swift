import CLinux
import Glibc

/// Signals as events of a loop, instead of handlers that interrupt whatever runs.
public final class Signals: DescriptorHandler {
    private let descriptor: Int32
    private let receive: (Int32) -> Void

    /// Blocks signals for this thread and all threads it starts later, so that they are delivered
    /// through a descriptor alone; and ignores what a failing write would raise: SIGPIPE at a
    /// closed socket, and SIGXFSZ where `ulimit -f` bounds files, which would otherwise end the
    /// process for the sake of its record.
    ///
    /// Called in `main` before any thread is started.
    public static func block(_ numbers: [Int32]) {
        var set = Self.set(of: numbers)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // Some parents leave it ignored; then the ends of our own processes would be lost.
        signal(SIGCHLD, SIG_DFL)
    }

    /// Has signals do to this thread what they do by themselves, or what a handler does: for
    /// commands that are no servers.
    public static func unblock(_ numbers: [Int32]) {
        var set = Self.set(of: numbers)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Has signals do to this thread what they do by themselves while it waits for something.
    public static func unblocked<Value, Failure>(
        _ numbers: [Int32], while wait: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        unblock(numbers)
        defer { block(numbers) }
        return try wait()
    }

    /// Delivers blocked signals to `receive` on a loop's thread.
    public init(
        _ numbers: [Int32], on loop: EventLoop, receive: @escaping (Int32) -> Void
    ) throws(SystemError) {
        var set = Self.set(of: numbers)
        descriptor = unsafe clinux_signalfd(&set)
        self.receive = receive
        guard descriptor >= 0 else { throw SystemError(call: "signalfd") }
        loop.watch(descriptor, for: .read, self)
    }

    deinit {
        close(descriptor)
    }

    /// Reads the signals that came.
    public func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        var info = signalfd_siginfo()
        while unsafe read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size)
            == MemoryLayout<signalfd_siginfo>.size
        {
            receive(Int32(bitPattern: info.ssi_signo))
        }
    }

    private static func set(of numbers: [Int32]) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in numbers { unsafe sigaddset(&set, number) }
        return set
    }
}

/// The number of SIGTERM: drain, and a second time stop.
public let signalTerminate: Int32 = SIGTERM
/// The number of SIGINT: as SIGTERM.
public let signalInterrupt: Int32 = SIGINT
/// The number of SIGHUP.
public let signalHangUp: Int32 = SIGHUP
/// The number of SIGUSR2: another program takes over.
public let signalUser2: Int32 = SIGUSR2
