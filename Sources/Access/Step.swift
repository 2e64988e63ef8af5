import Config
import Primitives

/// One of the limits that a request has to pass: its key's, or a group's.
public final class Step: Sendable {
    /// The owner of a limit.
    public enum Scope: Hashable, Sendable {
        /// A key, by its name.
        case key(String)
        /// A group, by its name: all its keys share the limit.
        case group(String)
        /// A group that gives each key a limit of its own.
        case each(group: String, key: String)

        /// What a client is shown of it.
        public var name: String {
            switch self {
            case .key(let name): "key \(name)"
            case .group(let name): "group \(name)"
            case .each(let group, let key): "group \(group), key \(key)"
            }
        }

        /// What kind of owner it is, for metrics.
        public var kind: String {
            switch self {
            case .key: "key"
            case .group: "group"
            case .each: "each"
            }
        }

        /// Its name alone, for metrics.
        public var label: String {
            switch self {
            case .key(let name), .group(let name): name
            case .each(let group, let key): "\(group)/\(key)"
            }
        }
    }

    /// The owner.
    let scope: Scope
    /// Its index in the ledger.
    let slot: Int
    let requests: RateWindow.Limit?
    let tokens: RateWindow.Limit?
    let concurrent: Int?
    let budget: BudgetLimit?
    let allowsUnpriced: Bool
    /// The chain of requests that the budget does not cover; nil where they are refused.
    let budgetChain: String?
    /// Requests that may wait for these limits at most, and how many milliseconds; nil: none.
    let queue: (max: Int, wait: Int)?

    /// The step of a scope with these limits.
    init(_ scope: Scope, slot: Int, _ limits: LimitSettings) {
        self.scope = scope
        self.slot = slot
        requests = limits.requests.map(RateWindow.Limit.init)
        tokens = limits.tokens.map(RateWindow.Limit.init)
        concurrent = limits.concurrent
        budget = limits.budget
        allowsUnpriced = limits.allowsUnpriced
        budgetChain = limits.budgetChain
        queue = limits.queue.map { ($0.max, Int($0.wait.millisecondsRoundedUp)) }
    }

    /// The refusal of a request that would pass others which wait.
    var fullQueue: LimitRefusal {
        LimitRefusal(
            scope: scope, axis: .concurrent, limit: concurrent ?? queue?.max ?? 0, length: 0,
            wait: nil, isTooLarge: false)
    }
}

extension RateWindow.Limit {
    init(_ rate: RateLimit) {
        self.init(
            count: rate.count, length: Int(rate.interval.millisecondsRoundedUp))
    }
}
