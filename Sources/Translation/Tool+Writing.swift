import JSON
import Primitives

extension Conversation {
    /// The tools that the client runs; those of the vendor's are lost, or cannot be lost.
    mutating func clientTools(of form: Form) throws(Refusal) -> [Tool] {
        guard form != self.form else { return tools }
        for tool in tools {
            guard tool.isBuiltin else { continue }
            if isForced(tool) || tools.allSatisfy(\.isBuiltin) {
                throw Refusal(tool.path, "the target has no tool of this kind")
            }
            losses.drop(tool.path)
        }
        for tool in tools where !tool.isBuiltin {
            if let path = tool.changedPath { losses.change(path) }
        }
        return tools.filter { !$0.isBuiltin }
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
        guard isOwn else { return losses.drop(extras) }
        for extra in extras {
            json.key(named: extra.name)
            json.raw(extra.value)
        }
    }
}
