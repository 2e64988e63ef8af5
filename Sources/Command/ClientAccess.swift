import Access
import Config
import Dashboard
import Fleet
import LogStore
import Logging
import Primitives
import Telemetry

/// Who may call: made of each reading of the configuration, with a ledger that outlives them.
final class ClientAccess {
    /// Looks at the mark after which the database is asked without one.
    private static let looksMax = 40

    let ledger = Ledger()
    let prices: PriceBook
    /// What the pages say of it to probes.
    let readiness = OperatorPages.Readiness()
    private(set) var store: Store?
    /// What was ever asked for, as the store remembers.
    private var remembered = RequiredCredentials()
    /// Whether a key is asked for.
    private(set) var isAsked = false
    /// The latest change of the store's keys that was seen; -1 before the first look.
    private var seenChange = -1
    /// The mark beside the database when it was last asked, and looks at the mark since.
    private var seenMark: Int64 = -1
    private var looks = 0
    /// The plan of a start, made before the record's parts run, until it is asked for.
    private var first: AccessPlan??
    /// Whether limits came that the sums of the past are still to be added to.
    private var awaitsPast = false
    private var retired = RetiredPlans()
    /// The keys of the tokens' issuers, by their sources: a source that a reload leaves may still
    /// be asked for, until a later reload is in force.
    private var issuers: [TokenSettings.Source: IssuerWatch] = [:]
    private let logger: Logger
    /// Opens the database that could not be opened at the start; nil where none is to be.
    private var reopening: Reopening<Store>?
    /// Whether it was opened, and workers do not know yet what it says of keys.
    private var isReopened = false

    /// Access with these prices, which a reload may replace.
    init(prices: PriceBook, logger: Logger) {
        self.prices = prices
        self.logger = logger
    }

    /// What the store calls with what it finds in the journals of an earlier process.
    struct Recovery {
        /// Called with charges.
        let charges: @Sendable ([PastCharge]) -> Void
        /// Called once there are no more.
        let end: @Sendable () -> Void
        /// Called with what calls in flight hold in a process that still writes to a journal.
        let held: @Sendable (String, [HeldCharge]) -> Void
    }

    /// Takes over what the store remembers: what was ever asked for, and what limits were charged.
    ///
    /// `isWhole`: no earlier process has left a journal. Otherwise budgets wait until it is read.
    func adopt(
        _ store: Store, _ configuration: Configuration, isWhole: Bool
    ) throws -> Recovery {
        self.store = store
        rememberMark(of: store)
        // Before the keys are read: a change that comes meanwhile is found by the first look.
        seenChange = try store.keyChanges().written
        let plan = try plan(configuration)
        first = .some(plan)
        if !isWhole { ledger.beginRebuilding() }
        return recovery(of: plan)
    }

    /// A database that is empty, and has the mark of changed keys beside it, has lost them.
    private func rememberMark(of store: Store) {
        if store.keyMarkStamp() != 0 { remembered.isKey = true }
    }

    /// Takes over the keys of a folder in which nothing can be recorded.
    ///
    /// Where they cannot be read it is not known whether a key was ever asked for: one is.
    func adoptKeys(of folder: String, _ configuration: Configuration) {
        guard Store.mayHoldKeys(in: folder) else { return }
        do {
            let store = try Store(changing: folder)
            self.store = store
            rememberMark(of: store)
            seenChange = try store.keyChanges().written
            first = .some(try plan(configuration))
        } catch {
            store = nil
            first = nil
            reopening = Reopening("weir-reopen") { try? Store.reopen(folder) }
            // No key was ever asked for: a full disk alone refuses no client.
            guard !Store.isKeyless(folder) else { return }
            remembered.isKey = true
            remembered.isUnread = true
            stateKeys(by: configuration)
            logger.error(
                "keys cannot be read: clients are let in by those of the configuration alone",
                metadata: ["error": "\(error)"])
        }
    }

    /// Has the pages say what is known of the store's keys.
    private func stateKeys(by configuration: Configuration) {
        let hasOthers = configuration.asksForKeys || configuration.asksForCertificates
        readiness.keys = !remembered.isUnread ? .known : hasOthers ? .unread : .closed
    }

    /// A reading of the configuration is in force, with its prices.
    func adopted(_ configuration: Configuration, _ prices: PriceTable?) {
        self.prices.replace(by: prices)
        stateKeys(by: configuration)
    }

    /// Takes over the keys of a database that can be opened again: they are the next change.
    private func adoptReopened() {
        guard let store = reopening?.look() else { return }
        reopening = nil
        self.store = store
        remembered = RequiredCredentials()
        rememberMark(of: store)
        forgetChange()
        isReopened = true
        logger.notice("the database can be opened again, and its keys are read")
    }

    /// Goes on with the database of a record that is written from now on.
    ///
    /// `isWhole`: see ``adopt(_:_:isWhole:)``.
    func resume(
        _ store: Store, _ configuration: Configuration, isWhole: Bool
    ) throws -> Recovery {
        let (before, known) = (self.store, remembered)
        self.store = store
        if before == nil { remembered = RequiredCredentials() }
        rememberMark(of: store)
        let plan: AccessPlan?
        do {
            plan = try self.plan(configuration)
        } catch {
            (self.store, remembered) = (before, known)
            throw error
        }
        reopening = nil
        forgetChange()
        isReopened = true
        if !isWhole { ledger.beginRebuilding() }
        return recovery(of: plan)
    }

    /// What workers are to adopt after a change of keys; nil where that is nothing.
    ///
    /// Workers may ask for keys that could not be read at the start, and that there are not.
    func changedPlan(_ configuration: Configuration) throws -> AccessPlan?? {
        let plan = try plan(configuration)
        guard plan != nil || isReopened else { return nil }
        isReopened = false
        stateKeys(by: configuration)
        return .some(plan)
    }

    /// Takes over what calls were charged while another process had the record.
    func takeBack(_ store: Store, _ charges: [PastCharge]) -> Recovery {
        self.store = store
        let plan = retired.latest
        plan?.table.restore(charges, ledger, isNew: true)
        ledger.forgetHeld()
        return recovery(of: plan)
    }

    private func recovery(of plan: AccessPlan?) -> Recovery {
        let ledger = ledger
        return Recovery(
            charges: { plan?.table.restore($0, ledger, isNew: true) },
            end: { ledger.endRebuilding() },
            held: { journal, charges in
                plan?.table.hold(
                    charges, of: journal, ledger, now: Int(Identifier.wallClockMilliseconds()))
            })
    }

    /// The keys and limits of a start.
    func firstPlan(_ configuration: Configuration) throws -> AccessPlan? {
        if let first { return first }
        return try plan(configuration)
    }

    /// Every worker has the keys of the start: the changes of them so far are in force.
    func hasStarted() {
        first = nil
        guard seenChange > 0 else { return }
        do {
            try confirm(seenChange)
        } catch {
            logger.error("keys are in force", metadata: ["error": "\(error)"])
        }
    }

    /// The keys and limits of a configuration; nil where none is asked for, and none ever was.
    func plan(_ configuration: Configuration) throws -> AccessPlan? {
        try plan(configuration, prices: prices.current)
    }

    /// The same with prices that are to be in force.
    func plan(_ configuration: Configuration, prices: PriceTable?) throws -> AccessPlan? {
        var required = remembered
        required.isKey = required.isKey || configuration.asksForKeys
        required.isCertificate = required.isCertificate || configuration.asksForCertificates
        if let store {
            required = try store.remember(required)
            remembered = required
        }
        isAsked = required.isAny
        guard isAsked else { return nil }
        var all = configuration
        all.keys += try storedKeys(beside: configuration)
        if all.keys.isEmpty, configuration.access.tokens == nil,
            configuration.server.tls.clientAuthorities.isEmpty
        {
            // All clients get 401, and the configuration alone does not show why.
            logger.warning("a key is asked for, as one ever was, and there is none")
        }
        let table = AccessTable(
            all, ledger, required: required, keyring: try keyring(of: configuration))
        awaitsPast = awaitsPast || table.hasNewLimits
        // While charges of an earlier process come in, each is added to what it is missing from.
        if let store, awaitsPast, ledger.isWhole {
            // At a start all limits are new; later those that a reload has added.
            let now = Int(Identifier.wallClockMilliseconds())
            table.restore(
                try store.pastCharges(since: now - PastCharge.reach, now: now), ledger,
                isNew: false)
            awaitsPast = false
        }
        let plan = AccessPlan(table: table, ledger: ledger, prices: prices)
        retired.replaceLatest(by: plan)
        return plan
    }

    /// Lets plans go that no worker has any more.
    func dropRetiredPlans() { retired.dropUnused() }

    private func keyring(of configuration: Configuration) throws -> IssuerKeyring? {
        guard let tokens = configuration.access.tokens else { return nil }
        let watch = try issuers[tokens.keys] ?? IssuerWatch(tokens.keys, logger: logger)
        issuers[tokens.keys] = watch
        return watch.keyring
    }

    /// Looks for no issuer's keys any more.
    func end() {
        for watch in issuers.values { watch.end() }
        issuers = [:]
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
    ///
    /// `isSure`: there is one, whatever the mark says.
    func changed(isSure: Bool = false) throws -> Int? {
        adoptReopened()
        guard let store else { return nil }
        let mark = store.keyMarkStamp()
        looks += 1
        guard isSure || isReopened || mark != seenMark || looks >= Self.looksMax else {
            return nil
        }
        looks = 0
        // Before the database is asked: a change that comes in between has a mark of its own.
        seenMark = mark
        let number = try store.keyChanges().written
        guard number != seenChange else { return nil }
        seenChange = number
        return number
    }

    /// Has the next look find the latest change again, which could not be read.
    func forgetChange() {
        seenChange = -1
        looks = Self.looksMax
    }

    /// What is used of each limit now.
    var limits: [Ledger.View] { ledger.view(now: Int(Identifier.wallClockMilliseconds())) }

    /// The store's keys, as gateways share them.
    func sharedKeys() throws -> [SharedKey] {
        try store?.clientKeys().map(SharedKey.init) ?? []
    }

    /// Stores keys that other gateways have changed: they are in force as if changed here.
    func adopt(_ keys: [SharedKey]) {
        guard let store else { return }
        do {
            let known = Dictionary(try sharedKeys().map { ($0.name, $0) }) { $1 }
            for key in keys where key.replaces(known[key.name]) {
                _ = try store.changeKey(key.name) { _ in StoredKey(key) }
            }
            store.markKeyChange()
        } catch {
            logger.error(
                "keys of other gateways cannot be stored", metadata: ["error": "\(error)"])
        }
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
                    nanodollars: view.nanodollars, spent: view.spent, held: view.held)
            }
        }
    }
}

extension SharedKey {
    fileprivate init(_ key: StoredKey) {
        self.init(
            name: key.name, digests: key.digests, group: key.group, expires: key.expires,
            created: key.created, revoked: key.revoked)
    }
}

extension StoredKey {
    fileprivate init(_ key: SharedKey) {
        self.init(
            name: key.name, digests: key.digests, group: key.group, expires: key.expires,
            created: key.created, revoked: key.revoked)
    }
}
