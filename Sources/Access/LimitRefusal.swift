public import Config

/// Why a limit refuses a request.
public struct LimitRefusal: Equatable, Sendable {
    /// What the limit is on.
    public enum Axis: Equatable, Sendable {
        case requests, tokens, concurrent
        case budget(BudgetPeriod)
    }

    /// The limit's owner.
    public let scope: Step.Scope
    /// What it is on.
    public let axis: Axis
    /// The limit itself, in requests, tokens, requests at once, or billionths of a dollar.
    public let limit: Int
    /// The interval of a rate, in milliseconds; 0 for the others.
    public let length: Int
    /// Milliseconds until the request may pass; nil where it never will, or where that depends on
    /// other requests.
    public let wait: Int?
    /// Whether the request asks for more than the limit is.
    public let isTooLarge: Bool
    /// The chain that the request may go to instead; nil where there is none.
    public var chain: String?

    /// Whether it is worth waiting so many milliseconds: not for a budget, nor for what is later,
    /// nor for a store that is away.
    func passes(within most: Int) -> Bool {
        if case .budget = axis { return false }
        if reason == .storeAway { return false }
        return !isTooLarge && (wait ?? 0) <= most
    }

    /// What it is for, beside a limit that is used up.
    public var reason = Reason.used

    /// Why a limit that several replicas share refuses a request.
    public enum Reason: Equatable, Sendable {
        /// The limit is used up.
        case used
        /// This replica's share of it is, and more was asked for.
        case awaited
        /// The store that the replicas share cannot be reached.
        case storeAway
    }

    /// Milliseconds after which a share that was asked for is here, or will not come.
    static let shareWait = 1000

    /// A limit of whose share this replica awaits more.
    static func awaited(_ level: LimitLevel, _ step: Step) -> LimitRefusal {
        let axis: Axis =
            switch level.axis {
            case .requests: .requests
            case .tokens: .tokens
            case .concurrent: .concurrent
            case .budget: .budget(step.budget?.period ?? .month)
            }
        return LimitRefusal(
            scope: step.scope, axis: axis, limit: level.limit, length: level.length,
            wait: shareWait, isTooLarge: false, reason: .awaited)
    }

    /// A limit that only the store could say more about.
    static func storeAway(_ step: Step) -> LimitRefusal {
        LimitRefusal(
            scope: step.scope, axis: .requests, limit: 0, length: 0, wait: shareWait,
            isTooLarge: false, reason: .storeAway)
    }
}
