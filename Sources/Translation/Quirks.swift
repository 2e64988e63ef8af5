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
        /// The model decides by the effort.
        case adaptive
        /// So many tokens.
        case budget
        /// Not at all.
        case none
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
    /// The role of a system text in chat and Responses.
    public var systemRole = "system"
    /// Later system texts; nil for what the dialect's newest models take.
    public var middleSystem: MiddleSystem?
    /// How the target thinks.
    public var thinking = Thinking.adaptive
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
    /// Which Gemini it is: 3 and later think in levels and check signatures.
    public var geminiGeneration = 3

    /// The dialect's newest models.
    public init() {}
}
