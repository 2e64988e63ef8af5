import JSON
import Primitives

extension AnthropicSchema {
    /// How often a reference may lead to another one.
    private static let referencesMax = 8
    fileprivate static let choices = ["anyOf", "oneOf", "allOf"]

    /// The schema of a tool's arguments, which must be an object's at its root; nil where it is.
    static func input(_ schema: RawJSON) -> JSONValue? {
        let members = schema.members
        let isObject = members.last { $0.name == "type" }?.value.plain == "object"
        let isPlain = !members.contains { choices.contains($0.name) || $0.name == "$ref" }
        return isObject && isPlain ? nil : object(schema.tree)
    }

    /// An object's schema with the members of all that the root chooses from.
    private static func object(_ schema: JSONValue) -> JSONValue {
        let root = resolved(schema, in: schema, referencesMax)
        guard case .object(let members) = root else { return schema }
        let chosen = members.filter { choices.contains($0.name) }
        var properties = Properties(root)
        var required = names(required: root)
        for choice in chosen {
            let branches = (choice.value.elements ?? []).map {
                resolved($0, in: schema, referencesMax)
            }
            for branch in branches { properties.merge(branch) }
            required += names(required: branches, isAll: choice.name == "allOf")
        }
        var known: Set<String> = []
        required.removeAll { !known.insert($0).inserted }
        var output = [JSONValue.Member("type", .string("object"))]
        let written = choices + ["type", "properties", "required", "description"]
        if !properties.members.isEmpty || root["properties"] != nil {
            output.append(JSONValue.Member("properties", .object(properties.members)))
        }
        if !required.isEmpty {
            output.append(JSONValue.Member("required", .array(required.map(JSONValue.string))))
        }
        // No branch may forbid the members of another one.
        output += members.filter { member in
            !written.contains(member.name)
                && (chosen.isEmpty || member.name != "additionalProperties")
        }
        // Which of them belong together is said to the model.
        let texts =
            [root["description"]?.text].compactMap { $0 }
            + (chosen.isEmpty ? [] : [JSONValue.object(chosen).description])
        if !texts.isEmpty {
            output.append(
                JSONValue.Member("description", .string(texts.joined(separator: "\n"))))
        }
        return .object(output)
    }

    /// A schema with what its reference names instead of the reference.
    private static func resolved(
        _ schema: JSONValue, in root: JSONValue, _ depth: Int
    ) -> JSONValue {
        guard case .object(let members) = schema, let reference = schema["$ref"]?.text else {
            return schema
        }
        let own = members.filter { $0.name != "$ref" }
        guard depth > 0, let target = target(of: reference, in: root),
            case .object(let found) = resolved(target, in: root, depth - 1)
        else { return .object(own) }
        let names = Set(own.map(\.name))
        return .object(own + found.filter { !names.contains($0.name) })
    }

    /// What a reference into the schema itself names.
    static func target(of reference: String, in root: JSONValue) -> JSONValue? {
        guard reference.hasPrefix("#/") else { return nil }
        var value: JSONValue? = root
        for step in reference.dropFirst(2).split(separator: "/") {
            let name = String(step).replacingScalars("~1", with: "/")
            value = value?[name.replacingScalars("~0", with: "~")]
        }
        return value
    }

    private static func names(required schema: JSONValue) -> [String] {
        (schema["required"]?.elements ?? []).compactMap(\.text)
    }

    /// What some branches require: of those that all hold each name, of others what all have.
    private static func names(required branches: [JSONValue], isAll: Bool) -> [String] {
        let lists = branches.map(names(required:))
        guard !isAll else { return lists.flatMap(\.self) }
        guard var common = lists.first.map({ Set($0) }) else { return [] }
        for list in lists { common.formIntersection(list) }
        return lists[0].filter(common.contains)
    }

    /// The members of an object, in the order in which they came.
    private struct Properties {
        private(set) var members: [JSONValue.Member] = []
        private var indexes: [String: Int] = [:]

        init(_ schema: JSONValue) { merge(schema) }

        /// Adds those of a schema; one that both have is either.
        mutating func merge(_ schema: JSONValue) {
            guard case .object(let others) = schema["properties"] else { return }
            for member in others {
                guard let index = indexes[member.name] else {
                    indexes[member.name] = members.count
                    members.append(member)
                    continue
                }
                guard members[index].value != member.value else { continue }
                let either = JSONValue.array([members[index].value, member.value])
                members[index] = JSONValue.Member(
                    member.name, .object([JSONValue.Member("anyOf", either)]))
            }
        }
    }
}

extension Tool {
    /// Brings the schema to what Anthropic takes at its root, and where it holds a call to it.
    mutating func fitSchemaToAnthropic(_ losses: inout LossList) {
        guard let schema else { return }
        var fit = AnthropicSchema.input(schema)
        // An object's type alone takes nothing away.
        var isChanged = schema.members.contains { AnthropicSchema.choices.contains($0.name) }
        if strict == true, !schema.isBareObject {
            let whole = fit ?? schema.tree
            let held = AnthropicSchema.output(whole)
            if held != whole { (fit, isChanged) = (held, true) }
        }
        if let fit { self.schema = RawJSON(literal: fit.description) }
        if isChanged { losses.change(schemaPath) }
    }
}
