import Config
import HTTP
import Primitives
import Routing

/// A key that is known, and what it may do.
public final class AccessKey: Sendable {
    /// Its name.
    public let name: String
    /// Its group's; empty without one.
    public let group: String
    /// The limits that its requests have to pass: its own, and those of its groups up to the root.
    public let path: [Step]
    /// From when on it is refused, in milliseconds since 1970; nil is never.
    let expires: Int?
    private let chains: [Glob]
    private let models: [Glob]
    private let allowsAllChains: Bool
    private let allowsAllModels: Bool
    /// Whether some limit is on money, and whether some is on tokens.
    public let hasBudget: Bool
    private let hasTokenLimit: Bool
    /// Whether some limit lets requests wait.
    public let mayWait: Bool

    init(_ settings: KeySettings, path: [Step]) {
        name = settings.name
        group = settings.group
        self.path = path
        expires = settings.expires.map { $0 / 1000 }
        chains = settings.chains.map(Glob.init)
        models = settings.models.map(Glob.init)
        allowsAllChains = settings.chains.contains("*")
        allowsAllModels = settings.models.contains("*")
        hasBudget = path.contains { $0.budget != nil }
        hasTokenLimit = path.contains { $0.tokens != nil }
        mayWait = path.contains { $0.queue != nil }
    }

    /// Whether what a request may use is worked out before it is admitted, and what it used after.
    public var isMetered: Bool { hasBudget || hasTokenLimit }

    /// Whether requests may ask for certain models alone.
    public var restrictsModels: Bool { !allowsAllModels }

    /// Whether requests may go to certain chains alone.
    public var restrictsChains: Bool { !allowsAllChains }

    /// Whether a request's body is read before it is admitted.
    public var readsBody: Bool { isMetered || restrictsModels }

    /// Whether the model is asked for before a request is admitted.
    public var needsModel: Bool { hasBudget || !allowsAllModels }

    /// Whether a model without a price costs nothing wherever this key has a budget.
    public var allowsUnpriced: Bool {
        path.allSatisfy { $0.budget == nil || $0.allowsUnpriced }
    }

    /// Whether a key is good at an instant, in milliseconds since 1970.
    func isValid(at now: Int) -> Bool { expires.map { now < $0 } ?? true }

    /// Whether requests may go to a chain; a request without one goes to the vendor of its dialect.
    public func mayUse(chain: String) -> Bool {
        if allowsAllChains { return true }
        let name = Array(chain.utf8)
        return chains.contains { $0.matches(name.span) }
    }

    /// Whether requests may ask for a model; nil is a request that names none.
    public func mayUse(model: String?) -> Bool {
        if allowsAllModels { return true }
        guard let model else { return true }
        let name = Array(model.utf8)
        return models.contains { $0.matches(name.span) }
    }
}
