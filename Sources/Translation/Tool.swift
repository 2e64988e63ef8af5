/// A tool that a model may call.
struct Tool: Sendable {
    enum Kind: Sendable {
        /// Called with a JSON object.
        case function
        /// Called with free text, in a format where there is one.
        case custom(format: RawJSON?)
        /// Run by the vendor.
        case builtin(type: String)
    }

    var kind: Kind
    var name: String
    /// The group that the tool stands in.
    var namespace: String?
    var description: EscapedText?
    var schema: RawJSON?
    /// Where the schema stands.
    var schemaPath = ""
    var strict: Bool?
    let path: String
    var extras: [Extra] = []
    /// The tool as its dialect spells it.
    var raw: RawJSON?
    /// What is declared as changed where another dialect has the tool in another shape.
    var changedPath: String?
    /// Whether the tool stands in the conversation and not in the list of tools.
    var isInTurns = false

    var fullName: ToolName { ToolName(name: name, namespace: namespace) }
}

/// Which tool a model is to call.
struct ToolChoice: Sendable {
    enum Kind: Sendable {
        case auto, none, required
        case one(ToolName)
        /// Any of some, or none where the mode is automatic.
        case subset(isRequired: Bool, [ToolName])
        /// A tool of the vendor's.
        case builtin(RawJSON)
    }

    let kind: Kind
    let path: String
    /// What is declared as changed where the target has no such choice.
    var changedPath: String?
}

/// A tool's name, and the group that it stands in.
struct ToolName: Hashable, Sendable {
    let name: String
    var namespace: String?
}

/// How a model is to think.
struct ReasoningWish: Sendable {
    /// Whether it thinks, as Anthropic has it.
    enum Mode: Sendable {
        case enabled, adaptive, disabled
    }

    /// In OpenAI's words: `none` to `max`.
    var effort: Stated<String>?
    /// Tokens; below zero where the model decides.
    var budget: Stated<Int>?
    var mode: Stated<Mode>?
    /// Whether the client wants to see the reasoning.
    var isShown: Stated<Bool>?

    var isEmpty: Bool { effort == nil && budget == nil && mode == nil && isShown == nil }
}

/// The form that an answer must have.
struct OutputFormat: Sendable {
    enum Kind: Sendable {
        case text
        case object
        case schema(RawJSON)
        /// One that no other dialect has.
        case other
    }

    let kind: Kind
    let path: String
    /// The members that say it, as Gemini spells them.
    var members: [RawJSON.Member] = []
    var name: EscapedText?
    var description: EscapedText?
    /// Where that stands.
    var descriptionPath = ""
    var strict: Bool?
}
