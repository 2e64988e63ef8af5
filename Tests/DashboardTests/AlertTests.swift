import JSON
import Primitives
import Testing

@testable import Dashboard

@Suite("Alerts")
struct AlertTests {
    private static func at(_ seconds: Int64) -> Instant {
        Instant(nanoseconds: 1_000_000_000_000) + .seconds(seconds)
    }

    private static func budget(_ spent: Int) -> AlertObservation {
        var seen = AlertObservation()
        seen.budgets = [AlertObservation.Budget(name: "group g", spent: spent, budget: 1000)]
        return seen
    }

    private static func cooling(_ vendors: String...) -> AlertObservation {
        var seen = AlertObservation()
        seen.cooling = vendors.map { ($0, "timeout") }
        return seen
    }

    @Test("go out once when something begins, and once when it is over for long enough")
    func once() {
        var rules = AlertRules(budgetPercent: 80, spendFactor: 3)
        #expect(rules.look(AlertObservation(), now: Self.at(0)) == [])
        let begun = rules.look(Self.cooling("a"), now: Self.at(10))
        #expect(begun.map(\.subject) == ["a"] && !begun[0].isOver)
        #expect(begun[0].text.contains("timeout"))
        #expect(rules.look(Self.cooling("a"), now: Self.at(15)) == [])
        // A cooldown follows another within moments: it is the same trouble.
        #expect(rules.look(AlertObservation(), now: Self.at(45)) == [])
        #expect(rules.look(Self.cooling("a", "b"), now: Self.at(100)).map(\.subject) == ["b"])
        #expect(rules.look(AlertObservation(), now: Self.at(220)) == [])
        let over = rules.look(AlertObservation(), now: Self.at(221))
        #expect(over.map(\.subject) == ["a", "b"] && over.allSatisfy(\.isOver))
        #expect(rules.look(Self.cooling("a"), now: Self.at(230)).map(\.isOver) == [false])
    }

    @Test("that another process has posted are not posted again, and are when they are over")
    func handedOver() {
        var first = AlertRules(budgetPercent: 80, spendFactor: 3)
        #expect(first.look(Self.cooling("a\nb", "c"), now: Self.at(0)).count == 2)
        let standing = StandingAlerts()
        standing.set(first.standing)
        let taken = StandingAlerts()
        taken.set(lines: standing.lines + ["", "no alert"])
        #expect(Set(taken.all.map(\.subject)) == ["a\\u000Ab", "c"])
        var next = AlertRules(budgetPercent: 80, spendFactor: 3)
        next.resume(taken.all, now: Self.at(10))
        #expect(next.look(Self.cooling("c"), now: Self.at(20)) == [])
        let over = next.look(Self.cooling("c"), now: Self.at(131))
        #expect(over.map(\.isOver) == [true] && over[0].text.contains("timeout"))
        // What does not fit a message begins anew.
        let long = String(repeating: "x", count: 1000)
        standing.set(
            (0..<50).map { Alert(kind: "sink", subject: "\($0)", isOver: false, text: long) })
        #expect(standing.lines.count == 32)
    }

    @Test("of a budget go out at its share, and at its end")
    func budgets() {
        var rules = AlertRules(budgetPercent: 80, spendFactor: 3)
        #expect(rules.look(Self.budget(799), now: Self.at(0)) == [])
        #expect(rules.look(Self.budget(800), now: Self.at(1)).map(\.subject) == ["group g, 80 %"])
        #expect(rules.look(Self.budget(999), now: Self.at(2)) == [])
        #expect(
            rules.look(Self.budget(1000), now: Self.at(3)).map(\.subject) == ["group g, 100 %"])
        // A new period.
        #expect(rules.look(Self.budget(0), now: Self.at(400)).count == 2)
        #expect(rules.look(Self.budget(900), now: Self.at(500)).count == 1)
    }

    @Test("of spend go out for a jump that is worth it")
    func spend() {
        let cases: [(hour: Int, usual: Int, factor: Int, isJump: Bool)] = [
            (3_000_000_000, 1_000_000_000, 3, true), (2_999_999_999, 1_000_000_000, 3, false),
            (900_000_000, 1, 3, false), (9_000_000_000, 0, 3, false),
            (9_000_000_000, 1, 0, false), (.max, .max, 3, false),
        ]
        for (hour, usual, factor, isJump) in cases {
            var rules = AlertRules(budgetPercent: 80, spendFactor: factor)
            var seen = AlertObservation()
            seen.spend = (hour, usual)
            #expect(rules.look(seen, now: Self.at(0)).count == (isJump ? 1 : 0), "\(hour)")
        }
    }

    @Test("of the vendors' caches go out for a fall that is worth it")
    func caches() {
        typealias Prompts = AlertObservation.Prompts
        let usual = Prompts(tokens: 1_000_000, cached: 800_000)
        let cases: [(hour: Prompts, usual: Prompts, drop: Int, isFall: Bool)] = [
            (Prompts(tokens: 200_000, cached: 120_000), usual, 20, true),
            (Prompts(tokens: 200_000, cached: 122_000), usual, 20, false),
            (Prompts(tokens: 99_999, cached: 0), usual, 20, false),
            (Prompts(tokens: 200_000, cached: 0), Prompts(tokens: 9, cached: 9), 20, false),
            (Prompts(tokens: 200_000, cached: 0), usual, 0, false),
            (Prompts(tokens: 200_000, cached: 190_000), usual, 20, false),
            (Prompts(tokens: .max, cached: .max), usual, 20, false),
        ]
        for (hour, usual, drop, isFall) in cases {
            var rules = AlertRules(budgetPercent: 80, spendFactor: 3, cacheDrop: drop)
            var seen = AlertObservation()
            seen.prompts = (hour, usual)
            #expect(rules.look(seen, now: Self.at(0)).map(\.kind) == (isFall ? ["cache"] : []))
        }
    }

    @Test("of the record and of sinks say why, as JSON that a chat program shows")
    func troubles() throws {
        var rules = AlertRules(budgetPercent: 80, spendFactor: 3)
        var seen = AlertObservation()
        seen.recordTrouble = "SQLITE_FULL: \"disk\""
        seen.sinkTroubles = [("fleet", "status 500")]
        let alerts = rules.look(seen, now: Self.at(0))
        #expect(alerts.map(\.kind) == ["record", "sink"])
        let value = try JSONValue(parsing: AlertWatch.json(alerts[0]))
        #expect(value["text"]?.text == "Weir: calls are not recorded: SQLITE_FULL: \"disk\"")
        #expect(value["state"]?.text == "begun")
    }
}
