extension QuirkTable {
    /// The rows that the program brings along; of two that match, both count, the later one last.
    static let shipped = messagesRows + openAIRows + geminiRows

    private static let messagesRows: [Row] = [
        Row([.messages], ["*"], "2026-11-29") { $0.outputMax = 128_000 },
        Row([.messages], ["claude-opus-4-8*", "claude-opus-5*"], "2026-11-29") {
            $0.middleSystem = .keep
        },
        Row([.messages], ["claude-fable-5*"], "2026-11-29") { $0.mayRest = false },
        Row(
            [.messages],
            [
                "claude-opus-4-7*", "claude-opus-4-8*", "claude-opus-5*", "claude-sonnet-5*",
                "claude-fable-5*",
            ], "2026-11-29"
        ) {
            $0.thinking = .adaptive
            $0.takesSampling = false
        },
        Row([.messages], ["claude-*-4-6*"], "2026-11-29") {
            $0.takesSampling = true
            $0.samplesOnce = true
            $0.efforts = ["low", "medium", "high", "max"]
        },
        Row(
            [.messages],
            [
                "claude-*-4-5*", "claude-opus-4-1*", "claude-opus-4-2025*",
                "claude-sonnet-4-2025*",
            ], "2026-11-29"
        ) {
            $0.thinking = .budget
            $0.takesSampling = true
            $0.samplesOnce = true
        },
        Row([.messages], ["claude-*-4-5*", "claude-sonnet-4-2025*"], "2026-11-29") {
            $0.outputMax = 64_000
        },
        Row([.messages], ["claude-opus-4-1*", "claude-opus-4-2025*"], "2026-11-29") {
            $0.outputMax = 32_000
        },
        Row(
            [.messages], ["claude-opus-4-2025*", "claude-sonnet-4-2025*", "claude-3-haiku*"],
            "2026-11-29"
        ) { $0.takesSchema = false },
        Row([.messages], ["claude-3-haiku*"], "2026-11-29") {
            $0.outputMax = 4096
            $0.thinking = .none
            $0.takesSampling = true
        },
    ]

    /// OpenAI's models that think, and others of its dialect.
    private static let openAIRows: [Row] = [
        Row([.chat, .responses], ["o1*", "o3*", "o4*"], "2026-11-29") {
            $0.systemRole = "developer"
            $0.takesSampling = false
            $0.takesPenalties = false
            $0.efforts = ["low", "medium", "high"]
            $0.mayRest = false
        },
        Row([.chat, .responses], ["gpt-4o*", "gpt-4.1*"], "2026-12-01") { $0.thinking = .none },
        Row([.chat, .responses], ["o1-mini*"], "2026-11-29") { $0.systemRole = "system" },
        Row([.chat], ["o3*", "o4-mini*"], "2026-11-29") { $0.stopMax = 0 },
        Row([.chat, .responses], ["gpt-5*", "gpt-6*"], "2026-11-29") {
            $0.takesSampling = false
            $0.takesPenalties = false
        },
        Row([.chat, .responses], ["gpt-5*"], "2026-12-01") {
            $0.efforts = ["low", "medium", "high", "xhigh"]
        },
        Row([.chat, .responses], ["gpt-5", "gpt-5-*"], "2026-12-01") {
            $0.efforts = ["minimal", "low", "medium", "high"]
            $0.mayRest = false
        },
        Row([.chat, .responses], ["gpt-5-pro*"], "2026-12-01") { $0.efforts = ["high"] },
        Row([.chat, .responses], ["gpt-5.1*"], "2026-12-01") {
            $0.efforts = ["low", "medium", "high"]
        },
        Row([.chat, .responses], ["gpt-5.*-codex*"], "2026-12-01") { $0.mayRest = false },
        Row([.responses], ["gpt-5.4-pro*", "gpt-5.5-pro*"], "2026-12-01") {
            $0.efforts = ["medium", "high", "xhigh"]
            $0.mayRest = false
        },
        Row([.chat, .responses], ["gpt-5.*", "gpt-6*"], "2026-11-29") {
            $0.samplesUnthinking = true
        },
        Row([.chat, .responses], ["gpt-5.6*"], "2026-11-29") { $0.efforts = nil },
        Row([.chat], ["gpt-5.4*", "gpt-5.5*", "gpt-6-astra*"], "2026-11-29") {
            $0.toolEffort = .none
        },
        Row([.chat], ["gpt-5.6*"], "2026-11-29") { $0.toolEffort = .namedNone },
        Row([.chat], ["deepseek*"], "2026-11-29") {
            $0.limitField = .plain
            $0.replay = .all
        },
        Row([.chat], ["mistral*"], "2026-11-29") {
            $0.limitField = .plain
            $0.callNameLength = 9
        },
    ]

    private static let geminiRows: [Row] = [
        Row([.gemini], ["gemini-2*"], "2026-11-29") { $0.geminiGeneration = 2 },
        Row([.gemini], ["gemini-2.0*"], "2026-11-29") { $0.thinking = .none },
        Row([.gemini], ["gemini-2.5-pro*"], "2026-11-29") { $0.budgetMin = 128 },
        Row([.gemini], ["gemini-1*"], "2026-11-29") {
            $0.geminiGeneration = 1
            $0.schemaWords = .openapi
            $0.thinking = .none
        },
    ]
}
