import CLinux

/// What the kernel knows of the clock that says the time of day.
public enum WallClock {
    /// Whether it is kept to another's; false also where that cannot be asked.
    public static var isSynchronized: Bool { clinux_is_clock_synchronized() != 0 }
}
