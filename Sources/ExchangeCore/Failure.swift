public import Dialects
public import Primitives

/// Why a client gets an answer of ours instead of a vendor's: what happened, whose fault it is,
/// whether to try again, and why.
public struct Failure: Error, Equatable, Sendable {
    /// Who could have prevented it.
    public enum Fault: String, Sendable {
        case client, gateway, vendor, network
    }

    /// The HTTP status.
    public let status: Int
    /// A stable word for programs.
    public let code: String
    /// The party at fault.
    public let fault: Fault
    /// Whether the same request may succeed later.
    public let isWorthRetrying: Bool
    /// What happened, for people.
    public let explanation: String
    /// How the exchange ends with it.
    public let outcome: Outcome
    /// The limit that refuses the request; nil where none does.
    public let limit: LimitNotice?

    /// A failure of these parts.
    public init(
        status: Int, code: String, fault: Fault, isWorthRetrying: Bool, explanation: String,
        outcome: Outcome, limit: LimitNotice? = nil
    ) {
        self.status = status
        self.code = code
        self.fault = fault
        self.isWorthRetrying = isWorthRetrying
        self.explanation = explanation
        self.outcome = outcome
        self.limit = limit
    }

    /// The sentence for people, with the party at fault named.
    public var message: String {
        "weir: \(explanation) (fault: \(fault.rawValue); "
            + (isWorthRetrying ? "retrying may help)" : "retrying will not help)")
    }

    /// A request that no target serves.
    public static func refused(_ status: Int, _ code: String, _ explanation: String) -> Failure {
        Failure(
            status: status, code: code, fault: .client, isWorthRetrying: false,
            explanation: explanation, outcome: .refused
        )
    }

    /// A request whose body does not come.
    public static let slowBody = refused(
        408, "request_timeout", "the request body did not arrive in time"
    )

    /// A response that ended before any content of it went out.
    public static func brokeOff(_ result: TransferResult, vendor: String) -> Failure {
        Failure(
            status: 502, code: "vendor_broke_off", fault: .vendor, isWorthRetrying: true,
            explanation: "vendor \(vendor) broke off before any content, \(result.code.name)",
            outcome: .upstreamError
        )
    }

    /// A stream that ended before its end.
    public static func streamBroke(vendor: String) -> Failure {
        Failure(
            status: 502, code: "vendor_broke_off", fault: .vendor, isWorthRetrying: true,
            explanation: "vendor \(vendor) broke the stream off, and what it sent is not whole",
            outcome: .truncated
        )
    }

    /// A good status with an answer that is none.
    public static func noAnswer(vendor: String, _ what: String) -> Failure {
        Failure(
            status: 502, code: "vendor_no_answer", fault: .vendor, isWorthRetrying: true,
            explanation: "vendor \(vendor) answered with \(what)", outcome: .upstreamError
        )
    }

    /// A gateway that cannot serve just now.
    public static func unavailable(_ code: String, _ explanation: String) -> Failure {
        Failure(
            status: 503, code: code, fault: .gateway, isWorthRetrying: true,
            explanation: explanation, outcome: .refused
        )
    }

    /// A clock that ran out before the vendor's response began.
    public static func timedOut(
        _ clock: Clock, vendor: String, after interval: Interval
    ) -> Failure {
        Failure(
            status: 504, code: "vendor_timeout", fault: .vendor, isWorthRetrying: true,
            explanation: "vendor \(vendor) did not answer: \(clock.words) ended after \(interval)",
            outcome: clock.outcome
        )
    }

    /// A vendor's head that cannot be passed on: it would be the same the next time.
    public static func unfitHead(vendor: String, _ violation: StaticString) -> Failure {
        Failure(
            status: 502, code: "vendor_malformed", fault: .vendor, isWorthRetrying: false,
            explanation: "vendor \(vendor) answered with \(violation)", outcome: .upstreamError
        )
    }

    /// A transfer that ended before a whole head had come.
    public static func transfer(_ result: TransferResult, vendor: String) -> Failure {
        let detail = result.detail.isEmpty ? "" : ": \(result.detail)"
        // It is the gateway that stops libcurl there, whose words would name the wrong cause.
        let words =
            result.code == .abortedByCallback
            ? "and the request is not sent a second time" : "\(result.code.name)\(detail)"
        func make(
            _ status: Int, _ code: String, _ fault: Fault, _ what: String,
            _ outcome: Outcome = .upstreamError
        ) -> Failure {
            Failure(
                status: status, code: code, fault: fault,
                isWorthRetrying: result.code.mayPassByItself,
                explanation: "\(what), \(words)", outcome: outcome
            )
        }
        guard !result.isStarved else {
            return make(
                503, "gateway_exhausted", .gateway, "the gateway has no room for a transfer")
        }
        switch result.code {
        case .operationTimedOut:
            return make(
                504, "vendor_timeout", .network, "vendor \(vendor) could not be reached in time",
                .timeoutConnect
            )
        case .couldNotResolveHost:
            return make(
                502, "vendor_unresolved", .network, "the name of vendor \(vendor) does not resolve"
            )
        case .couldNotConnect:
            return make(502, "vendor_unreachable", .network, "vendor \(vendor) cannot be reached")
        case .sslConnectError, .peerFailedVerification:
            return make(502, "vendor_tls", .vendor, "no trusted TLS connection to vendor \(vendor)")
        case .outOfMemory:
            return make(
                503, "gateway_exhausted", .gateway, "the gateway has no room for a transfer")
        case .ok:
            // libcurl takes a connection that closes inside a head for a response that ended well.
            return make(
                502, "vendor_broke_off", .vendor,
                "vendor \(vendor) closed the connection in its head"
            )
        default:
            let what =
                result.sawResponse
                ? "vendor \(vendor) broke off in its head"
                : result.wasSent
                    ? "vendor \(vendor) closed the connection without an answer"
                    : "the request could not be sent to vendor \(vendor)"
            return make(502, "vendor_broke_off", .vendor, what)
        }
    }
}
