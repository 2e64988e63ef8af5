public import Routing

/// How a transfer ended, by libcurl's code and by our own observation.
public struct TransferResult: Sendable {
    /// libcurl's code.
    public let code: CurlCode
    /// Whether libcurl began to send the request, so that the vendor may have acted on it.
    public let wasSent: Bool
    /// Whether any byte of an answer came.
    public let sawResponse: Bool
    /// Whether a pooled connection turned out dead: before the request was sent, or libcurl was
    /// about to send it a second time, which the guard refused.
    public let wasStale: Bool
    /// Whether it failed because this process has no descriptor or memory for a connection.
    public let isStarved: Bool
    /// libcurl's own words for the failure; empty on success.
    public let detail: String

    /// The result of a transfer that never started.
    public init(notStarted code: CurlCode, detail: String) {
        self.init(
            code: code, wasSent: false, sawResponse: false, wasStale: false,
            isStarved: code == .outOfMemory, detail: detail)
    }

    /// A result of these parts.
    public init(
        code: CurlCode, wasSent: Bool, sawResponse: Bool, wasStale: Bool,
        isStarved: Bool = false, detail: String
    ) {
        self.code = code
        self.wasSent = wasSent
        self.sawResponse = sawResponse
        self.wasStale = wasStale
        self.isStarved = isStarved
        self.detail = detail
    }

    /// The class of a transfer that ended before a whole head had come.
    ///
    /// Nothing was sent: another target is always safe. Sent, and no byte back: the vendor may have
    /// acted, which a class of its own says.
    public var failureClass: FailureClass {
        if !wasSent { return .connect }
        return code == .operationTimedOut ? .timeout : .reset
    }
}
