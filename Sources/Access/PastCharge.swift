/// What the calls of a key in a past period were charged, as the record has it.
public struct PastCharge: Equatable, Sendable {
    /// The key's name.
    public let key: String
    /// Its group at that time; empty without one.
    public let group: String
    /// The period's beginning, in milliseconds since 1970.
    public let began: Int
    /// Its length, in milliseconds.
    public let length: Int
    /// Calls that were admitted.
    public let calls: Int
    /// Tokens.
    public let tokens: Int
    /// Billionths of a dollar.
    public let nanodollars: Int

    /// A charge of these parts.
    public init(
        key: String, group: String, began: Int, length: Int, calls: Int, tokens: Int,
        nanodollars: Int
    ) {
        self.key = key
        self.group = group
        self.began = began
        self.length = length
        self.calls = calls
        self.tokens = tokens
        self.nanodollars = nanodollars
    }

    /// The length of the periods that money and long rates are rebuilt from.
    static let hour = 3_600_000
    /// The length of those that short rates are rebuilt from.
    static let minute = 60_000
    /// Rates of an interval as long as this, or longer, are rebuilt from hours.
    private static let longRate = 2 * hour

    /// The same as of a minute, for short rates: what was used in an hour that is long past counts
    /// as used at its beginning, and all of it but a debt is paid back by now.
    public var asMinute: PastCharge {
        PastCharge(
            key: key, group: group, began: began, length: Self.minute, calls: calls,
            tokens: tokens, nanodollars: nanodollars)
    }

    /// Whether a rate of an interval of so many milliseconds is rebuilt from this.
    func counts(for interval: Int) -> Bool {
        length == (interval >= Self.longRate ? Self.hour : Self.minute)
    }

    /// How far back charges matter: no period of a budget, and no two intervals of a rate, is
    /// longer.
    public static let reach = 64 * 24 * hour
}
