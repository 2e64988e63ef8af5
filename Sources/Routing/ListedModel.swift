/// A model of a vendor's own list.
public struct ListedModel: Hashable, Sendable {
    /// The name to ask for.
    public let name: String
    /// What people call it; the name where the list does not say.
    public let title: String

    /// A model of a list.
    public init(_ name: String, title: String? = nil) {
        self.name = name
        self.title = title ?? name
    }
}
