/// A member of a request that is one value for itself, and its name in each dialect.
struct Setting: Sendable {
    let field: Field
    let name: String
    let path: String
    let value: RawJSON
    let absent: Field.Absence
}

/// What a setting means, whatever a dialect calls it.
enum Field: Sendable {
    case limit, temperature, topP, topK, stop, seed, frequencyPenalty, presencePenalty, logitBias
    case logprobs, topLogprobs, candidates, verbosity, user, safetyUser, cacheKey, cacheOptions
    case cacheRetention, tier, store, metadata, moderation
    /// Only its own dialect knows it.
    case own

    /// What its absence from a target means.
    enum Absence: Sendable {
        /// A loss, unless the value says what is so without it.
        case dropped([String])
        /// Time or money alone.
        case cost
        /// Nothing.
        case nothing
        /// The request cannot be served, unless the value says what is so without it.
        case refused([String])

        static let dropped = Absence.dropped([])
        static let refused = Absence.refused([])
    }
}

/// A member of a dialect's request: its name, and what it means.
struct FieldRow: Sendable {
    let name: String
    let field: Field
    let absent: Field.Absence

    init(_ name: String, _ field: Field, _ absent: Field.Absence = .dropped) {
        self.name = name
        self.field = field
        self.absent = absent
    }
}

extension Form {
    /// The members of the form's requests that are one value for themselves.
    var fields: [FieldRow] {
        switch self {
        case .chat: Self.chatFields
        case .responses: Self.responsesFields
        case .messages: Self.messagesFields
        case .gemini: Self.geminiFields
        }
    }

    private static let chatFields: [FieldRow] = [
        FieldRow("max_completion_tokens", .limit), FieldRow("max_tokens", .limit),
        FieldRow("temperature", .temperature), FieldRow("top_p", .topP), FieldRow("top_k", .topK),
        FieldRow("n", .candidates, .refused(["1"])), FieldRow("stop", .stop, .dropped(["[]"])),
        FieldRow("seed", .seed),
        FieldRow("frequency_penalty", .frequencyPenalty, .dropped(["0", "0.0"])),
        FieldRow("presence_penalty", .presencePenalty, .dropped(["0", "0.0"])),
        FieldRow("logit_bias", .logitBias, .dropped(["{}"])),
        FieldRow("logprobs", .logprobs, .dropped(["false"])),
        FieldRow("top_logprobs", .topLogprobs, .dropped(["0"])),
        FieldRow("verbosity", .verbosity, .dropped(["\"medium\""])),
        FieldRow("prompt_cache_key", .cacheKey), FieldRow("prompt_cache_options", .cacheOptions),
        FieldRow("prompt_cache_retention", .cacheRetention), FieldRow("service_tier", .tier),
        FieldRow("store", .store, .dropped(["false"])),
        FieldRow("metadata", .metadata, .dropped(["{}"])),
        FieldRow("user", .user), FieldRow("safety_identifier", .safetyUser),
        FieldRow("modalities", .own, .refused(["[\"text\"]"])), FieldRow("audio", .own, .refused),
        FieldRow("prediction", .own), FieldRow("moderation", .moderation),
    ]

    private static let responsesFields: [FieldRow] = [
        FieldRow("max_output_tokens", .limit), FieldRow("temperature", .temperature),
        FieldRow("top_p", .topP), FieldRow("top_logprobs", .topLogprobs, .dropped(["0"])),
        FieldRow("max_tool_calls", .own), FieldRow("previous_response_id", .own, .refused),
        FieldRow("conversation", .own, .refused), FieldRow("prompt", .own, .refused),
        FieldRow("background", .own, .refused(["false"])),
        FieldRow("background_options", .own, .refused),
        FieldRow("store", .store, .dropped(["false"])),
        FieldRow("context_management", .own),
        FieldRow("truncation", .own, .dropped(["\"disabled\""])),
        FieldRow("prompt_cache_key", .cacheKey), FieldRow("prompt_cache_options", .cacheOptions),
        FieldRow("prompt_cache_retention", .cacheRetention), FieldRow("service_tier", .tier),
        FieldRow("metadata", .metadata, .dropped(["{}"])), FieldRow("user", .user),
        FieldRow("safety_identifier", .safetyUser), FieldRow("moderation", .moderation),
        FieldRow("access_programs", .own), FieldRow("image", .own),
    ]

    private static let messagesFields: [FieldRow] = [
        FieldRow("max_tokens", .limit), FieldRow("stop_sequences", .stop, .dropped(["[]"])),
        FieldRow("temperature", .temperature), FieldRow("top_p", .topP), FieldRow("top_k", .topK),
        FieldRow("service_tier", .tier), FieldRow("speed", .own, .dropped(["\"standard\""])),
        FieldRow("inference_geo", .own, .refused), FieldRow("workspace_id", .own, .nothing),
        FieldRow("user_profile_id", .own, .nothing), FieldRow("container", .own, .refused),
        FieldRow("mcp_servers", .own, .refused(["[]"])), FieldRow("thread", .own, .refused),
        FieldRow("context_management", .own), FieldRow("compaction", .own),
        FieldRow("diagnostics", .own), FieldRow("fallbacks", .own),
        FieldRow("fallback_credit_token", .own), FieldRow("billing_policy", .own),
        FieldRow("betas", .own), FieldRow("cache_control", .own, .cost),
    ]

    /// Gemini's, those of `generationConfig` with its name before them.
    private static let geminiFields: [FieldRow] = [
        FieldRow("generationConfig.maxOutputTokens", .limit),
        FieldRow("generationConfig.temperature", .temperature),
        FieldRow("generationConfig.topP", .topP), FieldRow("generationConfig.topK", .topK),
        FieldRow("generationConfig.stopSequences", .stop, .dropped(["[]"])),
        FieldRow("generationConfig.candidateCount", .candidates, .refused(["1"])),
        FieldRow("generationConfig.seed", .seed),
        FieldRow(
            "generationConfig.presencePenalty", .presencePenalty, .dropped(["0", "0.0"])),
        FieldRow(
            "generationConfig.frequencyPenalty", .frequencyPenalty, .dropped(["0", "0.0"])),
        FieldRow("generationConfig.responseLogprobs", .logprobs, .dropped(["false"])),
        FieldRow("generationConfig.logprobs", .topLogprobs, .dropped(["0"])),
        FieldRow("generationConfig.responseModalities", .own, .refused(["[\"TEXT\"]"])),
        FieldRow("generationConfig.speechConfig", .own, .refused),
        FieldRow("generationConfig.imageConfig", .own, .refused),
        FieldRow("generationConfig.mediaResolution", .own),
        FieldRow("generationConfig.audioTimestamp", .own, .dropped(["false"])),
        FieldRow("generationConfig.routingConfig", .own),
        FieldRow("generationConfig.modelSelectionConfig", .own),
        FieldRow("generationConfig.enableAffectiveDialog", .own, .dropped(["false"])),
        FieldRow("generationConfig.enableEnhancedCivicAnswers", .own, .dropped(["false"])),
        FieldRow("generationConfig.translationConfig", .own),
        FieldRow("generationConfig.audioTranscriptionConfig", .own),
        FieldRow("generationConfig.modelArmorConfig", .own, .refused),
        FieldRow("generationConfig.generationOutputConfig", .own, .refused),
        FieldRow("generationConfig.responseFormat", .own, .refused),
        FieldRow("modelArmorConfig", .own, .refused),
        FieldRow("safetySettings", .own, .dropped(["[]"])),
        FieldRow("labels", .metadata, .dropped(["{}"])), FieldRow("cachedContent", .own, .refused),
        FieldRow("serviceTier", .tier), FieldRow("store", .store, .dropped(["false"])),
        FieldRow("continuationToken", .own, .refused),
    ]
}
