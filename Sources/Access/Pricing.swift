public import Dialects

/// A model as prices know it: by its name, and by the vendor that has it.
public struct PricedModel: Equatable, Sendable {
    /// The model's name.
    public let name: String
    /// The vendor's name.
    public let vendor: String
    /// The dialect of the call.
    public let dialect: Dialect
    /// The limit of an answer that the gateway itself writes for it, where the client's request
    /// has none; nil where it writes none.
    public var writtenOutput: Int?
    /// The least that the gateway writes where the client's request asks for less.
    public var writtenOutputMin = 0

    /// A model of these parts.
    public init(name: String, vendor: String, dialect: Dialect) {
        self.name = name
        self.vendor = vendor
        self.dialect = dialect
    }
}

/// A call that has ended, as prices need to know it.
public struct PricedCall: Sendable {
    /// The names of the model, the surest first: the one that answered, the one that was asked for
    /// at the vendor, the one that the client asked for; some may be empty.
    public var models: [String]
    /// The vendor that answered.
    public var vendor: String
    /// The dialect of the call.
    public var dialect: Dialect
    /// What was used.
    public var usage: Usage
    /// The tier of service that the vendor says it answered in.
    public var tier: ServiceTier
    /// The vendor's usage objects, which may hold those of other models.
    public var usageText: String

    /// A call of these parts.
    public init(
        models: [String], vendor: String, dialect: Dialect, usage: Usage, tier: ServiceTier,
        usageText: String
    ) {
        self.models = models
        self.vendor = vendor
        self.dialect = dialect
        self.usage = usage
        self.tier = tier
        self.usageText = usageText
    }
}

/// What calls cost: the record's own price table, as far as it is needed before and after a call.
public protocol Pricing: Sendable {
    /// Tokens that a prompt may have at most, and an answer; nil where that is not known.
    func tokensMax(of model: PricedModel) -> (input: Int?, output: Int?)

    /// What a call costs at most, in billionths of a dollar; nil where the model has no price.
    ///
    /// `writesCache`: whether the prompt may be put into a cache, which costs more than to read it.
    func bound(input: Int, output: Int, writesCache: Bool, of model: PricedModel) -> Int?

    /// What a call cost, in billionths of a dollar; nil where that is not known.
    func nanodollars(for call: PricedCall) -> Int?
}
