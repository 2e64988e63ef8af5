/// What tokens cost.
public struct PriceSettings: Sendable, Equatable {
    /// Prices of the models that a glob matches, in dollars for a million tokens.
    public struct Model: Sendable, Equatable {
        /// The glob on the model's name.
        public var glob: String
        /// Tokens of prompts.
        public var input = 0.0
        /// Tokens of answers.
        public var output = 0.0
        /// Of prompts, those that a cache had; without a price of their own, as input.
        public var cacheRead: Double?
        /// Of prompts, those put into a cache for minutes.
        public var cacheWrite: Double?
        /// Of prompts, those put into a cache for an hour or longer.
        public var cacheWriteLong: Double?
        /// Of prompts, sound.
        public var audioInput: Double?
        /// Of answers, sound.
        public var audioOutput: Double?

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
