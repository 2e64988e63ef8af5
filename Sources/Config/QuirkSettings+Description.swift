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
