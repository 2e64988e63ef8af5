/// What a request says about the form of its answer.
public struct AnswerContext: Sendable {
    /// The form that the vendor answers in.
    public let source: Form
    /// The form that the client reads.
    public let target: Form
    /// The model as the client names it; nil for the vendor's name.
    public var model: String?
    /// Whether a chat client wants the usage at a stream's end.
    public var wantsUsage: Bool
    /// Whether the client asked for a stream.
    public private(set) var isStreamed = false
    /// What makes the names of answers and their items unlike those of others.
    public var seed = ""
    /// When the answer began, in seconds since 1970.
    public var created = 0
    /// The client's tools by the names that the vendor knows them by.
    var tools: [String: AnsweredTool] = [:]
    /// Whether a chat client asked by the members that the dialect had before it had tools.
    var hasFunctionsAlone = false
    /// What a Responses answer repeats of its request.
    var echo: [Extra] = []

    /// An answer without a request: every tool is a function of the vendor's name for it.
    public init(from source: Form, to target: Form) {
        self.source = source
        self.target = target
        wantsUsage = true
    }

    init(
        _ conversation: Conversation, _ body: RawJSON, from source: Form, to target: Form,
        _ names: TargetNames
    ) {
        self.source = source
        self.target = target
        model = conversation.model?.plain
        wantsUsage = conversation.wantsUsage
        isStreamed = conversation.isStreamed
        for tool in conversation.tools where !tool.isBuiltin {
            tools[names.tool(tool.fullName)] = AnsweredTool(
                name: tool.name, namespace: tool.namespace, isCustom: tool.isCustom,
                type: tool.raw?["type"]?.plain)
        }
        hasFunctionsAlone =
            target == .chat && body["functions"] != nil && body["tools"] == nil
        guard target == .responses else { return }
        let repeated: Set = [
            "instructions", "tools", "tool_choice", "temperature", "top_p", "max_output_tokens",
            "parallel_tool_calls", "reasoning", "text", "truncation", "metadata", "user",
            "safety_identifier", "prompt_cache_key", "service_tier",
        ]
        echo = body.members.filter { repeated.contains($0.name) }.map { member in
            Extra(name: member.name, path: member.name, value: member.value)
        }
    }

    /// The name of a call to which the vendor gives none.
    ///
    /// One that is the same in each answer would stand twice in the conversation.
    static func callName(_ seed: String, _ number: Int) -> String {
        seed.isEmpty ? "call_\(number)" : "call_\(seed)_\(number)"
    }

    /// Has the answers of tools come back as free text.
    public mutating func addCustomTools(_ names: [String]) {
        for name in names {
            tools[name] = AnsweredTool(
                name: name, namespace: nil, isCustom: true, type: "custom")
        }
    }
}

/// A tool as the client knows it.
struct AnsweredTool: Sendable {
    let name: String
    let namespace: String?
    let isCustom: Bool
    /// The type in the client's dialect, where the tool has a shape of its own there.
    let type: String?

    /// The item of a Responses answer that a call of such a tool is, and what begins its names;
    /// nil for functions and for tools that take free text.
    ///
    /// These are the tools of OpenAI's that the client runs. No events say their arguments.
    var ownItem: (type: StaticString, prefix: String)? {
        switch type {
        case "local_shell": ("local_shell_call", "lsh_")
        case "shell": ("shell_call", "sh_")
        case "apply_patch": ("apply_patch_call", "apc_")
        case "tool_search": ("tool_search_call", "tsc_")
        default: nil
        }
    }
}
