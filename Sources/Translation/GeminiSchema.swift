import JSON

/// Gemini's older words for a schema: a subset of OpenAPI's, with types in capitals.
enum GeminiSchema {
    /// The keywords that the subset knows.
    private static let keywords: Set<String> = [
        "type", "nullable", "enum", "format", "description", "title", "default", "example",
        "items", "minItems", "maxItems", "properties", "required", "propertyOrdering",
        "minLength", "maxLength", "minProperties", "maxProperties", "minimum", "maximum",
        "pattern", "anyOf",
    ]

    /// What stands instead of references, of which the subset has none.
    private struct References {
        let root: JSONValue
        /// How often one may lead to another.
        var depth = 3
        /// How many objects may stand in them, so that a short schema does not become a long one.
        var left = 10_000
    }

    /// A JSON Schema in the subset's words; what it cannot say is left out.
    static func openAPI(_ schema: JSONValue) -> JSONValue {
        var references = References(root: schema)
        return openAPI(schema, &references)
    }

    private static func openAPI(_ schema: JSONValue, _ references: inout References) -> JSONValue {
        let depth = references.depth
        defer { references.depth = depth }
        references.left -= 1
        let schema = resolved(schema, &references)
        guard case .object(let members) = schema else { return typed([]) }
        var output: [JSONValue.Member] = []
        for member in members {
            switch member.name {
            case "type": output += types(member.value)
            case "enum":
                let texts = member.value.elements?.filter { $0.text?.isEmpty == false } ?? []
                guard !texts.isEmpty else { continue }
                output.append(JSONValue.Member("format", .string("enum")))
                output.append(JSONValue.Member("enum", .array(texts)))
            case "format" where schema["enum"] != nil: continue
            case "const": output += constant(member.value, schema)
            case "properties":
                guard case .object(let properties) = member.value else { continue }
                let inner = properties.map { property in
                    JSONValue.Member(property.name, openAPI(property.value, &references))
                }
                output.append(JSONValue.Member("properties", .object(inner)))
            case "required":
                let known = properties(of: schema)
                let names = member.value.elements?.filter { name in
                    name.text.map { known.contains($0) } ?? false
                }
                guard let names, !names.isEmpty else { continue }
                output.append(JSONValue.Member("required", .array(names)))
            case "items":
                output.append(JSONValue.Member("items", openAPI(member.value, &references)))
            case "anyOf", "oneOf":
                let inner = member.value.elements?.map { openAPI($0, &references) } ?? []
                output.append(JSONValue.Member("anyOf", .array(inner)))
            default:
                if keywords.contains(member.name) { output.append(member) }
            }
        }
        if isArray(schema), schema["items"] == nil {
            let text = JSONValue.object([JSONValue.Member("type", .string("STRING"))])
            output.append(JSONValue.Member("items", text))
        }
        return typed(output)
    }

    /// A schema with a type, which the subset asks for: of one that has none by what it holds.
    private static func typed(_ members: [JSONValue.Member]) -> JSONValue {
        let names = Set(members.map(\.name))
        guard !names.contains("type"), !names.contains("anyOf") else { return .object(members) }
        let type =
            names.contains("properties")
            ? "OBJECT" : names.contains("items") ? "ARRAY" : "STRING"
        return .object([JSONValue.Member("type", .string(type))] + members)
    }

    /// A schema with what its reference names instead of it; one that leads on is left out.
    private static func resolved(
        _ schema: JSONValue, _ references: inout References
    ) -> JSONValue {
        guard case .object(let members) = schema, let reference = schema["$ref"]?.text else {
            return schema
        }
        let own = members.filter { $0.name != "$ref" }
        guard references.depth > 0, references.left > 0,
            let target = AnthropicSchema.target(of: reference, in: references.root)
        else { return .object(own) }
        references.depth -= 1
        guard case .object(let found) = resolved(target, &references) else { return .object(own) }
        let names = Set(own.map(\.name))
        return .object(own + found.filter { !names.contains($0.name) })
    }

    private static func types(_ value: JSONValue) -> [JSONValue.Member] {
        if let text = value.text { return [JSONValue.Member("type", .string(text.uppercased()))] }
        let names = (value.elements ?? []).compactMap(\.text)
        let real = names.filter { $0 != "null" }
        var output: [JSONValue.Member] = []
        if real.count == 1 {
            output.append(JSONValue.Member("type", .string(real[0].uppercased())))
        } else if real.count > 1 {
            let choices = real.map { name in
                JSONValue.object([JSONValue.Member("type", .string(name.uppercased()))])
            }
            output.append(JSONValue.Member("anyOf", .array(choices)))
        }
        if real.count < names.count { output.append(JSONValue.Member("nullable", .bool(true))) }
        return output
    }

    /// One value alone: an enumeration of one text, or a sentence.
    private static func constant(_ value: JSONValue, _ schema: JSONValue) -> [JSONValue.Member] {
        let type: String
        switch value {
        case .string:
            return [
                JSONValue.Member("type", .string("STRING")),
                JSONValue.Member("format", .string("enum")),
                JSONValue.Member("enum", .array([value])),
            ]
        case .number(let text): type = Int(text) == nil ? "NUMBER" : "INTEGER"
        case .bool: type = "BOOLEAN"
        default: return []
        }
        let isTyped = schema["type"] != nil
        return (isTyped ? [] : [JSONValue.Member("type", .string(type))])
            + [JSONValue.Member("description", .string("must be \(value)"))]
    }

    private static func isArray(_ schema: JSONValue) -> Bool {
        schema["type"]?.text?.lowercased() == "array"
    }

    private static func properties(of schema: JSONValue) -> Set<String> {
        guard case .object(let members) = schema["properties"] else { return [] }
        return Set(members.map(\.name))
    }

    /// The subset's words as JSON Schema.
    static func jsonSchema(_ schema: RawJSON) -> RawJSON {
        RawJSON(literal: jsonSchema(schema.tree).description)
    }

    private static func jsonSchema(_ schema: JSONValue) -> JSONValue {
        guard case .object(let members) = schema else { return schema }
        let isNullable = schema["nullable"]?.isTrue == true
        var output: [JSONValue.Member] = []
        for member in members {
            switch member.name {
            case "nullable", "propertyOrdering", "property_ordering": continue
            case "format" where member.value.text == "enum": continue
            case "type":
                let name = JSONValue.string((member.value.text ?? "").lowercased())
                output.append(
                    JSONValue.Member(
                        "type", isNullable ? .array([name, .string("null")]) : name))
            case "properties":
                guard case .object(let properties) = member.value else { continue }
                let inner = properties.map { JSONValue.Member($0.name, jsonSchema($0.value)) }
                output.append(JSONValue.Member("properties", .object(inner)))
            case "items": output.append(JSONValue.Member("items", jsonSchema(member.value)))
            case "anyOf", "any_of":
                let inner = member.value.elements?.map(jsonSchema) ?? []
                output.append(JSONValue.Member("anyOf", .array(inner)))
            case "minItems", "maxItems", "minLength", "maxLength", "minProperties",
                "maxProperties":
                // Gemini has these numbers as texts, too.
                let text = member.value.text.flatMap(Int.init)
                let number = text.map { JSONValue.number("\($0)") } ?? member.value
                output.append(JSONValue.Member(member.name, number))
            default: output.append(member)
            }
        }
        return .object(output)
    }
}
