import Config
import Primitives
import Synchronization
import Testing

@testable import Access

// What was used before, or beside this process, in the ledger of another reading.
extension LedgerTests {
    @Test("is rebuilt from charges of the past, and so is a limit that comes later")
    func restoring() throws {
        let hour = PastCharge.hour
        // The first of December, 1999, in the eleventh hour.
        let start = try LimitTests.time("1999-12-01T10:00")
        func charge(_ began: Int, _ length: Int, calls: Int, cost: Int) -> PastCharge {
            PastCharge(
                key: "bob", group: "team", began: began, length: length, calls: calls, tokens: 0,
                nanodollars: cost)
        }
        let past = [
            charge(start - 20 * hour, hour, calls: 9, cost: 900_000_000),
            charge(start - hour, hour, calls: 5, cost: 300_000_000),
            charge(start, PastCharge.minute, calls: 4, cost: 200_000_000),
            charge(start, hour, calls: 4, cost: 200_000_000),
        ]
        func toml(_ group: String) -> String {
            "[groups.team]\n\(group)\n"
                + Self.lines("bob", "b", "group = \"team\"\nrequests = \"5/1m\"")
        }
        let (table, ledger) = try Self.table(toml("budget = \"$1/month\""))
        table.restore(past, ledger, isNew: false)
        let bob = try Self.key("b", in: table)
        #expect(ledger.bucket(of: .group("team")).money.spent == 500_000_000)
        #expect(Self.admit(ledger, bob, now: start + 1000) == nil)
        #expect(Self.admit(ledger, bob, now: start + 1000)?.axis == .requests)
        // The same charges once more change nothing; others that were not known do.
        table.restore(past, ledger, isNew: false)
        #expect(ledger.bucket(of: .group("team")).money.spent == 500_000_000)
        table.restore([charge(start, hour, calls: 1, cost: 7)], ledger, isNew: true)
        #expect(ledger.bucket(of: .group("team")).money.spent == 500_000_007)
        // A reload adds a limit: it begins with what was used before it.
        let (later, _) = try Self.table(
            toml("budget = \"$1/month\"\nrequests = \"10/1d\""), ledger)
        later.restore(past, ledger, isNew: false)
        #expect(ledger.bucket(of: .group("team")).money.spent == 500_000_007)
        #expect(ledger.bucket(of: .group("team")).requests.current == 9)
        // A key that is gone has spent its group's money all the same.
        let (gone, fresh) = try Self.table("[groups.team]\nbudget = \"$1/month\"\n")
        gone.restore(past, fresh, isNew: false)
        #expect(fresh.bucket(of: .group("team")).money.spent == 500_000_000)
    }

    @Test("a reading with another interval counts in it what was used before, and calls in flight")
    func otherIntervals() throws {
        let hour = PastCharge.hour
        // The second of December, 1999, in the eleventh hour.
        let now = try LimitTests.time("1999-12-02T10:30")
        func past(_ began: Int, _ cost: Int) -> PastCharge {
            PastCharge(
                key: "bob", group: "", began: began, length: hour, calls: 1, tokens: 10,
                nanodollars: cost)
        }
        let start = now - now % hour
        let sums = [past(start - 24 * hour, 1), past(start - hour, 2), past(start, 4)]
        func table(_ limits: String, _ ledger: Ledger? = nil) throws -> (AccessTable, Ledger) {
            let (table, ledger) = try Self.table(
                Self.lines("bob", "b", "\(limits)\nconcurrent = 2"), ledger ?? Ledger())
            table.restore(sums, ledger, isNew: false)
            return (table, ledger)
        }
        let (first, ledger) = try table("budget = \"$1/day\"\ntokens = \"1M/2h\"")
        func bucket() -> Bucket { ledger.bucket(of: .key("bob")) }
        #expect(bucket().money.spent == 6)
        var demand = Demand()
        demand.isWork = true
        demand.nanodollars = 100
        demand.tokens = 50
        let old = try Self.key("b", in: first)
        guard case .admitted(let early) = ledger.admit(demand, old.path, now: now) else {
            throw Missing()
        }
        for (limits, spent, tokens) in [
            ("budget = \"$1/hour\"\ntokens = \"1M/2h\"", 4, 10),
            ("budget = \"$1/month\"\ntokens = \"1M/4h\"", 7, 20),
            ("budget = \"$1/day\"\ntokens = \"1M/2h\"", 6, 10),
        ] {
            let (later, _) = try table(limits, ledger)
            #expect(later.hasNewLimits)
            #expect(bucket().money.spent == spent && bucket().money.held == 0, "\(limits)")
            #expect(bucket().tokens.current == tokens && bucket().inFlight == 1, "\(limits)")
        }
        // A worker that has not adopted the reading yet admits by the one before.
        guard case .admitted(let late) = ledger.admit(demand, old.path, now: now) else {
            throw Missing()
        }
        let (last, _) = try table("budget = \"$1/month\"\ntokens = \"1M/2h\"", ledger)
        #expect(bucket().inFlight == 2)
        let key = try Self.key("b", in: last)
        guard case .refused(let refusal) = ledger.admit(demand, key.path, now: now) else {
            throw Missing()
        }
        #expect(refusal.axis == .concurrent)
        for reservation in [early, late] {
            ledger.settle(
                reservation, Charge(tokens: 3, nanodollars: 40, basis: .reported), now: now)
        }
        #expect(bucket().money.spent == 87 && bucket().money.held == 0)
        #expect(bucket().tokens.current == 16 && bucket().tokens.held == 0)
        #expect(bucket().inFlight == 0)
        #expect(Self.admit(ledger, key, now: now) == nil)
    }

    @Test("a reading without another limit has none that the past is still to be added to")
    func newLimits() throws {
        func toml(_ group: String, _ rest: String = "") -> String {
            "[groups.team]\n\(group)\n" + Self.lines("bob", "b", "group = \"team\"") + rest
        }
        let requests = "requests = \"5/1m\""
        let (first, ledger) = try Self.table(toml(requests))
        #expect(first.hasNewLimits)
        for (next, isNew) in [
            (toml(requests), false), (toml("requests = \"6/1m\""), false),
            (toml("requests = \"6/1h\""), true), (toml(requests), true),
            (toml(requests, Self.lines("eve", "e", "group = \"team\"")), false),
            (toml("\(requests)\nconcurrent = 4"), false),
            (toml("\(requests)\nbudget = \"$1/day\""), true),
            (toml(requests, Self.lines("eve", "e", "tokens = \"1M/1h\"")), true),
            ("", false),
        ] {
            let (table, _) = try Self.table(next, ledger)
            #expect(table.hasNewLimits == isNew, "\(next)")
        }
    }

    @Test("what calls hold in a process beside this one counts, and is replaced as a whole")
    func heldElsewhere() throws {
        let (table, ledger) = try Self.table(
            """
            [groups.team]
            concurrent = 3
            budget = "$10/day"
            tokens = "1000/1h"
            """ + "\n" + Self.lines("eve", "e", "group = \"team\""))
        let team = Step.Scope.group("team")
        func hold(_ calls: Int, _ source: String, now: Int = 5) {
            let charge = HeldCharge(
                key: "gone", group: "team", calls: calls, tokens: 100 * calls,
                nanodollars: calls * 1_000_000_000)
            table.hold(calls == 0 ? [] : [charge], of: source, ledger, now: now)
        }
        hold(2, "a")
        hold(1, "b")
        var bucket = ledger.bucket(of: team)
        #expect(bucket.inFlight == 3 && bucket.tokens.held == 300)
        #expect(bucket.money.held == 3_000_000_000)
        // A fourth call is one too many, whichever process makes it.
        let key = try Self.key("e", in: table)
        var demand = Demand()
        demand.isWork = true
        guard case .refused(let refusal) = ledger.admit(demand, key.path, now: 6) else {
            Issue.record("admitted beyond the limit")
            return
        }
        #expect(refusal.axis == .concurrent)
        hold(1, "a")
        guard case .admitted = ledger.admit(demand, key.path, now: 6) else {
            Issue.record("refused below the limit")
            return
        }
        // The next day has forgotten what was held on this one.
        hold(1, "b", now: 86_400_005)
        #expect(ledger.bucket(of: team).money.held == 1_000_000_000)
        hold(0, "a", now: 86_400_005)
        hold(0, "b", now: 86_400_005)
        bucket = ledger.bucket(of: team)
        #expect(bucket.inFlight == 1 && bucket.tokens.held == 0 && bucket.money.held == 0)
        // Who reads the journals anew begins without what another reader left.
        hold(2, "a", now: 86_400_006)
        hold(3, "b", now: 86_400_006)
        ledger.forgetHeld()
        bucket = ledger.bucket(of: team)
        #expect(bucket.inFlight == 1 && bucket.tokens.held == 0 && bucket.money.held == 0)
        hold(0, "a", now: 86_400_007)
        #expect(ledger.bucket(of: team).inFlight == 1)
    }
}
