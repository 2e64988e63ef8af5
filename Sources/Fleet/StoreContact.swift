import Primitives

/// Whether the store can be reached, and when it is tried again: the breaker before it.
///
/// A store that is slow is worse than one that is gone, so an answer that does not come in time is
/// a failure like any other. While the store is away it gets one try at a time, later and later.
struct StoreContact: Equatable {
    /// A change that is written for people.
    enum Change: Equatable {
        case reached
        case lost
    }

    /// Failures in a row after which the store is away.
    static let failuresMax = 3
    /// For how long the store may have given no answer before it is away, however often it failed.
    static let silenceMax = Interval.seconds(1)
    /// How long an answer may take.
    static let patience = Interval.milliseconds(250)
    private static let pauseMin = Interval.milliseconds(50)
    /// Replicas have to be back within a lease once the store is.
    private static let pauseMax = Interval.milliseconds(1000)

    private(set) var isAway = true
    private(set) var failures = 0
    private(set) var nextTry: Instant
    private var lastAnswer: Instant?
    /// Whether the first end, good or bad, has been seen.
    private var isTried = false

    init(now: Instant) {
        nextTry = now
    }

    /// The store answered.
    mutating func answered(now: Instant) -> Change? {
        failures = 0
        lastAnswer = now
        isTried = true
        guard isAway else { return nil }
        isAway = false
        return .reached
    }

    /// A try failed.
    ///
    /// `jitter`: 0 to 1, so that replicas do not come back all at once.
    mutating func failed(now: Instant, jitter: Double) -> Change? {
        failures += 1
        let doubled = Self.pauseMin.nanoseconds << Int64(min(failures - 1, 6))
        let pause = min(doubled, Self.pauseMax.nanoseconds)
        let spread = Int64(Double(pause) * (0.5 + 0.5 * min(1, max(0, jitter))))
        nextTry = now + Interval(nanoseconds: spread)
        let isSilent = lastAnswer.map { now - $0 > Self.silenceMax } ?? true
        defer { isTried = true }
        guard isAway || failures >= Self.failuresMax || isSilent else { return nil }
        let isNews = !isAway || !isTried
        isAway = true
        return isNews ? .lost : nil
    }
}
