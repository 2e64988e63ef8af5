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

    /// Whether it is worth waiting so many milliseconds: not for a budget, nor for what is later.
    func passes(within most: Int) -> Bool {
        if case .budget = axis { return false }
        return !isTooLarge && (wait ?? 0) <= most
    }
}
