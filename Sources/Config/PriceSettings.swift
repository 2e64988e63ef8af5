public import Dialects

/// What tokens cost.
public struct PriceSettings: Sendable, Equatable {
    /// A price, in dollars for a million tokens.
    public struct Price: Sendable, Equatable {
        /// The kind of token.
        public var kind: TokenKind
        /// Tokens of a prompt beyond which it holds.
        public var beyond = 0
        /// The tier of service in which it holds.
        public var tier = ServiceTier.standard
        /// Dollars for a million tokens.
        public var dollars: Double

        /// The key that sets it.
        public var name: String {
            kind.rawValue + (beyond > 0 ? "_above_\(beyond / 1000)k" : "")
                + (tier == .standard ? "" : "_\(tier.rawValue)")
        }
    }

    /// Prices of the models that a glob matches.
    public struct Model: Sendable, Equatable {
        /// The glob on the model's name.
        public var glob: String
        /// The prices; a kind without one costs what the kind it is a part of costs.
        public var prices: [Price] = []
        /// Tokens of a prompt at most; 0 where that is not known.
        public var maxInput = 0
        /// Tokens of an answer at most; 0 where that is not known.
        public var maxOutput = 0

        /// Prices of nothing.
        public init(glob: String) {
            self.glob = glob
        }
    }

    /// A price file in LiteLLM's format; empty is none.
    public var file = ""
    /// What records say of where their cost comes from; empty is derived from the file.
    public var version = ""
    /// Prices in the configuration itself, which come before those of the file.
    public var models: [Model] = []

    /// No prices.
    public init() {}
}
