extension Quirks {
    /// Quirks of a JSON object, as a case of translation has them.
    init(_ value: RawJSON?) {
        self.init()
        for member in value?.members ?? [] { take(member) }
    }

    private mutating func take(_ member: RawJSON.Member) {
        let value = member.value
        let text = value.plain ?? ""
        switch member.name {
        case "ladder": ladder = value.elements.compactMap(\.integer)
        case "mid_system": middleSystem = MiddleSystem(rawValue: text)
        case "system_role": systemRole = text
        case "reasoning_field": reasoningField = text
        case "reasoning_replay": replay = Replay(rawValue: text) ?? replay
        case "max_output": outputMax = value.integer ?? outputMax
        case "min_output": outputMin = value.integer ?? outputMin
        case "max_tokens_field": limitField = LimitField(rawValue: text) ?? limitField
        case "stop_limit": stopMax = value.integer
        case "adaptive": thinking = value.flag == false ? .budget : .adaptive
        case "thinking_mode": thinking = Thinking(rawValue: text) ?? thinking
        case "sampling": takesSampling = value.flag
        case "sampling_unthinking": samplesUnthinking = value.flag == true
        case "sampling_once": samplesOnce = value.flag == true
        case "penalties": takesPenalties = value.flag != false
        case "disable": mayRest = value.flag != false
        case "efforts": efforts = value.elements.compactMap(\.plain)
        case "tool_effort": toolEffort = ToolEffort(rawValue: text) ?? toolEffort
        case "call_name_length": callNameLength = value.integer
        case "min_budget": budgetMin = value.integer ?? budgetMin
        case "structured_output": takesSchema = value.flag != false
        case "gemini": geminiGeneration = value.integer ?? geminiGeneration
        case "schema": schemaWords = SchemaWords(rawValue: text) ?? schemaWords
        default: break
        }
    }
}
