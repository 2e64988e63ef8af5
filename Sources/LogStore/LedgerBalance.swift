/// What all keys were charged, and where the sums and the records do not agree.
public struct LedgerBalance: Equatable, Sendable {
    /// A key whose sums, records and removed records do not agree.
    public struct Difference: Equatable, Sendable {
        /// The key's name.
        public let key: String
        /// Tokens in the sums beyond those of the records, those that were removed included.
        public let tokens: Int
        /// The same of billionths of a dollar.
        public let nanodollars: Int
    }

    /// Keys that were ever charged.
    public let keys: Int
    /// Tokens that they were charged.
    public internal(set) var tokens = 0
    /// Billionths of a dollar that they were charged.
    public internal(set) var nanodollars = 0
    /// Where the sums are wrong.
    public internal(set) var differences: [Difference] = []

    init(keys: Int) {
        self.keys = keys
    }
}
