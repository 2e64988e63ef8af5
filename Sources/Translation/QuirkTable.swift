/// What is known of models that differ from the newest ones of their dialect.
public struct QuirkTable: Sendable {
    /// A row: models by a pattern with `*`, and what they take.
    struct Row: Sendable {
        let form: Form
        let models: String
        /// The day on which it was looked up.
        let date: String
        let change: @Sendable (inout Quirks) -> Void
    }

    /// The rows that the program brings along; of two that match, both count, the later one last.
    static let shipped: [Row] = [
        Row(form: .messages, models: "*", date: "2026-11-29") { $0.outputMax = 128_000 },
        Row(form: .messages, models: "claude-opus-4-8*", date: "2026-11-29") {
            $0.middleSystem = .keep
        },
        Row(form: .messages, models: "claude-opus-5*", date: "2026-11-29") {
            $0.middleSystem = .keep
        },
        Row(form: .messages, models: "claude-*-4-6*", date: "2026-11-29") {
            $0.takesSampling = true
        },
        Row(form: .messages, models: "claude-*-4-5*", date: "2026-11-29") {
            $0.outputMax = 64_000
            $0.thinking = .budget
            $0.takesSampling = true
        },
        Row(form: .messages, models: "claude-opus-4-1*", date: "2026-11-29") {
            $0.outputMax = 32_000
            $0.thinking = .budget
            $0.takesSampling = true
        },
        Row(form: .messages, models: "claude-opus-4-2025*", date: "2026-11-29") {
            $0.outputMax = 32_000
            $0.thinking = .budget
            $0.takesSampling = true
        },
        Row(form: .messages, models: "claude-sonnet-4-2025*", date: "2026-11-29") {
            $0.outputMax = 64_000
            $0.thinking = .budget
            $0.takesSampling = true
        },
        Row(form: .messages, models: "claude-3-haiku*", date: "2026-11-29") {
            $0.outputMax = 4096
            $0.thinking = .none
            $0.takesSampling = true
        },
        Row(form: .chat, models: "o*", date: "2026-11-29") { $0.systemRole = "developer" },
        Row(form: .chat, models: "o1-mini*", date: "2026-11-29") { $0.systemRole = "system" },
        Row(form: .chat, models: "deepseek*", date: "2026-11-29") {
            $0.limitField = .plain
            $0.replay = .all
        },
        Row(form: .chat, models: "mistral*", date: "2026-11-29") { $0.limitField = .plain },
        Row(form: .gemini, models: "gemini-2*", date: "2026-11-29") { $0.geminiGeneration = 2 },
        Row(form: .gemini, models: "gemini-1*", date: "2026-11-29") {
            $0.geminiGeneration = 1
            $0.schemaWords = .openapi
        },
    ]

    /// The quirks of a model that is asked in a form.
    public static func quirks(of model: String, _ form: Form) -> Quirks {
        var quirks = Quirks()
        for row in shipped where row.form == form && matches(row.models, model) {
            row.change(&quirks)
        }
        return quirks
    }

    /// Whether a name is one of a pattern's.
    static func matches(_ pattern: String, _ name: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else {
            return pattern == name
        }
        guard name.hasPrefix(first) else { return false }
        var rest = name.dropFirst(first.count)
        for part in parts.dropFirst().dropLast() {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return rest.hasSuffix(last)
    }
}
