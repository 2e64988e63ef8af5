/// Damaged bytes of a packed segment.
public struct SegmentDamage: Equatable, Sendable, CustomStringConvertible {
    /// The segment.
    public let segment: UInt64
    /// The offset in its file.
    public let offset: Int
    /// Whether they are read as they were written.
    public let isRestored: Bool
    /// Whether they are of what restores the others.
    public let isOfParity: Bool

    /// In words.
    public var description: String {
        "segment \(segment) is damaged at byte \(offset) of its file: "
            + (isRestored
                ? isOfParity
                    ? "part of its parity, which follows from the rest" : "restored from its parity"
                : "too much of it to be restored")
    }
}
