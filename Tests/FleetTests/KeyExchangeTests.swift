import Primitives
import Support
import Testing

@testable import Fleet

@Suite(
    "Keys that gateways share",
    .disabled(if: QuickRun.isOn, "the quick ring installs no Redis server"))
struct KeyExchangeTests {
    private static func digest(_ letter: Character) -> String {
        String(repeating: letter, count: 64)
    }

    private static func key(
        _ name: String = "ann", _ digests: String = "a", created: Int = 1000, revoked: Int? = nil
    ) -> SharedKey {
        SharedKey(
            name: name, digests: digests.map(digest), group: "a team", expires: 9_000_000,
            created: created, revoked: revoked)
    }

    /// What a gateway reads after it has said what it has to say.
    private static func exchange(
        _ keys: inout KeyExchange, _ store: ScriptStore, _ now: inout Instant
    ) throws -> [SharedKey] {
        now = now + .seconds(1)
        let commands = keys.commands(now: now)
        let replies = try store.connection.ask(commands, by: .now() + Patience.interval)
        #expect(replies.allSatisfy { $0.fault == nil }, "\(replies)")
        guard let question = keys.take(replies) else { return [] }
        let answer = try store.connection.ask([question], by: .now() + Patience.interval)
        return keys.read(try #require(answer.first)).sorted { $0.name < $1.name }
    }

    @Test("are what they were after the store has had them")
    func text() throws {
        for key in [Self.key(), Self.key("a b", "ab", revoked: 5)] {
            #expect(SharedKey(name: key.name, text: key.text) == key)
        }
        var plain = Self.key()
        (plain.group, plain.expires) = ("", nil)
        #expect(SharedKey(name: "ann", text: plain.text) == plain)
    }

    @Test(
        "of anything else the store may hold are none",
        arguments: [
            "", "1 0 0", "x 0 0 \(digest("a")) ", "0 0 0 \(digest("a")) ", "1 -1 0 \(digest("a")) ",
            "1 0 0 abc ", "1 0 0  ", "1 0 0 \(digest("A")) ", "1 0 0 \(digest("a")) \"x\"",
            "1 0 0 \(digest("a")),\(digest("b")),\(digest("c")) ",
        ])
    func malformed(_ text: String) {
        #expect(SharedKey(name: "ann", text: text) == nil)
        #expect(SharedKey(name: "a\"b", text: Self.key().text) == nil)
    }

    @Test(
        "replace what is known only forwards",
        arguments: [
            (nil, key(), true), (key(), key(), false), (key(), key(revoked: 5), true),
            (key(revoked: 5), key(), false), (key(), key("ann", "ba"), true),
            (key(revoked: 5), key("ann", "b", created: 2000), true),
            (key("ann", "b", created: 2000), key(revoked: 5), false),
        ] as [(SharedKey?, SharedKey, Bool)])
    func replacing(_ known: SharedKey?, _ next: SharedKey, _ replaces: Bool) {
        #expect(next.replaces(known) == replaces)
    }

    @Test("go from one gateway to the others: made, rotated and revoked")
    func changes() throws {
        let store = try ScriptStore()
        var (first, second) = (KeyExchange(), KeyExchange())
        var now = Instant(nanoseconds: 0)
        first.adopt([])
        second.adopt([])
        for next in [Self.key(), Self.key("ann", "ba"), Self.key("ann", "b", revoked: 7)] {
            first.adopt([next])
            _ = try Self.exchange(&first, store, &now)
            #expect(try Self.exchange(&second, store, &now) == [next])
            second.adopt([next])
            #expect(try Self.exchange(&second, store, &now).isEmpty)
            #expect(try Self.exchange(&first, store, &now).isEmpty)
        }
        // Revoked is revoked, whichever gateway says otherwise.
        second.adopt([Self.key()])
        _ = try Self.exchange(&second, store, &now)
        var third = KeyExchange()
        third.adopt([])
        #expect(try Self.exchange(&third, store, &now).first?.revoked == 7)
    }

    @Test("of a gateway that connects replace nothing but what the store lacks")
    func connecting() throws {
        let store = try ScriptStore()
        var (first, second) = (KeyExchange(), KeyExchange())
        var now = Instant(nanoseconds: 0)
        first.adopt([])
        _ = try Self.exchange(&first, store, &now)
        first.adopt([Self.key("ann", "ba"), Self.key("bob", "c")])
        _ = try Self.exchange(&first, store, &now)
        // It knew ann before the rotation, revoked bob while it was alone, and has eve for itself.
        second.adopt([Self.key("ann", "a"), Self.key("bob", "c", revoked: 3), Self.key("eve", "e")])
        let read = try Self.exchange(&second, store, &now)
        #expect(
            read == [Self.key("ann", "ba"), Self.key("bob", "c", revoked: 3), Self.key("eve", "e")])
        #expect(
            try Self.exchange(&first, store, &now)
                == [Self.key("bob", "c", revoked: 3), Self.key("eve", "e")])
    }

    @Test("come back into a store that has lost them")
    func emptied() throws {
        let store = try ScriptStore()
        var (first, second) = (KeyExchange(), KeyExchange())
        var now = Instant(nanoseconds: 0)
        first.adopt([Self.key()])
        _ = try Self.exchange(&first, store, &now)
        try store.redis.ask(["FLUSHALL"])
        for _ in 0..<2 { _ = try Self.exchange(&first, store, &now) }
        second.adopt([])
        #expect(try Self.exchange(&second, store, &now) == [Self.key()])
    }
}
