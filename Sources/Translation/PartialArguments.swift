import JSON

/// A call's arguments that come value by value, each with its path, as Gemini streams them.
struct PartialArguments {
    /// One step of a path.
    private enum Step {
        case name(String)
        case index(Int)
    }

    /// Elements that a list may have: a number in a path asks for as much memory.
    private static let elementsMax = 4096

    private var root: JSONValue

    /// Arguments of which some may be known.
    init(_ known: RawJSON?) {
        root = known?.tree ?? .object([])
    }

    /// The arguments as one object.
    var text: EscapedText { EscapedText(root.description) }

    /// Takes a piece: a value, or more of a text that goes on.
    mutating func take(_ piece: RawJSON) {
        guard let path = piece.camel("jsonPath")?.plain, let steps = Self.steps(path) else {
            return
        }
        var value: JSONValue?
        for name in ["stringValue", "numberValue", "boolValue"] {
            value = value ?? piece.camel(name)?.tree
        }
        if value == nil, piece.camelMembers.contains(where: { $0.name == "nullValue" }) {
            value = .null
        }
        guard let value else { return }
        root = Self.set(root, steps[...], value)
    }

    private static func set(
        _ tree: JSONValue, _ steps: ArraySlice<Step>, _ value: JSONValue
    ) -> JSONValue {
        guard let step = steps.first else {
            if case .string(let old) = tree, case .string(let more) = value {
                return .string(old + more)
            }
            return value
        }
        switch step {
        case .name(let name):
            var members: [JSONValue.Member] = []
            if case .object(let known) = tree { members = known }
            let index = members.firstIndex { $0.name == name }
            let inner = set(
                index.map { members[$0].value } ?? .null, steps.dropFirst(), value)
            let member = JSONValue.Member(name, inner)
            if let index { members[index] = member } else { members.append(member) }
            return .object(members)
        case .index(let position):
            var elements: [JSONValue] = []
            if case .array(let known) = tree { elements = known }
            guard position < elementsMax else { return tree }
            while elements.count <= position { elements.append(.null) }
            elements[position] = set(elements[position], steps.dropFirst(), value)
            return .array(elements)
        }
    }

    /// The steps of a path such as `$.a[0].b`; nil where it is none.
    private static func steps(_ path: String) -> [Step]? {
        guard path.hasPrefix("$") else { return nil }
        var steps: [Step] = []
        var rest = path.dropFirst()
        while let mark = rest.first {
            rest = rest.dropFirst()
            if mark == "." {
                let name = rest.prefix { $0 != "." && $0 != "[" }
                steps.append(.name(String(name)))
                rest = rest.dropFirst(name.count)
                continue
            }
            guard mark == "[", let end = rest.firstIndex(of: "]") else { return nil }
            let inner = rest[..<end]
            rest = rest[rest.index(after: end)...]
            if let index = Int(inner), index >= 0 {
                steps.append(.index(index))
            } else {
                let quotes: Set<Character> = ["'", "\""]
                steps.append(.name(inner.filter { !quotes.contains($0) }))
            }
        }
        return steps.count <= 64 ? steps : nil
    }
}
