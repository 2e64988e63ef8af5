import CLinux
import Glibc
public import Primitives
import Synchronization

/// Wakes one thread that sleeps between its rounds; while it is awake no call is made.
///
/// A thread with work for it reads a flag; it makes the system call only when the other sleeps.
public final class Waker: Sendable {
    private let descriptor: Int32
    private let isAsleep = Atomic<Bool>(false)

    /// A waker of a thread that does not sleep yet.
    public init() throws(SystemError) {
        descriptor = clinux_eventfd()
        guard descriptor >= 0 else { throw SystemError(call: "eventfd") }
    }

    deinit {
        close(descriptor)
    }

    /// Wakes the thread if it sleeps.
    ///
    /// From any thread, after what it is to see has been published.
    public func wake() {
        // The sleeper sets the flag and then checks for work once more; this thread publishes work
        // and then reads the flag. Without the fence both could miss the other.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        guard isAsleep.load(ordering: .relaxed),
            isAsleep.exchange(false, ordering: .relaxed)
        else { return }
        eventfd_write(descriptor, 1)
    }

    /// Sleeps until it is woken or a time has passed, unless there is something to do already.
    ///
    /// Only the one thread; `hasWork` is asked after the others can see that it sleeps.
    public func sleep(atMost patience: Interval, unless hasWork: () -> Bool) {
        isAsleep.store(true, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if !hasWork() {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&entry, 1, Int32(clamping: patience.millisecondsRoundedUp))
        }
        isAsleep.store(false, ordering: .relaxed)
        var count: eventfd_t = 0
        unsafe eventfd_read(descriptor, &count)
    }
}
