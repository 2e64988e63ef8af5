import Config
import Primitives
import Synchronization
import Testing

@testable import Access

@Suite("The ledger")
struct LedgerTests {
    /// A table of keys in a tree of groups; every key is named like its digest's digit.
    static func table(
        _ toml: String, _ ledger: Ledger = Ledger()
    ) throws -> (AccessTable, Ledger) {
        let secrets = SecretSource(environment: { _ in nil }, file: { _ in nil })
        let (configuration, _) = try Configuration.read(toml, file: "test", secrets: secrets)
        return (AccessTable(configuration, ledger), ledger)
    }

    static func key(_ digit: Character, in table: AccessTable, now: Int = 0) throws -> AccessKey {
        let digest = try #require(KeyDigest(hexadecimal: String(repeating: digit, count: 64)))
        guard case .valid(let key) = table.find(digest, now: now) else {
            throw Missing()
        }
        return key
    }

    struct Missing: Error {}

    final class Sum: Sendable {
        let value = Atomic<Int>(0)
    }

    static func lines(_ name: String, _ digit: Character, _ rest: String) -> String {
        "[keys.\(name)]\ndigest = \"sha256:\(String(repeating: digit, count: 64))\"\n\(rest)\n"
    }

    static let tree = """
        [groups.root]
        requests = "100/1m"
        [groups.team]
        parent = "root"
        requests = "10/1m"
        \(lines("bob", "b", "group = \"team\"\nrequests = \"5/1m\""))
        \(lines("eve", "e", "group = \"team\""))
        """

    @Test("a clock that is set back over the end of a period leaves nothing held")
    func clockSetBack() throws {
        let (table, ledger) = try Self.table(
            Self.lines("bob", "b", "budget = \"$1/day\"\ntokens = \"1000/1m\""))
        let key = try Self.key("b", in: table)
        var demand = Demand()
        (demand.isWork, demand.tokens, demand.nanodollars) = (true, 5, 100)
        let midnight = try LimitTests.time("2026-11-30T00:00:02Z")
        for now in [midnight, midnight - 12_000, midnight - 12_000, midnight] {
            guard case .admitted(let reservation) = ledger.admit(demand, key.path, now: now) else {
                Issue.record("not admitted")
                return
            }
            ledger.settle(
                reservation, Charge(tokens: 5, nanodollars: 70, basis: .reported), now: now)
        }
        let bucket = ledger.bucket(of: .key("bob"))
        #expect(bucket.money.held == 0 && bucket.money.spent == 4 * 70)
        #expect(bucket.tokens.held == 0 && bucket.tokens.current == 20)
    }

    @Test("whatever the clock does, nothing stays held, and each period has what began in it")
    func clockBackAndForth() throws {
        let edge = try LimitTests.time("2027-01-01")
        let ahead = try LimitTests.time("2100-01-01")
        let day = 86_400_000
        // When calls begin and end: a straddler and calls after the clock was set back; a clock
        // that is far ahead for one call, and months after it.
        let runs: [[(Int, Int)]] = [
            [(edge - 2000, edge + 1000), (edge - 1000, edge - 999), (edge - 500, edge + 9 * day)],
            [(edge + 1000, edge + 1000), (edge - 3000, edge - 3000), (edge - 2000, edge + 1)],
            [(edge + 9 * day, edge + 9 * day), (ahead, ahead), (edge + 9 * day, edge + 10 * day)],
            [(edge + 9 * day, ahead), (edge + 10 * day, edge + 10 * day)],
            [(ahead, ahead), (edge + 40 * day, edge + 40 * day), (edge + 70 * day, ahead)],
        ]
        for (number, run) in runs.enumerated() {
            let hourly = "budget = \"$1/hour\"\ntokens = \"900/1m\""
            for limits in ["budget = \"$1/month\"", hourly] {
                let (table, ledger) = try Self.table(
                    Self.lines("bob", "b", "group = \"team\"\n\(limits)")
                        + "[groups.team]\nbudget = \"$1/week\"\n")
                let key = try Self.key("b", in: table)
                var demand = Demand()
                (demand.isWork, demand.tokens, demand.nanodollars) = (true, 5, 300_000_000)
                for (began, ended) in run {
                    guard case .admitted(let held) = ledger.admit(demand, key.path, now: began)
                    else {
                        Issue.record("run \(number), \(limits): not admitted at \(began)")
                        continue
                    }
                    let charge = Charge(tokens: 5, nanodollars: 1, basis: .reported)
                    ledger.settle(held, charge, now: ended)
                }
                for scope in [Step.Scope.key("bob"), .group("team")] {
                    var bucket = ledger.bucket(of: scope)
                    let step = try #require(key.path.first { $0.scope == scope })
                    for (began, _) in run {
                        bucket.advance(to: began, step)
                        #expect(bucket.money.held == 0 && bucket.money.spent > 0, "\(number)")
                    }
                    #expect(bucket.inFlight == 0 && bucket.tokens.held == 0)
                }
            }
        }
    }

    @Test("a debt older than the minutes is rebuilt from the hours")
    func oldDebt() throws {
        let (table, ledger) = try Self.table(Self.lines("bob", "b", "tokens = \"1000/1m\""))
        let hour = 3_600_000
        let charge = PastCharge(
            key: "bob", group: "", began: 100 * hour, length: hour, calls: 1, tokens: 1_000_000,
            nanodollars: 0)
        table.restore([charge, charge.asMinute], ledger, isNew: false)
        let key = try Self.key("b", in: table)
        var demand = Demand()
        (demand.isWork, demand.tokens) = (true, 1)
        // A thousand minutes pay it back.
        guard case .refused(let refusal) = ledger.admit(demand, key.path, now: 104 * hour) else {
            Issue.record("admitted")
            return
        }
        #expect(refusal.wait ?? 0 > 12 * hour && refusal.wait ?? 0 <= 13 * hour)
    }

    @Test("10,000 keys in 1,000 groups are each found as themselves, by a digest as long as any")
    func manyKeys() throws {
        var toml = ""
        for group in 0..<1000 { toml += "[groups.g\(group)]\nrequests = \"9/1m\"\n" }
        func digest(_ key: Int) -> String {
            let digits = String(key, radix: 16)
            return String(repeating: "0", count: 64 - digits.count) + digits
        }
        for key in 0..<10_000 {
            toml += "[keys.k\(key)]\ndigest = \"sha256:\(digest(key))\"\n"
            toml += "group = \"g\(key % 1000)\"\n"
        }
        let (table, _) = try Self.table(toml)
        for key in [0, 1, 999, 1000, 5432, 9999] {
            let hexadecimal = try #require(KeyDigest(hexadecimal: digest(key)))
            guard case .valid(let found) = table.find(hexadecimal, now: 0) else {
                Issue.record("key \(key) is not found")
                continue
            }
            #expect(found.name == "k\(key)" && found.group == "g\(key % 1000)")
            #expect(found.path.count == 1)
        }
        let unknown = try #require(KeyDigest(hexadecimal: digest(10_000)))
        guard case .unknown = table.find(unknown, now: 0) else {
            Issue.record("a digest of no key is found")
            return
        }
    }

    static func admit(
        _ ledger: Ledger, _ key: AccessKey, _ demand: Demand = Demand(), now: Int = 90_000
    ) -> LimitRefusal? {
        if case .refused(let refusal) = ledger.admit(demand, key.path, now: now) { return refusal }
        return nil
    }

    @Test("refuses by the first limit of the path that is reached, and names it")
    func tree() throws {
        let (table, ledger) = try Self.table(Self.tree)
        let (bob, eve) = (try Self.key("b", in: table), try Self.key("e", in: table))
        for _ in 0..<5 { #expect(Self.admit(ledger, bob) == nil) }
        #expect(Self.admit(ledger, bob)?.scope == .key("bob"))
        for _ in 0..<5 { #expect(Self.admit(ledger, eve) == nil) }
        #expect(Self.admit(ledger, eve)?.scope == .group("team"))
        // Refused requests count nowhere: the root has seen ten.
        let root = Step(.group("root"), slot: ledger.slot(of: .group("root")), LimitSettings())
        #expect(root.slot != ledger.slot(of: .group("team")))
        #expect(ledger.used(.group("root")) == 10)
        #expect(ledger.used(.key("bob")) == 5)
    }

    @Test("changes nothing where the root refuses")
    func allOrNothing() throws {
        let (table, ledger) = try Self.table(
            """
            [groups.root]
            requests = "1/1m"
            [groups.team]
            parent = "root"
            requests = "10/1m"
            concurrent = 5
            \(Self.lines("bob", "b", "group = \"team\"\nrequests = \"5/1m\""))
            """)
        let bob = try Self.key("b", in: table)
        #expect(Self.admit(ledger, bob) == nil)
        func buckets() -> [Bucket] {
            [.key("bob"), .group("team"), .group("root")].map(ledger.bucket)
        }
        let before = buckets()
        for _ in 0..<3 { #expect(Self.admit(ledger, bob)?.scope == .group("root")) }
        #expect(buckets() == before)
    }

    @Test("lets what costs nothing pass a full budget on that budget's own chain alone")
    func fullBudget() throws {
        let chain = "on_budget = { chain = \"own\" }"
        for (rest, passes) in [(chain, true), ("", false)] {
            let (table, ledger) = try Self.table(
                """
                [[chains]]
                name = "own"
                targets = [{ vendor = "openai" }]
                \(Self.lines("bob", "b", "budget = \"$1/day\"\nunpriced = \"allow\"\n\(rest)"))
                """)
            let bob = try Self.key("b", in: table)
            var demand = Demand()
            demand.isWork = true
            demand.nanodollars = 1_000_000_000
            #expect(Self.admit(ledger, bob, demand) == nil)
            demand.nanodollars = 0
            #expect(Self.admit(ledger, bob, demand)?.chain == (passes ? "own" : nil))
            demand.isDiverted = true
            #expect((Self.admit(ledger, bob, demand) == nil) == passes)
            demand.nanodollars = 1
            let refusal = try #require(Self.admit(ledger, bob, demand))
            #expect(refusal.chain == nil, "it is diverted once")
        }
    }

    @Test("gives each key the limits of a group that says so")
    func each() throws {
        let (table, ledger) = try Self.table(
            """
            [groups.seats]
            requests = "2/1m"
            each = true
            \(Self.lines("bob", "b", "group = \"seats\""))
            \(Self.lines("eve", "e", "group = \"seats\""))
            """)
        for digit in ["b", "e"] as [Character] {
            let key = try Self.key(digit, in: table)
            #expect(Self.admit(ledger, key) == nil && Self.admit(ledger, key) == nil)
            #expect(Self.admit(ledger, key)?.scope == .each(group: "seats", key: key.name))
        }
    }

    @Test("charges both digests of a key to one bucket, and outlives a reload")
    func rotation() throws {
        let digests = ["a", "c"].map { "\"sha256:\(String(repeating: $0, count: 64))\"" }
        let toml = """
            [keys.bob]
            digest = [\(digests.joined(separator: ", "))]
            requests = "20/1m"
            """
        let (table, ledger) = try Self.table(toml)
        for digit in ["a", "c"] as [Character] {
            for _ in 0..<10 {
                #expect(Self.admit(ledger, try Self.key(digit, in: table)) == nil)
            }
        }
        let (again, _) = try Self.table(toml, ledger)
        #expect(Self.admit(ledger, try Self.key("a", in: again)) != nil)
    }

    @Test("frees a slot by what was acquired, whatever the configuration says meanwhile")
    func concurrency() throws {
        func toml(_ limit: String) -> String { Self.lines("bob", "b", limit) }
        let (table, ledger) = try Self.table(toml("concurrent = 2"))
        let bob = try Self.key("b", in: table)
        var held: [Reservation] = []
        for _ in 0..<2 {
            guard case .admitted(let one) = ledger.admit(Demand(), bob.path, now: 0) else {
                throw Missing()
            }
            held.append(one)
        }
        let refusal = try #require(Self.admit(ledger, bob, now: 0))
        #expect(refusal.axis == .concurrent && refusal.wait == nil)
        _ = try Self.table(toml("requests = \"1/1s\""), ledger)
        for one in held { ledger.settle(one, .free, now: 1) }
        #expect(ledger.inFlight(.key("bob")) == 0)
        for _ in 0..<1000 {
            guard case .admitted(let one) = ledger.admit(Demand(), bob.path, now: 0) else {
                throw Missing()
            }
            ledger.settle(one, .free, now: 1)
        }
        #expect(ledger.inFlight(.key("bob")) == 0)
    }

    @Test("a wait is that of the limit that lasts longest")
    func waiting() throws {
        let (table, ledger) = try Self.table(
            """
            [groups.root]
            requests = "1/1h"
            \(Self.lines("bob", "b", "group = \"root\"\nrequests = \"1/1m\""))
            """)
        let bob = try Self.key("b", in: table)
        #expect(Self.admit(ledger, bob) == nil)
        let refusal = try #require(Self.admit(ledger, bob))
        #expect(refusal.scope == .group("root") && refusal.length == 3_600_000)
        let wait = try #require(refusal.wait)
        #expect(Self.admit(ledger, bob, now: 90_000 + wait - 1) != nil)
        #expect(Self.admit(ledger, bob, now: 90_000 + wait) == nil)
    }

    @Test("shows all of its scopes in order, groups first, however many there are")
    func views() throws {
        var toml = ""
        func digest(_ key: Int) -> String { String(repeating: "0", count: 61) + "\(key + 100)" }
        for key in 0..<300 {
            toml += "[groups.g\(key)]\nrequests = \"9/1m\"\n[keys.k\(key)]\nconcurrent = 9\n"
            toml += "group = \"g\(key)\"\ndigest = \"sha256:\(digest(key))\"\n"
        }
        let (table, ledger) = try Self.table(toml)
        let last = try #require(KeyDigest(hexadecimal: digest(299)))
        guard case .valid(let last) = table.find(last, now: 0) else {
            throw Missing()
        }
        #expect(Self.admit(ledger, last) == nil)
        let views = ledger.view(now: 90_000)
        #expect(
            views.map(\.scope) == (0..<300).map { .group("g\($0)") }
                + (0..<300).map { .key("k\($0)") })
        #expect(views.filter { $0.admitted == 1 }.map(\.scope) == [.group("g299"), .key("k299")])
        #expect(views[299].uses.map(\.used) == [1] && views[599].inFlight == 1)
    }

    @Test("64 threads that reserve and settle never overspend, and end with nothing held")
    func threads() async throws {
        let (table, ledger) = try Self.table(Self.lines("bob", "b", "budget = \"$1/day\""))
        let path = try Self.key("b", in: table).path
        let spent = Sum()
        let most = 100_000_000
        await withTaskGroup(of: Void.self) { group in
            for seed in 0..<64 as Range<UInt64> {
                group.addTask {
                    var random = RandomSource(seed: seed)
                    for _ in 0..<200 {
                        var demand = Demand()
                        demand.isWork = true
                        demand.nanodollars = most
                        guard case .admitted(let one) = ledger.admit(demand, path, now: 5) else {
                            continue
                        }
                        let cost = Int.random(in: 0...most, using: &random)
                        spent.value.add(cost, ordering: .relaxed)
                        ledger.settle(
                            one, Charge(tokens: 0, nanodollars: cost, basis: .reported), now: 6)
                    }
                }
            }
        }
        let sum = spent.value.load(ordering: .relaxed)
        #expect(sum <= 1_000_000_000 && sum > 900_000_000 - most)
        let bucket = ledger.bucket(of: .key("bob"))
        #expect(bucket.money.spent == sum && bucket.money.held == 0 && bucket.inFlight == 0)
    }
}

extension Ledger {
    func used(_ scope: Step.Scope) -> Int { bucket(of: scope).requests.current }

    func inFlight(_ scope: Step.Scope) -> Int { bucket(of: scope).inFlight }
}
