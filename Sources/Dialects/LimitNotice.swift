/// What a client is shown of a limit that refuses its request.
public struct LimitNotice: Equatable, Sendable {
    /// What the limit is on.
    public enum Kind: Equatable, Sendable {
        /// A rate, or requests at the same time: the same request passes later.
        case rate
        /// Money of a period, whose name this is: no request passes before its end.
        case spent(period: String)
        /// The request asks for more than the limit is.
        case tooLarge
    }

    /// What it is on.
    public let kind: Kind
    /// Whose limit it is, as the operator named it.
    public let bucket: String
    /// The limit itself, as whole numbers.
    public let limit: Int
    /// The unit of that in IETF's `RateLimit-Policy`, where a limit without one is on requests;
    /// empty where there is no limit to name.
    public let unit: String
    /// Seconds of a rate's interval; 0 without one.
    public let window: Int
    /// Milliseconds until the request may pass; nil where that is not known.
    public let wait: Int?
    /// When a spent budget begins anew, in seconds since 1970; nil for the others.
    public let resetsAt: Int?

    /// A notice of these parts.
    public init(
        kind: Kind, bucket: String, limit: Int, unit: String, window: Int, wait: Int?,
        resetsAt: Int?
    ) {
        self.kind = kind
        self.bucket = bucket
        self.limit = limit
        self.unit = unit
        self.window = window
        self.wait = wait
        self.resetsAt = resetsAt
    }

    /// Seconds after which to ask again, rounded up; nil where that is of no use.
    ///
    /// What depends on other requests may be free at any moment.
    public var retryAfter: Int? {
        if kind == .tooLarge { return nil }
        return wait.map { max(1, ($0 + 999) / 1000) } ?? 1
    }

    /// Whether an SDK should ask again by itself: none waits for minutes.
    public var isWorthRetrying: Bool {
        kind == .rate && retryAfter.map { $0 <= 60 } ?? false
    }
}
