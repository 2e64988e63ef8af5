/// What a target's model and vendor take, where they differ from their dialect's description.
public struct Quirks: Equatable, Sendable {
    /// What becomes of a system text in the middle of a conversation.
    public enum MiddleSystem: String, Sendable, CaseIterable {
        /// It stays where it is.
        case keep
        /// It is added to the turn before it, or to the next one.
        case fold
    }

    /// How a target is asked to think.
    public enum Thinking: String, Sendable, CaseIterable {
        /// In either way, or in one that nothing is known of: the effort where both would do.
        case either
        /// The model decides by the effort, and takes no number of tokens.
        case adaptive
        /// So many tokens.
        case budget
        /// Not at all.
        case none
    }

    /// The effort that a chat model takes beside functions.
    public enum ToolEffort: String, Sendable, CaseIterable {
        /// Each.
        case any
        /// None at all.
        case none
        /// None, and only where the request says so.
        case namedNone = "named_none"
    }

    /// The member of a chat request that bounds the answer.
    public enum LimitField: String, Sendable, CaseIterable {
        /// OpenAI's own models.
        case completion = "max_completion_tokens"
        /// Most servers that follow OpenAI's dialect.
        case plain = "max_tokens"
    }

    /// When a chat vendor wants its reasoning back.
    public enum Replay: String, Sendable, CaseIterable {
        /// It does not.
        case never
        /// In turns that call tools.
        case toolTurns = "tool_turns"
        /// In every turn.
        case all
    }

    /// The words in which a Gemini vendor takes a schema.
    public enum SchemaWords: String, Sendable, CaseIterable {
        /// JSON Schema, in a member of its own.
        case json
        /// The older subset of OpenAPI's.
        case openapi
    }

    /// The member that bounds a chat answer.
    public var limitField = LimitField.completion
    /// Whether temperature and its kin are taken; nil for what the dialect's newest models do.
    public var takesSampling: Bool?
    /// Whether temperature and its kin are taken where no effort is asked for, if not else.
    public var samplesUnthinking = false
    /// Whether only one of temperature and `top_p` is taken.
    public var samplesOnce = false
    /// Whether an OpenAI vendor takes penalties and gives probabilities.
    public var takesPenalties = true
    /// The role of a system text in chat and Responses.
    public var systemRole = "system"
    /// Later system texts; nil for what the dialect's newest models take.
    public var middleSystem: MiddleSystem?
    /// How the target thinks.
    public var thinking = Thinking.either
    /// Whether the target may be asked not to think.
    public var mayRest = true
    /// The efforts that are known; nil for all of the dialect.
    public var efforts: [String]?
    /// The effort beside functions.
    public var toolEffort = ToolEffort.any
    /// The smallest budget.
    public var budgetMin = 0
    /// Whether an answer can be held to a schema.
    public var takesSchema = true
    /// Budgets in tokens that stand for minimal, low, medium and high effort.
    public var ladder = [1024, 4096, 8192, 16384]
    /// The longest answer, for a dialect that must be given one.
    public var outputMax = 32000
    /// The smallest bound of an answer.
    public var outputMin = 16
    /// How many stop words are taken; nil for as many as the dialect has.
    public var stopMax: Int?
    /// The member in which a chat vendor has its reasoning.
    public var reasoningField = "reasoning_content"
    /// When it wants it back.
    public var replay = Replay.never
    /// The schema's words.
    public var schemaWords = SchemaWords.json
    /// How many letters and digits a call's name has; nil for those of the dialect.
    public var callNameLength: Int?
    /// Which Gemini it is: 3 and later think in levels and check signatures.
    public var geminiGeneration = 3

    /// The dialect's newest models.
    public init() {}
}
