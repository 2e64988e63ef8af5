/// Who may call, for all workers: the keys of one reading of the configuration, and what outlives
/// it.
///
/// An object: a request that holds it counts one reference, and not one for each part.
public final class AccessPlan: Sendable {
    /// The keys.
    public let table: AccessTable
    /// What was used of their limits.
    public let ledger: Ledger
    /// What calls cost; nil where no price is known.
    public let prices: (any Pricing)?

    /// A plan of these parts.
    public init(table: AccessTable, ledger: Ledger, prices: (any Pricing)?) {
        self.table = table
        self.ledger = ledger
        self.prices = prices
    }
}
