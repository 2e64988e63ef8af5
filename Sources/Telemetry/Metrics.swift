/// How an exchange ended, as the record and the metrics name it.
public enum Outcome: Int, CaseIterable, Sendable {
    /// The vendor's response reached the client whole.
    case complete
    /// The vendor's response broke off after some of it had gone out.
    case truncated
    /// The client went away.
    case clientCancelled
    /// The vendor gave no response; the client got an error of ours.
    case upstreamError
    /// The connection to the vendor took too long.
    case timeoutConnect
    /// The first content took too long.
    case timeoutFirstContent
    /// The vendor fell silent after it had begun.
    case timeoutIdle
    /// The whole took too long.
    case timeoutTotal
    /// The client did not take, or did not send, what was due.
    case slowClient
    /// The request was not served: malformed, too large, or at a bad time.
    case refused

    /// The name in metrics.
    public var name: String {
        switch self {
        case .complete: "complete"
        case .truncated: "truncated"
        case .clientCancelled: "client_cancelled"
        case .upstreamError: "upstream_error"
        case .timeoutConnect: "timeout_connect"
        case .timeoutFirstContent: "timeout_first_content"
        case .timeoutIdle: "timeout_idle"
        case .timeoutTotal: "timeout_total"
        case .slowClient: "slow_client"
        case .refused: "refused"
        }
    }
}

/// What one worker counts for one vendor.
public final class VendorMetrics: Sendable {
    /// The vendor's name.
    public let vendor: String
    /// Exchanges begun with it.
    public let started = Counter()
    /// Exchanges ended, by outcome.
    public let outcomes = Outcome.allCases.map { _ in Counter() }
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
    /// From the end of the request to the end of the response.
    public let duration = DurationHistogram()

    /// Counters at zero.
    public init(vendor: String) {
        self.vendor = vendor
    }
}

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
