import CLinux
import Glibc

/// The process's limits and its use of memory.
public enum Resources {
    /// Raises the soft limit of open descriptors to the hard one and returns it.
    @discardableResult
    public static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Gives the allocator's free memory back to the system.
    ///
    /// It walks the whole heap: for quiet moments.
    public static func returnFreeMemory() {
        malloc_trim(0)
    }

    /// Takes code and constants out of the process that nothing needs now: the parts of the program
    /// and of its libraries that cannot be written to.
    ///
    /// What is needed again comes from the page cache, some ten pages with a minor fault. The
    /// program and the libraries that it began with stay where they are for as long as it lives, so
    /// no other thread can meanwhile put something else there.
    public static func releaseCode() {
        clinux_release_code()
    }
}
