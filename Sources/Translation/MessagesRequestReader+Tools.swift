import JSON

extension MessagesRequestReader {
    /// Tools of Anthropic's that the client runs, by the beginning of their type; with the schema
    /// that their page gives.
    private static let clientTools: [(type: String, description: String, schema: String)] = [
        (
            "bash_", "Run a command in a shell that stays open.",
            """
            {"type":"object","properties":{"command":{"type":"string"},\
            "restart":{"type":"boolean"}}}
            """
        ),
        (
            "text_editor_", "View, create and edit files.",
            """
            {"type":"object","properties":{"command":{"type":"string","enum":["view","create",\
            "str_replace","insert","undo_edit"]},"path":{"type":"string"},\
            "view_range":{"type":"array","items":{"type":"integer"}},\
            "file_text":{"type":"string"},"old_str":{"type":"string"},\
            "new_str":{"type":"string"},"insert_line":{"type":"integer"},\
            "insert_text":{"type":"string"}},"required":["command","path"]}
            """
        ),
        (
            "memory_", "Keep notes in files between conversations.",
            """
            {"type":"object","properties":{"command":{"type":"string","enum":["view","create",\
            "str_replace","insert","delete","rename"]},"path":{"type":"string"},\
            "view_range":{"type":"array","items":{"type":"integer"}},\
            "file_text":{"type":"string"},"old_str":{"type":"string"},\
            "new_str":{"type":"string"},"insert_line":{"type":"integer"},\
            "insert_text":{"type":"string"},"old_path":{"type":"string"},\
            "new_path":{"type":"string"}},"required":["command"]}
            """
        ),
    ]

    static func tool(_ value: RawJSON, _ path: String) throws(Refusal) -> Tool {
        let value = value.opened
        let type = value["type"]?.plain ?? "custom"
        guard let name = value["name"]?.plain ?? (type == "custom" ? nil : type) else {
            throw Refusal("\(path).name", "a tool has no name")
        }
        guard type == "custom" else { return typed(value, type, name, path) }
        var tool = Tool(kind: .function, name: name, path: path)
        tool.description = value["description"]?.text
        tool.schema = value["input_schema"]
        tool.schemaPath = "\(path).input_schema"
        tool.strict = value["strict"]?.flag
        tool.extras = value.extras(
            except: ["type", "name", "description", "input_schema", "strict"], at: path)
        return tool
    }

    private static func typed(
        _ value: RawJSON, _ type: String, _ name: String, _ path: String
    ) -> Tool {
        guard let published = clientTools.first(where: { type.hasPrefix($0.type) }) else {
            return Tool(kind: .builtin(type: type), name: name, path: path, raw: value)
        }
        var tool = Tool(kind: .function, name: name, path: path)
        tool.description = EscapedText(published.description)
        tool.schema = RawJSON(literal: published.schema)
        tool.raw = value
        tool.extras = value.extras(except: ["type", "name"], at: path)
        tool.changedPath = path
        return tool
    }
}
