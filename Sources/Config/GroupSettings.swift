/// `[groups.NAME]`: limits that keys share.
public struct GroupSettings: Sendable, Equatable {
    /// The group's name.
    public var name: String
    /// The group that it is a part of; empty for a root.
    public var parent = ""
    /// Its limits.
    public var limits = LimitSettings()
    /// Whether each key below it has these limits for itself.
    public var isEach = false

    /// A group without limits.
    public init(name: String) {
        self.name = name
    }
}
