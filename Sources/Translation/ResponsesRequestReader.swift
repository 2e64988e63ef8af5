import JSON

/// Reads a Responses request.
struct ResponsesRequestReader {
    var conversation = Conversation(.responses)
    /// Items that change what the request says, in their order.
    var updates: [(item: RawJSON, path: String)] = []
    private var instructions: Turn?

    private init() {}

    static func read(_ body: RawJSON) throws(Refusal) -> Conversation {
        var reader = ResponsesRequestReader()
        for member in body.members { try reader.take(member) }
        for update in reader.updates { reader.update(update.item, update.path) }
        if let instructions = reader.instructions {
            reader.conversation.turns.insert(instructions, at: 0)
        }
        try reader.conversation.checkCallNames()
        return reader.conversation
    }

    private mutating func take(_ member: RawJSON.Member) throws(Refusal) {
        let value = member.value
        guard !value.isNull else { return }
        switch member.name {
        case "model": conversation.model = value.text
        case "stream": conversation.isStreamed = value.flag == true
        // It asks for padding against an observer of sizes, which each vendor has as it has it.
        case "stream_options": break
        case "instructions":
            instructions = value.text.map { text in
                let part = Part(kind: .text(text, isBare: true), path: "instructions")
                return Turn(role: .system, parts: [part], path: "instructions")
            }
        case "input": try input(value)
        case "tools":
            for (index, tool) in value.elements.enumerated() {
                try self.tool(tool, "tools[\(index)]")
            }
        case "tool_choice": conversation.choice = try choice(value)
        case "parallel_tool_calls":
            conversation.parallel = value.flag.map { Stated(value: $0, path: member.name) }
        case "reasoning": reasoning(value, at: "reasoning")
        case "text": try text(value)
        case "include": include(value)
        default: conversation.take(member, at: member.name)
        }
    }

    /// Of what is said several times the last counts.
    private mutating func update(_ item: RawJSON, _ path: String) {
        conversation.losses.change(path)
        for member in item.members where !member.value.isNull {
            switch member.name {
            case "type", "id": break
            case "reasoning": reasoning(member.value, at: "\(path).reasoning")
            default: conversation.losses.drop("\(path).\(member.name)")
            }
        }
    }

    private mutating func include(_ value: RawJSON) {
        // It says what the answer shows; of all that, other dialects know probabilities alone.
        guard value.elements.contains(where: { $0.plain == "message.output_text.logprobs" }) else {
            return
        }
        conversation.settings.append(
            Setting(
                field: .logprobs, name: "include", path: "include",
                value: RawJSON(literal: "true"), absent: .dropped))
    }

    private mutating func reasoning(_ value: RawJSON, at path: String) {
        for member in value.members where !member.value.isNull {
            let path = "\(path).\(member.name)"
            switch member.name {
            case "effort":
                conversation.reasoning.effort = member.value.plain.map {
                    Stated(value: $0, path: path)
                }
            case "summary", "generate_summary":
                conversation.reasoning.isShown = Stated(value: true, path: path)
            default: conversation.losses.drop(path)
            }
        }
    }

    private mutating func text(_ value: RawJSON) throws(Refusal) {
        for member in value.members where !member.value.isNull {
            let path = "text.\(member.name)"
            switch member.name {
            case "verbosity":
                conversation.settings.append(
                    Setting(
                        field: .verbosity, name: path, path: path, value: member.value,
                        absent: .dropped(["\"medium\""])))
            case "format": conversation.format = try format(member.value, path)
            default: conversation.losses.drop(path)
            }
        }
    }

    private func format(_ value: RawJSON, _ path: String) throws(Refusal) -> OutputFormat {
        switch value["type"]?.plain {
        case "text": return OutputFormat(kind: .text, path: path)
        case "json_object": return OutputFormat(kind: .object, path: path)
        case "json_schema":
            guard let schema = value["schema"] else {
                throw Refusal("\(path).schema", "a schema is missing")
            }
            return OutputFormat(
                kind: .schema(schema), path: path, name: value["name"]?.text,
                description: value["description"]?.text,
                descriptionPath: "\(path).description", strict: value["strict"]?.flag)
        default: throw Refusal("\(path).type", "no format of this type is known")
        }
    }

    private func choice(_ value: RawJSON) throws(Refusal) -> ToolChoice {
        let path = "tool_choice"
        switch value.plain {
        case "auto": return ToolChoice(kind: .auto, path: path)
        case "none": return ToolChoice(kind: .none, path: path)
        case "required": return ToolChoice(kind: .required, path: path)
        case .some: throw Refusal(path, "no choice of this name is known")
        case nil: break
        }
        switch value["type"]?.plain {
        case "function", "custom":
            guard let name = value["name"]?.plain else {
                throw Refusal("\(path).name", "a chosen tool has no name")
            }
            let full = ToolName(name: name, namespace: value["namespace"]?.plain)
            return ToolChoice(kind: .one(full), path: path)
        case "allowed_tools":
            let names = (value["tools"]?.elements ?? []).compactMap { tool in
                (tool["name"] ?? tool["type"])?.plain.map { name in
                    ToolName(name: name, namespace: tool["namespace"]?.plain)
                }
            }
            return ToolChoice(
                kind: .subset(isRequired: value["mode"]?.plain == "required", names),
                path: path)
        case .some(let type) where conversation.tools.contains { $0.name == type }:
            return ToolChoice(kind: .one(ToolName(name: type)), path: path)
        default: return ToolChoice(kind: .builtin(value), path: path)
        }
    }
}
