/// What calls of a key in flight may use, in a process that serves beside this one.
public struct HeldCharge: Equatable, Sendable {
    /// The key's name.
    public let key: String
    /// Its group; empty without one.
    public let group: String
    /// Calls in flight.
    public var calls: Int
    /// Tokens that are held for them.
    public var tokens: Int
    /// Billionths of a dollar that are held.
    public var nanodollars: Int

    /// A charge of these parts.
    public init(key: String, group: String, calls: Int, tokens: Int, nanodollars: Int) {
        self.key = key
        self.group = group
        self.calls = calls
        self.tokens = tokens
        self.nanodollars = nanodollars
    }

    /// Adds a call.
    public mutating func add(tokens: Int, nanodollars: Int) {
        calls += 1
        self.tokens += tokens
        self.nanodollars += nanodollars
    }
}
