import Glibc
public import Primitives

/// Processor time that this process spent so far.
public enum ProcessorClock {
    /// By all threads but the one that asks.
    public static var others: Interval {
        Interval(nanoseconds: read(CLOCK_PROCESS_CPUTIME_ID) - read(CLOCK_THREAD_CPUTIME_ID))
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
