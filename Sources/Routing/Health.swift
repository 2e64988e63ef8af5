public import Primitives
import Synchronization

/// How the targets have been doing, for all workers of a process: failures in a row, and until when
/// a target is passed over.
///
/// Two atomics a target. Workers may count a failure twice or miss one at the very same moment;
/// what it decides is a preference, and the chain is tried anyway when everything is benched.
public final class Health: Sendable {
    private struct State: ~Copyable, Sendable {
        let failures = Atomic<Int>(0)
        let benchedUntil = Atomic<Int64>(0)
        let benchedAt = Atomic<Int64>(0)
    }

    private final class Entry: Sendable {
        let state = State()
    }

    /// How long a probe has the target to itself at most, should it hang.
    static let probeTime = Interval.seconds(10)

    private let entries: [Entry]

    /// The health of so many targets, all well.
    public init(targetCount: Int) {
        entries = (0..<targetCount).map { _ in Entry() }
    }

    /// Whether a target may be tried.
    ///
    /// A bench that has ended lets one request through, and the others only after that one's end.
    public func isAvailable(_ target: Int, now: Instant) -> Bool {
        let state = entries[target]
        let until = state.state.benchedUntil.load(ordering: .relaxed)
        if until == 0 { return true }
        guard now.nanoseconds >= until else { return false }
        // Whoever moves the mark is the probe; if it never returns the next may try after a while.
        let (isProbe, _) = state.state.benchedUntil.compareExchange(
            expected: until, desired: now.nanoseconds + Self.probeTime.nanoseconds,
            ordering: .relaxed
        )
        return isProbe
    }

    /// Whether a target is benched at an instant, without becoming its probe.
    public func isBenched(_ target: Int, now: Instant) -> Bool {
        entries[target].state.benchedUntil.load(ordering: .relaxed) > now.nanoseconds
    }

    /// The target answered an attempt that began at an instant.
    ///
    /// An answer to an attempt from before it was benched says nothing about the reason for that.
    public func succeeded(_ target: Int, attemptBegan: Instant) {
        let state = entries[target]
        if state.state.failures.load(ordering: .relaxed) != 0 {
            state.state.failures.store(0, ordering: .relaxed)
        }
        guard state.state.benchedUntil.load(ordering: .relaxed) != 0,
            attemptBegan.nanoseconds > state.state.benchedAt.load(ordering: .relaxed)
        else { return }
        state.state.benchedUntil.store(0, ordering: .relaxed)
    }

    /// The target failed.
    ///
    /// Returns whether it is benched by this failure.
    ///
    /// `until` benches it at once, as a refused credential or a vendor's own word of when to come
    /// back do.
    @discardableResult
    public func failed(
        _ target: Int, policy: FailoverPolicy, now: Instant, until: Instant? = nil
    ) -> Bool {
        let state = entries[target]
        let count = state.state.failures.add(1, ordering: .relaxed).newValue
        let (limit, bench) = policy.benching
        if let until {
            state.state.benchedAt.store(now.nanoseconds, ordering: .relaxed)
            state.state.benchedUntil.store(until.nanoseconds, ordering: .relaxed)
            return true
        }
        guard count >= limit, bench > 0 else { return false }
        state.state.benchedAt.store(now.nanoseconds, ordering: .relaxed)
        state.state.benchedUntil.store(now.nanoseconds + bench, ordering: .relaxed)
        return true
    }

    /// How long until the first of a plan's targets may be tried; zero when one may be now.
    public func untilAvailable(_ plan: Plan, now: Instant) -> Interval {
        let waits = plan.targets.map { target in
            max(
                0,
                entries[target.health].state.benchedUntil.load(ordering: .relaxed) - now.nanoseconds
            )
        }
        return Interval(nanoseconds: waits.min() ?? 0)
    }

    /// The target to try after some that were tried, in the plan's order: the first that is
    /// available; where all that are left are benched, the first of them, since a chance is better
    /// than none.
    public func next(
        of plan: Plan, excluding tried: borrowing TriedTargets, now: Instant
    ) -> Int? {
        var fallback: Int?
        for index in plan.targets.indices where !tried.contains(index) {
            if isAvailable(plan.targets[index].health, now: now) { return index }
            if fallback == nil { fallback = index }
        }
        return fallback
    }
}

/// The targets of a plan that an exchange has tried: 64 at most, by their places.
public struct TriedTargets: ~Copyable {
    private var bits: UInt64 = 0

    /// None.
    public init() {}

    /// Whether a target was tried.
    public func contains(_ index: Int) -> Bool {
        index >= 64 || bits & (1 << UInt64(index)) != 0
    }

    /// Notes a target.
    public mutating func insert(_ index: Int) {
        if index < 64 { bits |= 1 << UInt64(index) }
    }

    /// Forgets all.
    public mutating func removeAll() {
        bits = 0
    }
}
