import JSON

extension ResponsesRequestReader {
    /// Tools of OpenAI's that the client runs, with the schema of their arguments.
    private static let clientTools: [(type: String, description: String, schema: String)] = [
        (
            "local_shell", "Run a command on the user's machine.",
            """
            {"type":"object","properties":{"command":{"type":"array","items":{"type":"string"}},\
            "working_directory":{"type":"string"},"timeout_ms":{"type":"integer"}},\
            "required":["command"]}
            """
        ),
        (
            "shell", "Run commands on the user's machine.",
            """
            {"type":"object","properties":{"commands":{"type":"array",\
            "items":{"type":"string"}},"timeout_ms":{"type":"integer"},\
            "max_output_length":{"type":"integer"}},"required":["commands"]}
            """
        ),
        (
            "apply_patch", "Create, update or delete a file by a diff.",
            """
            {"type":"object","properties":{"type":{"type":"string","enum":\
            ["create_file","update_file","delete_file"]},"path":{"type":"string"},\
            "diff":{"type":"string"}},"required":["type","path"]}
            """
        ),
    ]

    mutating func tool(_ value: RawJSON, _ path: String) throws(Refusal) {
        let value = value.opened
        let type = value["type"]?.plain ?? "function"
        switch type {
        case "function": conversation.tools.append(try function(value, path, namespace: nil))
        case "custom": conversation.tools.append(custom(value, path, namespace: nil))
        case "namespace":
            let group = value["name"]?.plain ?? ""
            for (index, inner) in (value["tools"]?.elements ?? []).enumerated() {
                let innerPath = "\(path).tools[\(index)]"
                let isCustom = inner["type"]?.plain == "custom"
                var tool =
                    isCustom
                    ? custom(inner, innerPath, namespace: group)
                    : try function(inner, innerPath, namespace: group)
                tool.changedPath = path
                tool.raw = index == 0 ? value : RawJSON(literal: "null")
                conversation.tools.append(tool)
            }
        default: clientTool(value, path, type)
        }
    }

    private mutating func clientTool(_ value: RawJSON, _ path: String, _ type: String) {
        if type == "tool_search", value["execution"]?.plain == "client" {
            var tool = Tool(kind: .function, name: type, path: path)
            tool.description = value["description"]?.text
            tool.schema = value["parameters"]
            (tool.raw, tool.changedPath) = (value, path)
            return conversation.tools.append(tool)
        }
        guard let known = Self.clientTools.first(where: { $0.type == type }) else {
            return conversation.tools.append(
                Tool(kind: .builtin(type: type), name: type, path: path, raw: value))
        }
        var tool = Tool(kind: .function, name: type, path: path)
        tool.description = EscapedText(known.description)
        tool.schema = RawJSON(literal: known.schema)
        (tool.raw, tool.changedPath) = (value, path)
        conversation.tools.append(tool)
    }

    private func function(
        _ value: RawJSON, _ path: String, namespace: String?
    ) throws(Refusal) -> Tool {
        guard let name = value["name"]?.plain else {
            throw Refusal("\(path).name", "a tool has no name")
        }
        var tool = Tool(kind: .function, name: name, namespace: namespace, path: path)
        tool.description = value["description"]?.text
        tool.schema = value["parameters"]
        tool.schemaPath = "\(path).parameters"
        tool.strict = value["strict"]?.flag
        tool.extras = value.extras(
            except: ["type", "name", "description", "parameters", "strict"], at: path)
        return tool
    }

    private func custom(_ value: RawJSON, _ path: String, namespace: String?) -> Tool {
        var tool = Tool(
            kind: .custom(format: value["format"]), name: value["name"]?.plain ?? "",
            namespace: namespace, path: path)
        tool.description = value["description"]?.text
        (tool.raw, tool.changedPath) = (value, path)
        return tool
    }
}
