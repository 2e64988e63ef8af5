/// What one worker counts.
public final class WorkerMetrics: Sendable {
    /// By vendor, in the order of the configuration.
    public let vendors: [VendorMetrics]
    /// Client connections accepted.
    public let accepted = Counter()
    /// Client connections ended.
    public let closed = Counter()
    /// Connections turned away because there were too many.
    public let turnedAway = Counter()
    /// Requests refused before a vendor was asked.
    public let refused = Counter()
    /// Times that accepting paused for want of descriptors.
    public let acceptPauses = Counter()
    /// Bytes of response chunks whose client went away before they were sent.
    public let undeliveredBytes = Counter()
    /// Answers that went on after their client, for the record.
    public let unheard = Counter()
    /// Exchanges begun without a journal to tell of them.
    public let unrecorded = Counter()
    /// Turns of the event loop.
    public let turns = Counter()

    /// The monotonic clock at the latest turn, in nanoseconds: a worker turns at least once in
    /// fifteen seconds, or it is stuck.
    public let lastTurn = Counter()

    /// Counters at zero for these vendors.
    public init(vendors: [String]) {
        self.vendors = vendors.map(VendorMetrics.init)
    }
}
