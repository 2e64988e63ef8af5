import Primitives

/// The counters of reloads.
///
/// One thread changes it, any thread reads it.
public final class ReloadMetrics: Sendable {
    let appliedCount = Counter()
    let refusedCount = Counter()
    let isLatestRefused = Counter()
    /// In milliseconds since 1970.
    let inForceSince = Counter()

    /// Nothing counted; what was read at the start is in force.
    public init() {
        inForceSince.set(Int(Identifier.wallClockMilliseconds()))
    }

    /// A configuration was read again, and is on its way to the workers: a turn of theirs.
    public func applied() {
        appliedCount.add()
        isLatestRefused.set(0)
        inForceSince.set(Int(Identifier.wallClockMilliseconds()))
    }

    /// A configuration that was read again cannot be used.
    public func refused() {
        refusedCount.add()
        isLatestRefused.set(1)
    }
}
