import JSON

/// What OpenAI's vendors ask of a schema that an answer or a call is held to.
enum OpenAISchema {
    /// Whether every object of a schema requires all of its members, and has no others.
    static func isStrict(_ schema: JSONValue) -> Bool {
        switch schema {
        case .array(let elements): return elements.allSatisfy(isStrict)
        case .object(let members):
            if schema["type"]?.text == "object" || schema["properties"] != nil {
                guard requiresAll(schema) else { return false }
            }
            return members.allSatisfy { member in
                // An example or a value is no schema.
                ["enum", "const", "default", "examples"].contains(member.name)
                    || isStrict(member.value)
            }
        default: return true
        }
    }

    private static func requiresAll(_ schema: JSONValue) -> Bool {
        guard case .bool(false) = schema["additionalProperties"] ?? .null else { return false }
        guard case .object(let properties) = schema["properties"] else { return true }
        let required = Set((schema["required"]?.elements ?? []).compactMap(\.text))
        return properties.allSatisfy { required.contains($0.name) }
    }
}

extension RawJSON {
    /// Whether a schema says of an object nothing but that it is one: each vendor that holds calls
    /// to a schema refuses it, so that a client hears from the target what its own vendor says.
    var isBareObject: Bool {
        let members = members
        return members.count == 1 && members[0].name == "type" && members[0].value.plain == "object"
    }
}

extension Conversation {
    /// Whether OpenAI's vendors hold an answer to the schema: Anthropic's do without a word about
    /// it, and with members that may be absent.
    mutating func isStrict(_ format: OutputFormat, _ schema: RawJSON) -> Bool? {
        guard self.form == .messages, format.strict == nil else { return format.strict }
        if OpenAISchema.isStrict(schema.tree) { return true }
        losses.change(format.path)
        return nil
    }

    /// The same for the arguments of a tool's calls.
    mutating func isStrict(_ tool: Tool) -> Bool? {
        guard self.form == .messages, tool.strict == true, let schema = tool.schema,
            !schema.isBareObject, !OpenAISchema.isStrict(schema.tree)
        else { return tool.strict }
        losses.change("\(tool.path).strict")
        return false
    }
}
