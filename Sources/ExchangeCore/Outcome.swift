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
