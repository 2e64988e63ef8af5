public import Primitives
import Synchronization

/// The health of the targets, for all workers of a process: failures in a row, and the end of a
/// cooldown.
///
/// Five atomics a target. Workers may count a failure twice or miss one at the very same moment;
/// what it decides is a preference, and the chain is tried anyway when everything is cooling down.
public final class Health: Sendable {
    private struct State: ~Copyable, Sendable {
        let failures = Atomic<Int>(0)
        let coolsUntil = Atomic<Int64>(0)
        let coolsSince = Atomic<Int64>(0)
        /// Until when the vendor itself asked to be left alone.
        let askedUntil = Atomic<Int64>(0)
        /// The class of the last failure, by its index; -1 before the first.
        let failure = Atomic<Int>(-1)
    }

    private final class Entry: Sendable {
        let state = State()
    }

    /// How long a probe that hangs may keep the target from others.
    static let probeTime = Interval.seconds(10)

    private let entries: [Entry]

    /// The health of so many targets, all well.
    public init(targetCount: Int) {
        entries = (0..<targetCount).map { _ in Entry() }
    }

    /// Whether a target may be tried.
    ///
    /// After a cooldown one request goes through, as a probe; the others wait for its end.
    public func isAvailable(_ target: Int, now: Instant) -> Bool {
        let state = entries[target]
        let until = state.state.coolsUntil.load(ordering: .relaxed)
        if until == 0 { return true }
        guard now.nanoseconds >= until else { return false }
        // The exchange that moves the mark is the probe. If it never ends, another may try later.
        let (isProbe, _) = state.state.coolsUntil.compareExchange(
            expected: until, desired: now.nanoseconds + Self.probeTime.nanoseconds,
            ordering: .relaxed
        )
        return isProbe
    }

    /// Whether a target is cooling down at an instant, without becoming its probe.
    public func isCoolingDown(_ target: Int, now: Instant) -> Bool {
        entries[target].state.coolsUntil.load(ordering: .relaxed) > now.nanoseconds
    }

    /// What is known of a target, for people.
    public struct Target: Sendable {
        /// Failures in a row.
        public let failures: Int
        /// The name of the last failure's class; empty without one.
        public let failure: String
        /// The end of its cooldown; nil where it is not in one.
        public let coolsUntil: Instant?
    }

    /// What is known of a target at an instant.
    public func target(_ index: Int, now: Instant) -> Target {
        let state = entries[index]
        let until = state.state.coolsUntil.load(ordering: .relaxed)
        let failure = state.state.failure.load(ordering: .relaxed)
        return Target(
            failures: state.state.failures.load(ordering: .relaxed),
            failure: failure < 0 ? "" : FailureClass.names[failure],
            coolsUntil: until > now.nanoseconds ? Instant(nanoseconds: until) : nil)
    }

    /// The target answered an attempt that began at an instant.
    ///
    /// An answer to an attempt that began before the cooldown says nothing about its reason.
    public func succeeded(_ target: Int, attemptBegan: Instant) {
        let state = entries[target]
        if state.state.failures.load(ordering: .relaxed) != 0 {
            state.state.failures.store(0, ordering: .relaxed)
        }
        guard state.state.coolsUntil.load(ordering: .relaxed) != 0,
            attemptBegan.nanoseconds > state.state.coolsSince.load(ordering: .relaxed)
        else { return }
        state.state.coolsUntil.store(0, ordering: .relaxed)
        state.state.askedUntil.store(0, ordering: .relaxed)
    }

    /// The target failed.
    ///
    /// Returns whether this failure starts a cooldown.
    ///
    /// `until` starts it at once: for a refused credential, or where the vendor says when to ask
    /// again, and then `isVendorsWord`.
    @discardableResult
    public func failed(
        _ target: Int, policy: FailoverPolicy, now: Instant, until: Instant? = nil,
        isVendorsWord: Bool = false, failure: FailureClass? = nil
    ) -> Bool {
        let state = entries[target]
        if let failure { state.state.failure.store(failure.index, ordering: .relaxed) }
        let count = state.state.failures.add(1, ordering: .relaxed).newValue
        let (limit, cooldown) = policy.cooldown
        if let until {
            if isVendorsWord { state.state.askedUntil.store(until.nanoseconds, ordering: .relaxed) }
            state.state.coolsSince.store(now.nanoseconds, ordering: .relaxed)
            state.state.coolsUntil.store(until.nanoseconds, ordering: .relaxed)
            return true
        }
        guard count >= limit, cooldown > 0 else { return false }
        state.state.coolsSince.store(now.nanoseconds, ordering: .relaxed)
        state.state.coolsUntil.store(now.nanoseconds + cooldown, ordering: .relaxed)
        return true
    }

    /// Passes over a target until an instant, for a reason that was found elsewhere.
    public func coolDown(_ target: Int, now: Instant, until: Instant) {
        let state = entries[target]
        guard until.nanoseconds > state.state.coolsUntil.load(ordering: .relaxed) else { return }
        state.state.coolsSince.store(now.nanoseconds, ordering: .relaxed)
        state.state.coolsUntil.store(until.nanoseconds, ordering: .relaxed)
    }

    /// How long a client should wait before it asks a plan's targets again; zero where asking now
    /// may help.
    ///
    /// Only the vendors' own words count. A cooldown is a preference among targets: where all are
    /// in cooldown the next request is sent all the same, so it is no reason to send a client away.
    public func askedWait(_ plan: Plan, now: Instant) -> Interval {
        let waits = plan.targets.map { target in
            let state = entries[target.health]
            return max(0, state.state.askedUntil.load(ordering: .relaxed) - now.nanoseconds)
        }
        return Interval(nanoseconds: waits.min() ?? 0)
    }

    /// The target to try first.
    ///
    /// A single target is tried in any state of its health, and needs no probe.
    public func first(
        of plan: Plan, excluding tried: borrowing TriedTargets, now: Instant
    ) -> Int? {
        guard plan.targets.count == 1 else { return next(of: plan, excluding: tried, now: now) }
        return tried.contains(0) ? nil : 0
    }

    /// The target to try after some that were tried, in the plan's order: the first that is
    /// available; where all that are left are in cooldown, the first of them, because it may
    /// answer all the same.
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

/// The targets of a plan that an exchange has tried: 64 at most, by their indexes.
public struct TriedTargets: ~Copyable {
    private var bits: UInt64 = 0

    /// None.
    public init() {}

    /// Whether a target was tried.
    public func contains(_ index: Int) -> Bool {
        index >= 64 || bits & (1 << UInt64(index)) != 0
    }

    /// Marks a target as tried.
    public mutating func insert(_ index: Int) {
        if index < 64 { bits |= 1 << UInt64(index) }
    }

    /// Forgets all.
    public mutating func removeAll() {
        bits = 0
    }
}
