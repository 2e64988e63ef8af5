import CLinux
import Glibc

/// A POSIX thread: joinable, with a name that `top -H` shows.
public final class Thread: Sendable {
    private let handle: pthread_t

    /// Starts a thread.
    ///
    /// `name` has at most 15 bytes. One in the background gives way: where it shares a processor
    /// with a worker, the worker goes first.
    public init(
        name: String, isBackground: Bool = false, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        var handle = pthread_t()
        let box = unsafe Unmanaged.passRetained(
            Body(name: name, isBackground: isBackground, run: body))
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
        let isBackground: Bool
        let run: @Sendable () -> Void
        init(name: String, isBackground: Bool, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.isBackground = isBackground
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
    // On Linux this is the calling thread's alone. A kernel that refuses leaves it as it is.
    if body.isBackground { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }
    body.run()
    return nil
}
