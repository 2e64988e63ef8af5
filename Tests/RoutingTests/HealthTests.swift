import Config
import Dialects
import Primitives
import Testing

@testable import Routing

@Suite("Health")
struct HealthTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static func policy(after: Int = 3, cooldown: Interval = .seconds(30)) -> FailoverPolicy
    {
        var failover = Chain.Failover()
        failover.cooldownAfter = after
        failover.cooldown = cooldown
        return FailoverPolicy(failover)
    }

    private static func plan(_ count: Int) -> Plan {
        Plan(
            Chain(name: "c", targets: []), api: .openai,
            targets: (0..<count).map { Plan.Target(vendor: $0, model: nil, health: $0) },
            vendors: Array(repeating: Configuration().vendors[0], count: count), skipped: []
        )
    }

    @Test("cools a target down after failures in a row, and lets one probe through after")
    func cooldown() {
        let health = Health(targetCount: 1)
        let policy = Self.policy()
        for _ in 0..<2 {
            #expect(!health.failed(0, policy: policy, now: Self.start))
            #expect(health.isAvailable(0, now: Self.start))
        }
        #expect(health.failed(0, policy: policy, now: Self.start))
        #expect(!health.isAvailable(0, now: Self.start + .seconds(29)))
        #expect(health.isCoolingDown(0, now: Self.start + .seconds(29)))
        let after = Self.start + .seconds(31)
        #expect(health.isAvailable(0, now: after))
        // One alone, until it has come back or its time is over.
        #expect(!health.isAvailable(0, now: after))
        #expect(health.isAvailable(0, now: after + Health.probeTime))
        // What was under way before the cooldown says nothing about it.
        health.succeeded(0, attemptBegan: Instant(nanoseconds: Self.start.nanoseconds - 1))
        #expect(!health.isAvailable(0, now: after))
        health.succeeded(0, attemptBegan: after)
        #expect(health.isAvailable(0, now: after))
        #expect(health.isAvailable(0, now: after))
    }

    @Test("counts failures in a row alone")
    func inARow() {
        let health = Health(targetCount: 1)
        for _ in 0..<10 {
            health.failed(0, policy: Self.policy(), now: Self.start)
            health.failed(0, policy: Self.policy(), now: Self.start)
            health.succeeded(0, attemptBegan: Self.start)
        }
        #expect(health.isAvailable(0, now: Self.start))
    }

    @Test("cools down at once where a vendor says until when, and never where it is off")
    func until() {
        let health = Health(targetCount: 2)
        let policy = Self.policy(after: 1, cooldown: .zero)
        health.failed(0, policy: policy, now: Self.start, until: Self.start + .seconds(7))
        #expect(!health.isAvailable(0, now: Self.start + .seconds(6)))
        #expect(health.isAvailable(0, now: Self.start + .seconds(8)))
        #expect(!health.failed(1, policy: policy, now: Self.start))
        #expect(health.isAvailable(1, now: Self.start))
    }

    @Test("goes through a plan in order, passes over a cooldown, and tries when all cool down")
    func selection() {
        let health = Health(targetCount: 3)
        let plan = Self.plan(3)
        let policy = Self.policy(after: 1)
        var tried = TriedTargets()
        #expect(health.next(of: plan, excluding: tried, now: Self.start) == 0)
        health.failed(0, policy: policy, now: Self.start)
        #expect(health.next(of: plan, excluding: tried, now: Self.start) == 1)
        tried.insert(1)
        #expect(health.next(of: plan, excluding: tried, now: Self.start) == 2)
        health.failed(2, policy: policy, now: Self.start)
        #expect(health.next(of: plan, excluding: tried, now: Self.start) == 0)
        tried.insert(0)
        tried.insert(2)
        #expect(health.next(of: plan, excluding: tried, now: Self.start) == nil)
    }

    @Test("sends a client away for as long as every vendor asked for, and for no cooldown")
    func askedWait() {
        let health = Health(targetCount: 2)
        let plan = Self.plan(2)
        let policy = Self.policy(after: 1)
        // In cooldown, and asked all the same: no reason to wait.
        for target in 0...1 { health.failed(target, policy: policy, now: Self.start) }
        #expect(health.askedWait(plan, now: Self.start) == .zero)
        let until = Self.start + .seconds(20)
        health.failed(0, policy: policy, now: Self.start, until: until, isVendorsWord: true)
        #expect(health.askedWait(plan, now: Self.start) == .zero)
        health.failed(
            1, policy: policy, now: Self.start, until: until + .seconds(9), isVendorsWord: true)
        #expect(health.askedWait(plan, now: Self.start + .seconds(5)) == .seconds(15))
        health.succeeded(0, attemptBegan: Self.start + .seconds(6))
        #expect(health.askedWait(plan, now: Self.start + .seconds(7)) == .zero)
        // A refused credential is no word about time.
        health.failed(0, policy: policy, now: Self.start, until: until)
        #expect(health.askedWait(plan, now: Self.start) == .zero)
    }
}

@Suite("Back-off")
struct BackoffTests {
    @Test("grows, is jittered, has an end, and heeds the vendor within reason")
    func waits() {
        var random = RandomSource(seed: 1)
        for number in 1...20 {
            let bound = min(Backoff.longest.seconds, 0.5 * Double(1 << (number - 1)))
            let waits = (0..<200).compactMap {
                _ in Backoff.wait(before: number, asked: nil, using: &random)?.seconds
            }
            #expect(waits.count == 200)
            #expect(waits.allSatisfy { $0 >= 0 && $0 <= bound })
            #expect((waits.max() ?? 0) > bound / 2)
            #expect((waits.min() ?? bound) < bound / 2)
        }
        #expect(Backoff.wait(before: 1, asked: .seconds(2), using: &random) == .seconds(2))
        #expect(Backoff.wait(before: 1, asked: .seconds(60), using: &random) == nil)
    }
}

@Suite("Failover policy")
struct FailoverPolicyTests {
    @Test("has the defaults of the configuration")
    func defaults() {
        let policy = FailoverPolicy(Chain.Failover())
        for status in [408, 425, 429, 500, 502, 503, 504, 529, 599] {
            #expect(policy.movesOn(from: .status(status)), "\(status)")
        }
        for status in [400, 401, 403, 404, 409, 413, 422] {
            #expect(!policy.movesOn(from: .status(status)), "\(status)")
        }
        for failure in [FailureClass.connect, .timeout, .reset, .credential, .streamError] {
            #expect(policy.movesOn(from: failure))
        }
    }

    @Test("switches each class on its own")
    func switches() {
        var failover = Chain.Failover()
        failover.connect = false
        failover.statuses = ["404", "4xx"]
        let policy = FailoverPolicy(failover)
        #expect(!policy.movesOn(from: .connect))
        #expect(policy.movesOn(from: .timeout))
        #expect(policy.movesOn(from: .status(418)))
        #expect(!policy.movesOn(from: .status(500)))
    }

    @Test("has a name for every class, in metrics' order")
    func names() {
        let all: [FailureClass] = [
            .connect, .timeout, .reset, .status(500), .credential, .streamError,
        ]
        #expect(all.map { FailureClass.names[$0.index] } == all.map(\.name))
        #expect(FailureClass.names.count == all.count)
    }
}
