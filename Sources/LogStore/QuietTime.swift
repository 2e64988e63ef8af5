import Glibc
import Primitives
import Reactor

/// Finds the times in which a process does little, for work that can wait.
///
/// The lowest priority alone does not: a processor that is idle for a moment gives it that moment,
/// and the work still takes caches and memory from calls that come next.
struct QuietTime: Sendable {
    /// How long a look takes.
    static let lookTime = Interval.milliseconds(100)
    /// How long to wait before the next look.
    static let restTime = Interval.seconds(1)
    /// Of all processors, one part in so many is little.
    private static let parts = 20

    /// Nanoseconds of a processor that the process has taken so far.
    var takenNanoseconds: @Sendable () -> Int64 = Self.ofProcess
    /// The processors that there are.
    var processors = Thread.processorCount

    /// Whether the process does little while the thread that asks sleeps.
    func isNow(_ waker: Waker, unless isOver: () -> Bool) -> Bool {
        let (taken, start) = (takenNanoseconds(), Instant.now())
        waker.sleep(atMost: Self.lookTime, unless: isOver)
        return isQuiet(taken: takenNanoseconds() - taken, in: Instant.now() - start)
    }

    /// Whether so many nanoseconds of a processor are little in such a time.
    ///
    /// What wakes the thread is a segment that was sealed, so that a short look saw no quiet.
    func isQuiet(taken: Int64, in time: Interval) -> Bool {
        time.nanoseconds >= Self.lookTime.nanoseconds / 2
            && taken <= time.nanoseconds * Int64(processors) / Int64(Self.parts)
    }

    /// What this process has taken, of all its threads.
    @Sendable private static func ofProcess() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
