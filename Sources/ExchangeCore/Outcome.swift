/// How an exchange ended, as the record and the metrics name it.
///
/// The numbers stand in journals: none is ever given to another. Counters lie by them, so they go
/// from zero without a gap.
public enum Outcome: Int, CaseIterable, Sendable {
    /// The vendor's response reached the client whole.
    case complete = 0
    /// The vendor's response broke off after some of it had gone out.
    case truncated = 1
    /// The client went away.
    case clientCancelled = 2
    /// The vendor gave no response; the client got an error of ours.
    case upstreamError = 3
    /// The connection to the vendor took too long.
    case timeoutConnect = 4
    /// The first content took too long.
    case timeoutFirstContent = 5
    /// The vendor fell silent after it had begun.
    case timeoutIdle = 6
    /// The whole took too long.
    case timeoutTotal = 7
    /// The client did not take, or did not send, what was due.
    case slowClient = 8
    /// The request was not served: malformed, too large, or at a bad time.
    case refused = 9

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
