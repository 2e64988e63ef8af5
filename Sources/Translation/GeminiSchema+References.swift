import JSON
import Primitives

extension GeminiSchema {
    /// A JSON Schema in which nothing but words of its own kind stand beside a reference, as the
    /// vendor takes it.
    static func withLoneReferences(_ schema: RawJSON) -> RawJSON {
        guard schema.bytes.span.firstRange(of: "\"$ref\"") != nil else { return schema }
        let tree = schema.tree
        let fit = withLoneReferences(tree)
        return fit == tree ? schema : RawJSON(literal: fit.description)
    }

    private static func withLoneReferences(_ schema: JSONValue) -> JSONValue {
        switch schema {
        case .array(let elements): return .array(elements.map(withLoneReferences))
        case .object(let members):
            let inner = members.map { member in
                // A property may have the name of a keyword.
                JSONValue.Member(member.name, withLoneReferences(member.value))
            }
            guard let reference = inner.first(where: { $0.name == "$ref" }),
                reference.value.text != nil,
                inner.contains(where: { !$0.name.hasPrefix("$") })
            else { return .object(inner) }
            let lone = JSONValue.object([reference])
            return .object(
                inner.filter { $0.name != "$ref" && $0.name != "anyOf" }
                    + [JSONValue.Member("anyOf", .array([lone]))])
        default: return schema
        }
    }
}
