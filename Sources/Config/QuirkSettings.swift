public import Translation

/// What the operator knows of models that differ from the newest ones of their dialect: a table of
/// `[[quirks]]`.
public struct QuirkSettings: Sendable, Equatable {
    /// The vendor's name, as a pattern with `*`.
    public var vendor = "*"
    /// The model's name at the vendor, likewise.
    public var model = "*"
    /// What differs, by the names of the keys.
    var limitField: Quirks.LimitField?
    var takesSampling: Bool?
    var systemRole: String?
    var middleSystem: Quirks.MiddleSystem?
    var thinking: Quirks.Thinking?
    var budgets: [Int]?
    var outputMax: Int?
    var outputMin: Int?
    var stopMax: Int?
    var reasoningField: String?
    var replay: Quirks.Replay?
    var schemaWords: Quirks.SchemaWords?
    var geminiGeneration: Int?
    var samplesUnthinking: Bool?
    var samplesOnce: Bool?
    var takesPenalties: Bool?
    var mayRest: Bool?
    var efforts: [String]?
    var toolEffort: Quirks.ToolEffort?
    var budgetMin: Int?
    var takesSchema: Bool?
    var callNameLength: Int?

    /// Changes quirks as the table says.
    public func apply(to quirks: inout Quirks) {
        quirks.limitField = limitField ?? quirks.limitField
        quirks.takesSampling = takesSampling ?? quirks.takesSampling
        quirks.systemRole = systemRole ?? quirks.systemRole
        quirks.middleSystem = middleSystem ?? quirks.middleSystem
        quirks.thinking = thinking ?? quirks.thinking
        quirks.ladder = budgets ?? quirks.ladder
        quirks.outputMax = outputMax ?? quirks.outputMax
        quirks.outputMin = outputMin ?? quirks.outputMin
        quirks.stopMax = stopMax ?? quirks.stopMax
        quirks.reasoningField = reasoningField ?? quirks.reasoningField
        quirks.replay = replay ?? quirks.replay
        quirks.schemaWords = schemaWords ?? quirks.schemaWords
        quirks.geminiGeneration = geminiGeneration ?? quirks.geminiGeneration
        quirks.samplesUnthinking = samplesUnthinking ?? quirks.samplesUnthinking
        quirks.samplesOnce = samplesOnce ?? quirks.samplesOnce
        quirks.takesPenalties = takesPenalties ?? quirks.takesPenalties
        quirks.mayRest = mayRest ?? quirks.mayRest
        quirks.efforts = efforts ?? quirks.efforts
        quirks.toolEffort = toolEffort ?? quirks.toolEffort
        quirks.budgetMin = budgetMin ?? quirks.budgetMin
        quirks.takesSchema = takesSchema ?? quirks.takesSchema
        quirks.callNameLength = callNameLength ?? quirks.callNameLength
    }
}
