import Primitives
import Support
import Testing

@testable import Fleet

@Suite(
    "Cooldowns that gateways share",
    .disabled(if: QuickRun.isOn, "the quick ring installs no Redis server"))
struct CooldownExchangeTests {
    /// What a gateway reads after it has said what it has to say.
    private static func exchange(
        _ cooldowns: inout CooldownExchange, _ store: ScriptStore, _ now: inout Instant
    ) throws -> [SharedCooldown] {
        now = now + .seconds(1)
        let commands = cooldowns.commands(now: now)
        let replies = try store.connection.ask(commands, by: .now() + Patience.interval)
        #expect(replies.allSatisfy { $0.fault == nil }, "\(replies)")
        guard let question = cooldowns.take(replies) else { return [] }
        let answer = try store.connection.ask([question], by: .now() + Patience.interval)
        return cooldowns.read(try #require(answer.first))
    }

    @Test("go from the gateway where they begin to the others, once")
    func sharing() throws {
        let store = try ScriptStore()
        var (first, second) = (CooldownExchange(), CooldownExchange())
        var now = Instant(nanoseconds: 0)
        #expect(try Self.exchange(&second, store, &now).isEmpty)
        first.adopt([SharedCooldown(name: "x", rest: .seconds(600))])
        #expect(try Self.exchange(&first, store, &now).isEmpty)
        let read = try Self.exchange(&second, store, &now)
        #expect(read.map(\.name) == ["x"])
        #expect(read[0].rest <= .seconds(600) && read[0].rest > .seconds(300))
        #expect(try Self.exchange(&second, store, &now).isEmpty)
        #expect(try Self.exchange(&first, store, &now).isEmpty)
        // A shorter one is none beside it, a longer one is another.
        second.adopt([SharedCooldown(name: "x", rest: .seconds(1))])
        #expect(try Self.exchange(&second, store, &now).isEmpty)
        #expect(try Self.exchange(&first, store, &now).isEmpty)
        second.adopt([SharedCooldown(name: "x", rest: .seconds(6000))])
        _ = try Self.exchange(&second, store, &now)
        #expect(try Self.exchange(&first, store, &now).map(\.name) == ["x"])
    }

    @Test("are over by the server's clock, and what is no time is taken away")
    func ends() throws {
        let store = try ScriptStore()
        var cooldowns = CooldownExchange()
        var now = Instant(nanoseconds: 0)
        try store.redis.ask(["HSET", "weir:{cooldowns}", "old", "1000", "odd", "x"])
        cooldowns.adopt([SharedCooldown(name: "y", rest: .seconds(600))])
        _ = try Self.exchange(&cooldowns, store, &now)
        #expect(try store.redis.ask(["HKEYS", "weir:{cooldowns}"]) == "y")
        #expect(Int(try store.redis.ask(["PTTL", "weir:{cooldowns}"])) ?? -1 > 0)
    }

    @Test("that were on their way when a connection broke are said again")
    func broken() throws {
        let store = try ScriptStore()
        var (first, second) = (CooldownExchange(), CooldownExchange())
        var now = Instant(nanoseconds: 0)
        first.adopt([SharedCooldown(name: "x", rest: .seconds(600))])
        _ = first.commands(now: now + .seconds(1))
        first.connected()
        now = now + .seconds(2)
        _ = try Self.exchange(&first, store, &now)
        #expect(try Self.exchange(&second, store, &now).map(\.name) == ["x"])
    }
}
