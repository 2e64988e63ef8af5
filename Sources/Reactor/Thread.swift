import CLinux
import Glibc

/// A POSIX thread: joinable, with a name that `top -H` shows.
public final class Thread: Sendable {
    /// The priority of a thread against others on the same processor.
    public enum Standing: Sendable {
        /// Clients wait for it, and it works in short turns, which the kernel gives soon.
        case prompt
        /// It has a usual share.
        case usual
        /// It gives way, more or less: niceness as of `nice(1)`, up to 19.
        case background(niceness: Int32)
    }

    private let handle: pthread_t

    /// Starts a thread.
    ///
    /// `name` has at most 15 bytes.
    public init(
        name: String, standing: Standing = .usual, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        var handle = pthread_t()
        let box = unsafe Unmanaged.passRetained(
            Body(name: name, standing: standing, run: body))
        let code = unsafe pthread_create(&handle, nil, startThread, box.toOpaque())
        if code != 0 {
            unsafe box.release()
            throw SystemError(call: "pthread_create", code: code)
        }
        self.handle = handle
    }

    /// Waits until the thread has ended.
    ///
    /// Once.
    public func join() {
        pthread_join(handle, nil)
    }

    /// Lets the thread end by itself, unobserved.
    ///
    /// Instead of ``join()``.
    public func detach() {
        pthread_detach(handle)
    }

    /// Processors that this process may run on.
    public static var processorCount: Int { Int(clinux_processors()) }

    fileprivate final class Body {
        let name: String
        let standing: Standing
        let run: @Sendable () -> Void
        init(name: String, standing: Standing, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.standing = standing
            self.run = run
        }
    }
}

// A function, not a closure: a closure made in main.swift would belong to the main actor and trap
// here.
private func startThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    let body = unsafe Unmanaged<Thread.Body>.fromOpaque(context).takeRetainedValue()
    unsafe clinux_name_thread(body.name)
    // On Linux both concern the calling thread alone. A kernel that refuses changes nothing.
    switch body.standing {
    case .prompt: clinux_ask_for_turns(100)
    case .usual: break
    case .background(let niceness):
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
    }
    body.run()
    return nil
}
