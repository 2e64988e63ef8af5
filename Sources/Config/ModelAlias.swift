/// A name of the operator's own for a model: `[models.NAME]`.
public struct ModelAlias: Sendable, Equatable {
    /// The name that callers use.
    public var name: String
    /// The model that is asked for.
    public var model = ""
    /// The vendor that serves it; empty leaves it to the chains.
    public var vendor = ""

    /// An alias of this name.
    public init(name: String) {
        self.name = name
    }
}
