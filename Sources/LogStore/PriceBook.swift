import Synchronization

/// The prices in force, for those who look them up at each use: a reload may replace them.
public final class PriceBook: Sendable {
    private let table: Mutex<PriceTable?>

    /// A book of a table; nil has no prices.
    public init(_ table: PriceTable?) {
        self.table = Mutex(table)
    }

    /// What is in force now; nil where there are no prices.
    public var current: PriceTable? { table.withLock { $0 } }

    /// The version of those; `none` without prices.
    public var version: String { current?.version ?? "none" }

    /// Puts another table in force.
    public func replace(by next: PriceTable?) {
        table.withLock { $0 = next }
    }
}
