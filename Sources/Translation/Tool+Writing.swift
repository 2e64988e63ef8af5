import JSON
import Primitives

extension Conversation {
    /// The tools that the client runs; those of the vendor's are lost, or cannot be lost.
    mutating func clientTools(of form: Form) throws(Refusal) -> [Tool] {
        guard form != self.form else { return tools }
        let hasFunctions = tools.contains { !$0.isBuiltin }
        let hasNone =
            !hasFunctions
            && tools.allSatisfy { $0.search(in: form, besidesFunctions: false) == nil }
        var searches: [Tool] = []
        for tool in tools {
            guard tool.isBuiltin else { continue }
            if let search = tool.search(in: form, besidesFunctions: hasFunctions) {
                losses.change(tool.path)
                searches.append(search)
                continue
            }
            if isForced(tool) || hasNone {
                throw Refusal(tool.path, "the target has no tool of this kind")
            }
            losses.drop(tool.path)
        }
        for tool in tools where !tool.isBuiltin {
            // Both of OpenAI's forms have tools that take free text.
            let isKept = tool.isCustom && form == .responses
            if let path = tool.changedPath, !isKept { losses.change(path) }
        }
        return tools.filter { !$0.isBuiltin } + searches
    }

    private func isForced(_ tool: Tool) -> Bool {
        switch choice?.kind {
        case .one(let name): name == tool.fullName
        case .subset(true, let names): names.allSatisfy { $0 == tool.fullName }
        default: false
        }
    }
}

extension Tool {
    /// The search of the web by the target's vendor, for that of another one; nil for other tools,
    /// and where the target has none beside functions.
    fileprivate func search(in form: Form, besidesFunctions: Bool) -> Tool? {
        guard case .builtin(let type) = kind,
            type.hasPrefix("web_search") || type == "googleSearch"
        else { return nil }
        var tool = self
        switch form {
        case .chat: return nil
        case .responses: tool.raw = RawJSON(literal: "{\"type\":\"web_search\"}")
        case .messages:
            tool.raw = RawJSON(
                literal: "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}")
        case .gemini:
            guard !besidesFunctions else { return nil }
            tool.raw = RawJSON(literal: "{}")
            tool.name = "googleSearch"
        }
        return tool
    }

    /// The schema of a tool that takes free text.
    private static let textSchema = RawJSON(
        literal: """
            {"type":"object","properties":{"input":{"type":"string"}},\
            "required":["input"],"additionalProperties":false}
            """)

    /// The description; of a tool that takes free text with the format of the text.
    private var writtenDescription: EscapedText? {
        guard case .custom(let format) = kind, let format, format["type"]?.plain == "grammar"
        else { return description }
        let inner = format["grammar"] ?? format
        let title = EscapedText("Grammar (\(inner["syntax"]?.plain ?? "lark")):\n")
        let grammar = EscapedText.joined([title, inner["definition"]?.text ?? .empty], by: .empty)
        return EscapedText.joined([description, grammar].compactMap { $0 })
    }

    /// Writes a function's description and its schema, and declares what only its dialect knows.
    func writeFunction(
        schema name: StaticString, to json: inout JSONWriter, _ losses: inout LossList,
        isOwn: Bool, default missing: RawJSON? = nil
    ) {
        if let description = writtenDescription { json.member("description", description) }
        if let schema = isCustom ? Self.textSchema : schema ?? missing {
            json.member(name, schema)
        }
        if isOwn { json.members(extras, &losses) } else { losses.drop(extras) }
    }
}
