public import Config
import Primitives

/// Why an attempt failed, as a chain's policy sees it.
public enum FailureClass: Equatable, Sendable {
    /// Refused, DNS or TLS: nothing of the request was sent.
    case connect
    /// The first content did not come in time.
    case timeout
    /// Closed or reset after the request was sent and before any content: the vendor may have
    /// acted.
    case reset
    /// An answer with this status.
    case status(Int)
    /// A credential of ours was refused, or its quota is used up.
    case credential
    /// An error event, an empty or otherwise meaningless answer under a good status.
    case streamError

    /// The name in metrics and in the log.
    public var name: String {
        switch self {
        case .connect: "connect"
        case .timeout: "timeout"
        case .reset: "reset"
        case .status: "status"
        case .credential: "credential"
        case .streamError: "stream_error"
        }
    }

    /// All names, for metrics that show zeros.
    public static let names = [
        "connect", "timeout", "reset", "status", "credential", "stream_error",
    ]

    /// The name's index in ``names``.
    public var index: Int {
        switch self {
        case .connect: 0
        case .timeout: 1
        case .reset: 2
        case .status: 3
        case .credential: 4
        case .streamError: 5
        }
    }
}

/// The failures after which a chain tries another target.
public struct FailoverPolicy: Sendable {
    private let failover: Chain.Failover
    private let statuses: Set<Int>

    /// The policy of a chain's `[chains.failover]`.
    public init(_ failover: Chain.Failover) {
        self.failover = failover
        var statuses: Set<Int> = []
        for text in failover.statuses {
            if let code = Int(text) {
                statuses.insert(code)
            } else if let digit = text.first?.wholeNumberValue {
                statuses.formUnion(digit * 100...digit * 100 + 99)
            }
        }
        self.statuses = statuses
    }

    /// Whether another target may be tried after such a failure.
    public func movesOn(from failure: FailureClass) -> Bool {
        switch failure {
        case .connect: failover.connect
        case .timeout: failover.timeout
        case .reset: failover.reset
        case .status(let code): statuses.contains(code)
        case .credential: failover.credential
        case .streamError: failover.streamError
        }
    }

    /// Failures in a row after which a target is passed over, and for how long.
    public var cooldown: (after: Int, nanoseconds: Int64) {
        (failover.cooldownAfter, failover.cooldown.nanoseconds)
    }
}
