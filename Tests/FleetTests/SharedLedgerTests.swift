import Config
import Glibc
import Primitives
import Support
import Synchronization
import Testing

@testable import Access
@testable import Fleet

/// Ledgers that share their limits in a real store, asked in an order that the test decides.
final class LedgerFleet {
    let store: ScriptStore
    let ledgers: [Ledger]
    let keys: [AccessKey]
    /// How far each one's clock is from the first one's, in milliseconds.
    var skews: [Int]

    init(_ count: Int, _ limits: String, outage: LimitStoreSettings.Outage = .lastShare) throws {
        store = try ScriptStore()
        skews = [Int](repeating: 0, count: count)
        var ledgers: [Ledger] = []
        var keys: [AccessKey] = []
        for _ in 0..<count {
            let ledger = Ledger()
            ledger.share(outage: outage) {}
            ledger.setStoreAway(false)
            keys.append(try Self.key(limits, ledger))
            ledgers.append(ledger)
        }
        self.ledgers = ledgers
        self.keys = keys
    }

    /// The one key of a table that is made for a ledger.
    static func key(_ limits: String, _ ledger: Ledger) throws -> AccessKey {
        let digest = String(repeating: "a", count: 64)
        let (configuration, _) = try Configuration.read(
            "[keys.bob]\ndigest = \"sha256:\(digest)\"\nunpriced = \"allow\"\n\(limits)",
            file: "test", secrets: SecretSource(environment: { _ in nil }, file: { _ in nil }))
        let table = AccessTable(configuration, ledger)
        guard case .valid(let key)? = KeyDigest(hexadecimal: digest).map({ table.find($0, now: 0) })
        else { throw StoreFault(reason: "no key") }
        return key
    }

    /// Lets one ask about all its limits; its answers may get lost.
    func turn(_ index: Int, now: Int, isLost: Bool = false) throws {
        let ledger = ledgers[index]
        let questions = ledger.questions(of: ledger.sharedSlots, now: now + skews[index])
        for question in questions {
            var answer = try store.ask("replica-\(index)", question)
            // The store's clock is the test's.
            answer.time = now
            if isLost {
                ledger.withdraw(question)
            } else {
                ledger.adopt(answer, to: question, now: now + skews[index])
            }
        }
    }

    func admit(_ index: Int, now: Int, _ demand: Demand = Demand()) -> Ledger.Decision {
        ledgers[index].admit(demand, keys[index].path, now: now + skews[index])
    }

    func spent(_ index: Int) -> Int { ledgers[index].view().reduce(0) { $0 + $1.spent } }
    func held(_ index: Int) -> Int { ledgers[index].view().reduce(0) { $0 + $1.held } }
}

@Suite(
    "Ledgers that share",
    .disabled(if: QuickRun.isOn, "the quick ring installs no Redis server"))
struct SharedLedgerTests {
    /// In the middle of a day.
    private static let noon = 1_764_417_600_000

    private static func isAdmitted(_ decision: Ledger.Decision) -> Bool {
        if case .admitted = decision { true } else { false }
    }

    @Test(
        "a rate admits as much as one gateway would, wherever the clocks stand",
        arguments: [[0, 0], [0, 30_000], [0, -30_000], [0, 0, 10_000, -10_000]])
    func rates(_ skews: [Int]) throws {
        let fleet = try LedgerFleet(skews.count, "requests = \"100/1d\"")
        fleet.skews = skews
        for _ in 0..<2 { for index in skews.indices { try fleet.turn(index, now: Self.noon) } }
        var admitted = 0
        for request in 0..<300 {
            let index = request % skews.count
            if Self.isAdmitted(fleet.admit(index, now: Self.noon + request)) { admitted += 1 }
            #expect(admitted <= 100)
            if request % 7 == 0 { try fleet.turn(index, now: Self.noon + request) }
        }
        // The last ones go from hand to hand.
        for _ in 0..<40 where admitted < 100 {
            for index in skews.indices {
                if Self.isAdmitted(fleet.admit(index, now: Self.noon + 301)) { admitted += 1 }
                try fleet.turn(index, now: Self.noon + 301)
            }
        }
        #expect(admitted == 100)
        guard case .refused(let refusal) = fleet.admit(0, now: Self.noon + 301) else {
            Issue.record("a 101st is admitted")
            return
        }
        #expect(refusal.reason == .used && refusal.axis == .requests && refusal.wait ?? 0 >= 1000)
    }

    @Test(
        "a budget is never overspent, whatever gets lost, and is spent to the last call",
        arguments: [2, 4], [0, 5])
    func budgets(_ count: Int, _ lossEvery: Int) throws {
        let fleet = try LedgerFleet(count, "budget = \"$1/day\"")
        var random = RandomSource(seed: UInt64(count * 10 + lossEvery))
        var demand = Demand()
        demand.isWork = true
        demand.nanodollars = 100_000_000
        var flying: [(index: Int, reservation: Reservation)] = []
        func total() -> Int {
            fleet.ledgers.indices.reduce(0) { $0 + fleet.spent($1) + fleet.held($1) }
        }
        for step in 0..<1200 {
            let index = Int.random(in: 0..<count, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                if case .admitted(let reservation) = fleet.admit(index, now: Self.noon, demand) {
                    flying.append((index, reservation))
                }
            case 5..<8 where !flying.isEmpty:
                let call = flying.remove(at: Int.random(in: 0..<flying.count, using: &random))
                fleet.ledgers[call.index].settle(
                    call.reservation,
                    Charge(tokens: 0, nanodollars: 30_000_000, basis: .reported), now: Self.noon)
            default:
                let isLost = lossEvery > 0 && step % lossEvery == 0
                try fleet.turn(index, now: Self.noon, isLost: isLost)
            }
            #expect(total() <= 1_000_000_000)
        }
        for call in flying {
            fleet.ledgers[call.index].settle(
                call.reservation, Charge(tokens: 0, nanodollars: 30_000_000, basis: .reported),
                now: Self.noon)
        }
        #expect(total() <= 1_000_000_000)
        // One that asks on gets the rest, however it lay.
        for _ in 0..<400 {
            for index in 0..<count { try fleet.turn(index, now: Self.noon) }
            guard case .admitted(let reservation) = fleet.admit(0, now: Self.noon, demand) else {
                continue
            }
            fleet.ledgers[0].settle(
                reservation, Charge(tokens: 0, nanodollars: 30_000_000, basis: .reported),
                now: Self.noon)
        }
        #expect(total() <= 1_000_000_000 && total() > 900_000_000)
        guard case .refused(let refusal) = fleet.admit(0, now: Self.noon, demand) else {
            Issue.record("more than the budget is admitted")
            return
        }
        #expect(refusal.reason == .used && refusal.axis == .budget(.day))
    }

    @Test(
        "a gateway that is killed at any moment lets no more be used than the limit",
        arguments: ["requests = \"100/1d\"", "budget = \"$10/day\""], 0..<8)
    func kills(_ limits: String, _ seed: Int) throws {
        let fleet = try LedgerFleet(2, limits)
        fleet.store.lease = 100
        var random = RandomSource(seed: UInt64(seed))
        var demand = Demand()
        demand.isWork = true
        demand.nanodollars = 100_000_000
        var admitted = 0
        func use(_ index: Int) {
            guard case .admitted(let reservation) = fleet.admit(index, now: Self.noon, demand)
            else { return }
            admitted += 1
            fleet.ledgers[index].settle(
                reservation, Charge(tokens: 0, nanodollars: 100_000_000, basis: .reported),
                now: Self.noon)
        }
        for _ in 0..<Int.random(in: 1...120, using: &random) {
            let index = Int.random(in: 0...1, using: &random)
            if Int.random(in: 0..<8, using: &random) == 0 {
                try fleet.turn(index, now: Self.noon, isLost: Bool.random(using: &random))
            } else {
                use(index)
            }
        }
        let before = admitted
        // The second one is gone. The first has all that it can get, and asks for ever.
        var turnsInVain = 0
        while turnsInVain < 300 {
            let had = admitted
            try fleet.turn(0, now: Self.noon)
            use(0)
            turnsInVain = admitted == had ? turnsInVain + 1 : 0
            poll(nil, 0, 1)
        }
        #expect(admitted <= 100)
        // Of the dead one's share, sixteen calls and its pace are kept back at most.
        #expect(admitted >= 50 || before > 40, "\(admitted) after \(before)")
    }

    @Test("a call that costs more than was held is a debt that no replica spends again")
    func debts() throws {
        let fleet = try LedgerFleet(2, "budget = \"$1/day\"")
        for index in [0, 1, 0, 1] { try fleet.turn(index, now: Self.noon) }
        var demand = Demand()
        demand.isWork = true
        demand.nanodollars = 100_000_000
        guard case .admitted(let reservation) = fleet.admit(0, now: Self.noon, demand) else {
            Issue.record("no first call")
            return
        }
        let charge = Charge(tokens: 0, nanodollars: 950_000_000, basis: .reported)
        fleet.ledgers[0].settle(reservation, charge, now: Self.noon)
        for index in [0, 1, 0, 1, 0, 1] { try fleet.turn(index, now: Self.noon) }
        #expect(!Self.isAdmitted(fleet.admit(0, now: Self.noon, demand)))
        // What the other had been given before stays its own, and it gets no more.
        for index in [0, 1, 0, 1] { try fleet.turn(index, now: Self.noon) }
        var more = 0
        while Self.isAdmitted(fleet.admit(1, now: Self.noon, demand)) { more += 1 }
        #expect(more <= 5)
    }

    @Test("slots are free again once their requests end, for any replica")
    func slots() throws {
        let fleet = try LedgerFleet(2, "concurrent = 2")
        for index in [0, 1, 0, 1] { try fleet.turn(index, now: Self.noon) }
        var now = Self.noon
        func admit(_ index: Int) throws -> Reservation? {
            for _ in 0..<40 {
                now += 250
                if case .admitted(let reservation) = fleet.admit(index, now: now) {
                    return reservation
                }
                for index in [0, 1] { try fleet.turn(index, now: now) }
            }
            return nil
        }
        for _ in 0..<20 {
            let first = try #require(try admit(0))
            let second = try #require(try admit(0))
            #expect(try admit(1) == nil)
            fleet.ledgers[0].settle(first, .free, now: now)
            let third = try #require(try admit(1))
            #expect(try admit(0) == nil)
            fleet.ledgers[0].settle(second, .free, now: now)
            fleet.ledgers[1].settle(third, .free, now: now)
        }
    }

    @Test("windows begin by the store's clock, whatever the gateways' are")
    func windows() throws {
        // A second before a minute ends; the second gateway's clock is in the next one.
        let fleet = try LedgerFleet(2, "requests = \"100/1m\"")
        fleet.skews = [0, 30_000]
        let late = Self.noon + 59_000
        for _ in 0..<8 { for index in [0, 1] { try fleet.turn(index, now: late) } }
        var admitted = 0
        for _ in 0..<200 {
            for index in [0, 1] {
                if Self.isAdmitted(fleet.admit(index, now: late)) { admitted += 1 }
                try fleet.turn(index, now: late)
            }
        }
        #expect(admitted == 100)
        // Two seconds later nearly all of it is still in the interval.
        for _ in 0..<50 {
            for index in [0, 1] {
                if Self.isAdmitted(fleet.admit(index, now: late + 2000)) { admitted += 1 }
                try fleet.turn(index, now: late + 2000)
            }
        }
        #expect(admitted <= 104)
    }

    @Test("a new period of a budget is a new one for all")
    func periods() throws {
        let fleet = try LedgerFleet(2, "budget = \"$1/hour\"")
        var demand = Demand()
        demand.isWork = true
        demand.nanodollars = 1_000_000_000
        for hour in 0..<3 {
            let now = Self.noon + hour * 3_600_000
            #expect(!Self.isAdmitted(fleet.admit(0, now: now, demand)))
            for index in [0, 1, 0, 1] { try fleet.turn(index, now: now) }
            #expect(Self.isAdmitted(fleet.admit(0, now: now, demand)))
            #expect(!Self.isAdmitted(fleet.admit(1, now: now, demand)))
        }
    }

    @Test(
        "without the store decides what outage says",
        arguments: [
            (LimitStoreSettings.Outage.lastShare, 50), (.open, 100), (.closed, 0),
        ])
    func outages(_ outage: LimitStoreSettings.Outage, _ most: Int) throws {
        let fleet = try LedgerFleet(2, "requests = \"100/1d\"", outage: outage)
        for _ in 0..<12 { for index in [0, 1] { try fleet.turn(index, now: Self.noon) } }
        for ledger in fleet.ledgers { ledger.setStoreAway(true) }
        // Long enough for the store to know of it, once it is back.
        let later = Self.noon + 5000
        for index in [0, 1] {
            var admitted = 0
            while Self.isAdmitted(fleet.admit(index, now: later)) { admitted += 1 }
            #expect(admitted <= most && admitted >= most - 1)
            guard case .refused(let refusal) = fleet.admit(index, now: later) else { continue }
            #expect(refusal.reason == (outage == .open ? .used : .storeAway))
            let view = try #require(fleet.ledgers[index].fleetView())
            #expect(view.admittedAway == admitted && view.refusedAway == 2)
        }
    }

    @Test("before the store was ever reached a share is none")
    func neverReached() throws {
        for (outage, isAdmitted) in [
            (LimitStoreSettings.Outage.lastShare, false), (.open, true), (.closed, false),
        ] {
            let ledger = Ledger()
            ledger.share(outage: outage) {}
            let key = try LedgerFleet.key("requests = \"100/1d\"", ledger)
            #expect(
                Self.isAdmitted(ledger.admit(Demand(), key.path, now: Self.noon)) == isAdmitted)
        }
    }

    @Test("a request that waits is admitted when its share arrives")
    func waiting() throws {
        let fleet = try LedgerFleet(1, "concurrent = 2\nqueue = { max = 4, wait = \"5s\" }")
        let granted = Atomic<Int>(0)
        for _ in 0..<3 {
            guard
                case .waiting = fleet.ledgers[0].admit(
                    Demand(), fleet.keys[0].path, now: Self.noon, key: "bob",
                    ended: { _, _ in granted.add(1, ordering: .relaxed) })
            else {
                Issue.record("a request that finds no share does not wait")
                return
            }
        }
        #expect(granted.load(ordering: .relaxed) == 0)
        for _ in 0..<4 { try fleet.turn(0, now: Self.noon) }
        #expect(granted.load(ordering: .relaxed) == 2)
        // A store that is away is not waited for.
        let away = try LedgerFleet(
            1, "concurrent = 2\nqueue = { max = 4, wait = \"5s\" }", outage: .closed)
        away.ledgers[0].setStoreAway(true)
        let other = away.ledgers[0].admit(
            Demand(), away.keys[0].path, now: Self.noon, key: "bob", ended: { _, _ in })
        guard case .refused(let refusal) = other else {
            Issue.record("\(other)")
            return
        }
        #expect(refusal.reason == .storeAway)
    }

    @Test("a full budget sends a request to its chain; one whose share is awaited comes again")
    func chains() throws {
        let fleet = try LedgerFleet(1, "requests = \"1/1h\"")
        let ledger = fleet.ledgers[0]
        var settings = LimitSettings()
        settings.budget = BudgetLimit(nanodollars: 1_000_000_000, period: .day)
        settings.budgetChain = "cheap"
        let path = [Step(.group("team"), slot: ledger.slot(of: .group("team")), settings)]
        var demand = Demand()
        demand.isWork = true
        demand.nanodollars = 1_000_000_000
        func refusal() -> LimitRefusal? {
            guard case .refused(let refusal) = ledger.admit(demand, path, now: Self.noon)
            else { return nil }
            return refusal
        }
        #expect(refusal()?.reason == .awaited && refusal()?.chain == nil)
        for _ in 0..<2 { try fleet.turn(0, now: Self.noon) }
        #expect(refusal() == nil)
        #expect(refusal()?.reason == .used && refusal()?.chain == "cheap")
        var diverted = Demand()
        (diverted.isWork, diverted.isDiverted) = (true, true)
        #expect(Self.isAdmitted(ledger.admit(diverted, path, now: Self.noon)))
    }

    @Test("limits that no table names have shares, too, and are forgotten after a minute of rest")
    func passing() throws {
        let fleet = try LedgerFleet(2, "requests = \"1/1h\"")
        let (named, asking) = (fleet.ledgers[1], fleet.ledgers[0])
        // A token's subject has a path of its own, made when it comes.
        var settings = LimitSettings()
        settings.requests = RateLimit(count: 10, interval: .seconds(86_400))
        let paths = [asking, named].map { ledger in
            let scope = Step.Scope.each(group: "team", key: "jwt:ann")
            return [Step(scope, slot: ledger.slot(of: scope), settings)]
        }
        func admit(_ index: Int) -> Bool {
            let ledger = fleet.ledgers[index]
            guard
                case .admitted(let reservation) = ledger.admit(
                    Demand(), paths[index], now: Self.noon)
            else { return false }
            ledger.settle(reservation, .free, now: Self.noon)
            return true
        }
        #expect(!admit(0) && !admit(1))
        #expect(asking.takeUrgentSlots().contains(paths[0][0].slot))
        var admitted = 0
        for _ in 0..<20 {
            for index in [0, 1] {
                try fleet.turn(index, now: Self.noon)
                if admit(index) { admitted += 1 }
            }
        }
        #expect(admitted == 10)
        // A reading of the configuration forgets none of them.
        _ = try LedgerFleet.key("requests = \"1/1h\"", asking)
        #expect(asking.sharedSlots.contains(paths[0][0].slot))
        let long = asking.state.withLock { $0.take(Demand(), paths[0], now: Self.noon) }
        for _ in 0..<100 { try fleet.turn(0, now: Self.noon) }
        #expect(asking.sharedSlots.contains(paths[0][0].slot))
        asking.settle(long, .free, now: Self.noon)
        for _ in 0..<100 { try fleet.turn(0, now: Self.noon) }
        #expect(!asking.sharedSlots.contains(paths[0][0].slot))
        #expect(!admit(0))
    }

    @Test("a limit that a reload takes out is asked about no more, and a new one at once")
    func reloads() throws {
        let ledger = Ledger()
        ledger.share(outage: .lastShare) {}
        _ = try LedgerFleet.key("requests = \"100/1d\"\nconcurrent = 2", ledger)
        #expect(ledger.takeUrgentSlots().count == 1 && ledger.takeUrgentSlots().isEmpty)
        let slots = ledger.sharedSlots
        #expect(
            Set(ledger.questions(of: slots, now: Self.noon).map(\.axis)) == [
                .requests, .concurrent,
            ])
        _ = try LedgerFleet.key("", ledger)
        #expect(ledger.sharedSlots.isEmpty)
        #expect(ledger.questions(of: slots, now: Self.noon).isEmpty)
    }
}
