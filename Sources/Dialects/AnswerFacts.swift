public import Primitives

/// What a record keeps of an answer beside its bytes.
public struct AnswerFacts: Equatable, Sendable {
    /// The model that answered, as the vendor names it; empty where it did not.
    public var model = ""
    /// Why the answer ended, in the vendor's words; empty where it gave none.
    public var finishReason = ""
    /// The numbers of usage.
    public var usageFields = UsageFields()
    /// Whether the last usage was the account of the whole answer, by what stood beside it.
    ///
    /// Where it was not, it is one only if the answer is whole.
    public var isUsageFinal = false
    /// Whether the answer's tokens were last stated before it was written: at the opening of a
    /// stream, or on its way.
    ///
    /// Such a number stands for no whole answer, either.
    public var isOutputOpen = false
    /// The vendor's own usage objects; empty without any.
    public var usageText = ""
    /// The tier of service that the vendor says it answered in.
    public var serviceTier = ServiceTier.standard
    /// Whether the answer ended in the middle of its JSON.
    public var isCut = false
    /// The first of several usage objects, where they are parts of one account.
    var firstUsageText = ""
    /// Bytes of a usage object kept as text.
    static let usageBytesMax = 16 << 10
    /// The kind of an error the answer holds; empty without one.
    public var errorKind = ""
    /// Its message.
    public var errorMessage = ""
    /// When the first content came; nil where none did.
    public var firstContent: Instant?
    /// Whether the answer says that it is at its end.
    public var sawTerminal = false
    /// Whether all of it could be looked at: one with a hole, in an encoding that cannot be undone,
    /// or with more beside its content than the observer keeps, is not.
    public var isUnderstood = true
    /// Usage objects seen.
    var usageCount = 0
    /// Events of a stream seen.
    var eventCount = 0

    /// Usage objects of earlier answers, and of this one.
    public var usageTemplates = UsageTemplates()

    /// Events in which the model is looked for.
    static let namingEventsMax = 4

    /// Nothing known.
    public init() {}
}
