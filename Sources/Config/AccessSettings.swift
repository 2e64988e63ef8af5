/// `[access]`: what holds for all clients' keys.
public struct AccessSettings: Sendable, Equatable {
    /// Whether a key is asked for even where the file has none.
    public var isRequired = false
    /// Tokens of an answer that are reserved where neither the request nor the prices say how many
    /// there may be.
    public var outputDefault = 8192
    /// Billionths of a dollar that are reserved for one call at most; nil is without a bound.
    public var holdMax: Int?

    /// The issuer whose tokens let clients in; nil without one.
    public var tokens: TokenSettings?

    /// The defaults.
    public init() {}
}
