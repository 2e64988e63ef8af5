import Access
import Config
import LogStore
import Logging
import Primitives
import Telemetry

/// Who may call: made of each reading of the configuration, with a ledger that outlives them.
final class ClientAccess {
    /// Looks at the mark after which the database is asked without one.
    private static let looksMax = 40

    private let ledger = Ledger()
    private let prices: PriceTable?
    private var store: Store?
    /// Whether a key was ever asked for, as the store remembers.
    private var isRemembered = false
    /// Whether a key is asked for.
    private(set) var isAsked = false
    /// The latest change of the store's keys that was seen; -1 before the first look.
    private var seenChange = -1
    /// The mark beside the database when it was last asked, and looks at the mark since.
    private var seenMark: Int64 = -1
    private var looks = 0
    private let logger: Logger

    /// Access with these prices, which wait for a restart when they change.
    init(prices: PriceTable?, logger: Logger) {
        self.prices = prices
        self.logger = logger
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
        return { plan.table.restore($0, plan.ledger, isNew: true) }
    }

    /// The keys and limits of a configuration; nil where no key is asked for, and none ever was.
    func plan(_ configuration: Configuration) throws -> AccessPlan? {
        if let store, !isRemembered {
            isRemembered = try store.rememberKeys(configuration.asksForKeys)
        }
        isAsked = configuration.asksForKeys || isRemembered
        guard isAsked else { return nil }
        var all = configuration
        all.keys += try storedKeys(beside: configuration)
        let table = AccessTable(all, ledger, isRequired: isRemembered)
        if let store {
            // At a start all limits are new; later those that a reload has added.
            let now = Int(Identifier.wallClockMilliseconds())
            table.restore(
                try store.pastCharges(since: now - PastCharge.reach, now: now), ledger,
                isNew: false)
        }
        return AccessPlan(table: table, ledger: ledger, prices: prices)
    }

    /// The keys that the store has beside those of a configuration.
    ///
    /// A key whose group is gone is not let in: without it no limit would hold for the key.
    private func storedKeys(beside configuration: Configuration) throws -> [KeySettings] {
        guard let store else { return [] }
        let names = Set(configuration.keys.map(\.name))
        let groups = Set(configuration.groups.map(\.name))
        return try store.clientKeys().compactMap { stored in
            guard stored.revoked == nil, !names.contains(stored.name) else { return nil }
            guard stored.group.isEmpty || groups.contains(stored.group) else {
                logger.warning(
                    "a key is refused, because its group is not in the configuration",
                    metadata: ["key": "\(stored.name)", "group": "\(stored.group)"])
                return nil
            }
            var key = KeySettings(name: stored.name)
            key.digests = stored.digests
            key.group = stored.group
            key.expires = stored.expires
            return key
        }
    }

    /// The number of a change of the store's keys that was not seen before; nil where there is
    /// none.
    func changed() throws -> Int? {
        guard let store else { return nil }
        let mark = store.keyMarkStamp()
        looks += 1
        guard mark != seenMark || looks >= Self.looksMax else { return nil }
        looks = 0
        // Before the database is asked: a change that comes in between has a mark of its own.
        seenMark = mark
        let number = try store.keyChanges().written
        guard number != seenChange else { return nil }
        seenChange = number
        return number
    }

    /// Writes down that every worker has adopted a change.
    func confirm(_ change: Int) throws {
        try store?.adoptedKeys(change)
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
