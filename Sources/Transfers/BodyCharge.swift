/// The storage of one body as its budget counts it; counted off when the charge ends.
///
/// It moves with the storage: from the request that is received to the body that is sent. It knows
/// its budget only once there is something to count, so that a small call counts no reference.
public struct BodyCharge: ~Copyable {
    /// Bytes of storage that are not counted: a connection at rest keeps as much.
    public static let uncountedBytes = 4 << 10

    private var budget: BodyBudget?
    private var bytes = 0

    /// A charge for no storage.
    public init() {}

    deinit {
        if bytes > 0 { _ = budget?.add(-bytes) }
    }

    /// Counts the storage that a body has now, instead of what it had.
    ///
    /// Storage grows by doubling, so that a body counts a few times, however many pieces it has.
    public mutating func cover(storage: Int, of budget: BodyBudget) -> BodyBudget.Room {
        guard storage > Self.uncountedBytes || bytes > 0 else { return .free }
        let counted = storage > Self.uncountedBytes ? storage : 0
        guard counted != bytes else { return budget.room }
        let change = counted - bytes
        bytes = counted
        self.budget = budget
        return budget.add(change)
    }
}
