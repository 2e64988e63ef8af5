import JSON

/// A schema as Anthropic takes it for the form of an answer.
enum AnthropicSchema {
    /// Keywords that are refused; their meaning goes into the description.
    private static let constraints: Set<String> = [
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "contains", "minContains",
        "maxContains", "minProperties", "maxProperties", "propertyNames", "patternProperties",
        "if", "then", "else", "not", "dependentRequired", "dependentSchemas",
        "unevaluatedProperties", "unevaluatedItems", "prefixItems",
    ]

    /// The schema without those, and with objects that have no other members.
    static func output(_ schema: JSONValue) -> JSONValue {
        guard case .object(let members) = schema else { return schema }
        var output: [JSONValue.Member] = []
        var taken: [JSONValue.Member] = []
        for member in members {
            switch member.name {
            case "$schema", "$id", "description", "additionalProperties": continue
            case "properties", "$defs", "definitions":
                output.append(JSONValue.Member(member.name, each(member.value)))
            case "oneOf", "anyOf", "allOf":
                let inner = member.value.elements?.map(Self.output) ?? []
                let name = member.name == "oneOf" ? "anyOf" : member.name
                output.append(JSONValue.Member(name, .array(inner)))
            case "items": output.append(JSONValue.Member("items", Self.output(member.value)))
            default:
                if constraints.contains(member.name) {
                    taken.append(member)
                } else {
                    output.append(member)
                }
            }
        }
        let texts =
            [schema["description"]?.text].compactMap { $0 }
            + (taken.isEmpty ? [] : [JSONValue.object(taken).description])
        if !texts.isEmpty {
            output.append(
                JSONValue.Member("description", .string(texts.joined(separator: "\n"))))
        }
        if schema["type"]?.text == "object" || schema["properties"] != nil {
            output.append(JSONValue.Member("additionalProperties", .bool(false)))
        }
        return .object(output)
    }

    private static func each(_ value: JSONValue) -> JSONValue {
        guard case .object(let members) = value else { return value }
        return .object(members.map { JSONValue.Member($0.name, output($0.value)) })
    }
}
