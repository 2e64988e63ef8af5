import Access
import Config
import LogStore
import Primitives
import Telemetry

/// Who may call: made of each reading of the configuration, with a ledger that outlives them.
final class ClientAccess {
    private let ledger = Ledger()
    private let prices: PriceTable?
    private var store: Store?
    /// Whether a key was ever asked for, as the store remembers.
    private var isRemembered = false

    /// Access with these prices, which wait for a restart when they change.
    init(prices: PriceTable?) {
        self.prices = prices
    }

    /// Takes over what the store remembers: whether a key was ever asked for, and what limits were
    /// charged.
    ///
    /// Returns what the store calls with charges that it finds in the journals of an earlier
    /// process.
    func adopt(
        _ store: Store, _ configuration: Configuration
    ) throws -> @Sendable ([PastCharge]) -> Void {
        self.store = store
        guard let plan = try plan(configuration) else { return { _ in } }
        let now = Int(Identifier.wallClockMilliseconds())
        plan.table.restore(
            try store.pastCharges(since: now - PastCharge.reach, now: now), plan.ledger)
        return { plan.table.restore($0, plan.ledger) }
    }

    /// The keys and limits of a configuration; nil where no key is asked for, and none ever was.
    func plan(_ configuration: Configuration) throws -> AccessPlan? {
        if let store, !isRemembered {
            isRemembered = try store.rememberKeys(configuration.asksForKeys)
        }
        guard configuration.asksForKeys || isRemembered else { return nil }
        return AccessPlan(
            table: AccessTable(configuration, ledger, isRequired: isRemembered), ledger: ledger,
            prices: prices)
    }

    /// What is counted for each limit.
    var metrics: @Sendable () -> [LimitMetrics] {
        let ledger = ledger
        return {
            ledger.view().map { view in
                LimitMetrics(
                    scope: view.scope.kind, name: view.scope.label, inFlight: view.inFlight,
                    admitted: view.admitted, refused: view.refused, tokens: view.tokens,
                    nanodollars: view.nanodollars)
            }
        }
    }
}
