public import ExchangeCore

/// What one worker counts for one vendor.
public final class VendorMetrics: Sendable {
    /// The vendor's name.
    public let vendor: String
    /// Exchanges begun with it.
    public let started = Counter()
    /// Attempts made at it.
    public let attempts = Counter()
    /// Attempts that failed before anything went out, by class.
    public let attemptFailures = (0..<failureClassCount).map { _ in Counter() }
    /// Exchanges that went on to another vendor after it failed.
    public let movedOn = Counter()
    /// Cooldowns of its targets.
    public let cooldowns = Counter()
    /// Classes of failure, whose names the exposition is given.
    public static let failureClassCount = 6
    /// Exchanges ended, by outcome; whole answers with an error's status have counters of their
    /// own behind those of ``Outcome``.
    public let outcomes = outcomeNames.map { _ in Counter() }
    /// The names of these counters.
    static let outcomeNames = Outcome.allCases.map(\.name) + ["status_4xx", "status_5xx"]
    /// Responses by the first digit of their status.
    public let statusClasses = (0..<6).map { _ in Counter() }
    /// Requests sent a second time because a pooled connection was dead.
    public let staleRetries = Counter()
    /// Bytes of response bodies passed on.
    public let responseBytes = Counter()
    /// Bytes of request bodies passed on.
    public let requestBytes = Counter()
    /// From the end of the request to the response's head.
    public let headLatency = DurationHistogram()
    /// From the beginning of an attempt to its failure.
    public let failedAttempt = DurationHistogram()
    /// From a held response's head to its first content, or to when it could be held no longer.
    public let held = DurationHistogram()
    /// From the end of the request to the end of the response.
    public let duration = DurationHistogram()

    /// Counters at zero.
    public init(vendor: String) {
        self.vendor = vendor
    }

    /// Whole answers with an error's status that clients were given.
    public var errorAnswers: Int {
        outcomes[Outcome.allCases.count].current + outcomes[Outcome.allCases.count + 1].current
    }

    /// Counts an exchange's end; `status` is what its client was given.
    public func ended(_ outcome: Outcome, status: Int) {
        switch (outcome, status) {
        case (.complete, 400..<500): outcomes[Outcome.allCases.count].add()
        case (.complete, 500...): outcomes[Outcome.allCases.count + 1].add()
        default: outcomes[outcome.rawValue].add()
        }
    }
}
