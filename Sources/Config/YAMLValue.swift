/// A value of a YAML document: all of them texts, as they stand there.
public indirect enum YAMLValue: Equatable, Sendable {
    /// A text, a number, a word; `isQuoted`: it stands in quotes.
    case scalar(String, isQuoted: Bool)
    /// A list.
    case list([YAMLValue])
    /// Members in their order.
    case map([Member])
    /// Nothing.
    case null

    /// One member of a map.
    public struct Member: Equatable, Sendable {
        /// Its name.
        public let name: String
        /// Its value.
        public let value: YAMLValue
        /// The line that it begins on, from 1.
        public let line: Int
    }

    /// The value of a member; nil for anything that has none of this name.
    public subscript(name: String) -> YAMLValue? {
        members.last { $0.name == name }?.value
    }

    /// The members of a map; none of anything else.
    public var members: [Member] {
        guard case .map(let members) = self else { return [] }
        return members
    }

    /// The elements of a list; none of anything else.
    public var elements: [YAMLValue] {
        guard case .list(let elements) = self else { return [] }
        return elements
    }

    /// The text of a scalar.
    public var text: String? {
        guard case .scalar(let text, _) = self else { return nil }
        return text
    }
}
