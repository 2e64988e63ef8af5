import Translation

extension QuirkSettings {
    /// The lines of its table: what it says, and nothing of what it leaves open.
    var description: [String] {
        func text(_ value: String) -> String { "\"\(value)\"" }
        let entries: [(String, String?)] = [
            ("vendor", text(vendor)), ("model", text(model)),
            ("limit_field", limitField.map { text($0.rawValue) }),
            ("sampling", takesSampling.map { "\($0)" }),
            ("system_role", systemRole.map(text)),
            ("middle_system", middleSystem.map { text($0.rawValue) }),
            ("thinking", thinking.map { text($0.rawValue) }),
            ("sampling_unthinking", samplesUnthinking.map { "\($0)" }),
            ("sampling_once", samplesOnce.map { "\($0)" }),
            ("penalties", takesPenalties.map { "\($0)" }),
            ("thinking_off", mayRest.map { "\($0)" }),
            ("efforts", efforts.map { "\($0)" }),
            ("tool_effort", toolEffort.map { text($0.rawValue) }),
            ("budget_min", budgetMin.map { "\($0)" }),
            ("answer_schema", takesSchema.map { "\($0)" }),
            ("call_name_length", callNameLength.map { "\($0)" }),
            ("budgets", budgets.map { "\($0)" }),
            ("output_max", outputMax.map { "\($0)" }),
            ("output_min", outputMin.map { "\($0)" }),
            ("stop_max", stopMax.map { "\($0)" }),
            ("reasoning_field", reasoningField.map(text)),
            ("reasoning_replay", replay.map { text($0.rawValue) }),
            ("schema", schemaWords.map { text($0.rawValue) }),
            ("gemini_generation", geminiGeneration.map { "\($0)" }),
        ]
        return ["", "[[quirks]]"]
            + entries.compactMap { name, value in value.map { "\(name) = \($0)" } }
    }
}
