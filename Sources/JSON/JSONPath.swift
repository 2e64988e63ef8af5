import Primitives

/// A path in JSON values, for example `messages.*.content`: names of members and numbers of
/// elements with dots between them; `*` stands for any of either.
public struct JSONPath: Equatable, Sendable, CustomStringConvertible {
    enum Step: Equatable, Sendable {
        case any
        case named(String)
    }

    let steps: [Step]
    /// As it was written.
    public let description: String

    /// The path of a text; nil where it is none.
    ///
    /// `$.a`, `a[*].b` and `a[0]` are understood too.
    public init?(_ text: String) {
        var plain = text.hasPrefix("$.") ? String(text.dropFirst(2)) : text
        plain = plain.replacingScalars("[", with: ".").replacingScalars("]", with: "")
        let parts = plain.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "$" }) else { return nil }
        steps = parts.map { $0 == "*" ? .any : .named(String($0)) }
        description = text
    }
}
