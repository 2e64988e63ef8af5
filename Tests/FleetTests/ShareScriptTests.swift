import Glibc
import Primitives
import Support
import Testing

@testable import Access
@testable import Fleet

@Suite(
    "Shares in a real store",
    .disabled(if: QuickRun.isOn, "the quick ring installs no Redis server"))
struct ShareScriptTests {
    private static func question(
        _ axis: ShareQuestion.Axis = .budget, limit: Int = 100, taken: Int = 0, claim: Int = 0,
        need: Int = 0, ahead: Int = 0, memory: ShareQuestion.Memory = ShareQuestion.Memory(),
        isFirst: Bool = false
    ) -> ShareQuestion {
        ScriptStore.question(
            axis, limit: limit, taken: taken, claim: claim, need: need, ahead: ahead,
            memory: memory, isFirst: isFirst)
    }

    @Test("the first has half of a limit, others half of what is left, and a need goes first")
    func giving() throws {
        let store = try ScriptStore()
        #expect(try store.ask("a", Self.question()).share == 50)
        let second = try store.ask("b", Self.question())
        #expect(second.share == 25 && second.replicas == 2 && second.elsewhere == 0)
        #expect(try store.ask("c", Self.question(need: 20)).share == 20)
        // Five are left, and six are needed: a gives back what it does not use.
        let lacking = try store.ask("d", Self.question(need: 6))
        #expect(lacking.share == 0)
        let asked = try store.ask("a", Self.question(claim: 50))
        #expect(asked.shortage == .room && asked.share == 50)
        #expect(try store.ask("a", Self.question(claim: 25)).share == 25)
        #expect(try store.ask("d", Self.question(need: 6)).share >= 6)
    }

    @Test("what is used is counted, and the shares of all together are never more than the limit")
    func sums() throws {
        let store = try ScriptStore()
        var shares: [String: Int] = [:]
        for round in 0..<12 {
            for name in ["a", "b", "c"] {
                let share = shares[name] ?? 0
                let answer = try store.ask(
                    name, Self.question(taken: min(share, round), claim: share, need: round % 5))
                shares[name] = answer.share
                #expect(shares.values.reduce(0, +) <= 100)
            }
        }
        #expect(shares.values.reduce(0, +) > 90)
    }

    @Test("an answer that was lost costs nothing: the next question says what the replica knows")
    func lostAnswers() throws {
        let store = try ScriptStore()
        for _ in 0..<5 { _ = try store.ask("a", Self.question()) }
        #expect(try store.ask("a", Self.question(claim: 0)).share == 50)
        #expect(try store.ask("b", Self.question(need: 50)).share == 50)
    }

    @Test("a question that was overtaken changes nothing")
    func overtaken() throws {
        let store = try ScriptStore()
        _ = try store.reply("a", Self.question(), number: 10)
        let before = try store.redis.ask(["HGETALL", "weir:{group/team}:budget:0"])
        for number in [1, 10] {
            let reply = try store.reply("a", Self.question(taken: 3), number: number)
            #expect(throws: ShareScript.Refusal.stale) { try ShareScript.answer(reply) }
        }
        #expect(try store.redis.ask(["HGETALL", "weir:{group/team}:budget:0"]) == before)
    }

    @Test("the next process of a replica goes on with what the one before has spent")
    func restarts() throws {
        let store = try ScriptStore()
        _ = try store.ask("a", Self.question(taken: 20, claim: 60, isFirst: true), life: "one")
        #expect(try store.ask("b", Self.question()).elsewhere == 20)
        // It found 30 in its record: the call in flight cost more than it had said.
        _ = try store.ask("a", Self.question(taken: 30, isFirst: true), life: "two")
        #expect(try store.ask("b", Self.question()).elsewhere == 30)
        // Two processes that are one replica: the older one gets no answer.
        let reply = try store.reply("a", Self.question(taken: 20, claim: 60), life: "one")
        #expect(throws: ShareScript.Refusal.twin) { try ShareScript.answer(reply) }
    }

    @Test(
        "a silent replica's share comes back after its lease, and what it may have used does not",
        arguments: [
            // What it wanted to be able to use after its last word, and what others get.
            (ShareQuestion.Axis.budget, 0, 69), (.budget, 4, 66), (.budget, 90, 60),
            (.requests, 0, 69), (.requests, 4, 66), (.tokens, 4, 66),
            (.concurrent, 0, 100), (.concurrent, 4, 100),
        ])
    func silence(_ axis: ShareQuestion.Axis, _ ahead: Int, _ most: Int) throws {
        let store = try ScriptStore()
        store.lease = 100
        let question = Self.question(axis, taken: 30, claim: 30, ahead: ahead, isFirst: true)
        var share = try store.ask("b", Self.question(axis)).share
        let last = try store.ask("gone", question)
        // Half of the 20 that are left.
        #expect(share == 50 && last.share == 40)
        #expect(last.reach == (axis == .concurrent ? 40 : min(40, 30 + max(1, ahead))))
        // It may have all but what the silent one has used, and never more.
        let isHad = try Patience.await {
            share = try store.ask("b", Self.question(axis, claim: share, need: most)).share
            #expect(share <= most)
            return share == most
        }
        #expect(isHad)
    }

    @Test("time in which no replica could ask counts against none of them")
    func outage() throws {
        let store = try ScriptStore()
        store.lease = 400
        _ = try store.ask("a", Self.question(claim: 0))
        _ = try store.ask("b", Self.question(claim: 0, need: 40))
        store.redis.signal(SIGSTOP)
        poll(nil, 0, 1000)
        store.redis.signal(SIGCONT)
        // Both are long past their lease. The first to come back gets nothing of the other's.
        let answer = try store.ask("a", Self.question(claim: 50, need: 50))
        #expect(answer.share == 50 && answer.replicas == 2)
        #expect(try store.ask("b", Self.question(taken: 40, claim: 40)).share == 40)
    }

    @Test("a store that has lost everything gives out nothing before all have said what they have")
    func emptied() throws {
        let store = try ScriptStore()
        store.lease = 400
        let first = try store.ask("a", Self.question()).share
        let second = try store.ask("b", Self.question()).share
        try store.redis.ask(["FLUSHALL"])
        let back = try store.ask("a", Self.question(taken: 20, claim: first, need: 60))
        #expect(back.share == first)
        #expect(try store.ask("b", Self.question(taken: 10, claim: second)).share == second)
        // After a lease it is as before.
        var share = first
        let isHad = try Patience.await {
            _ = try store.ask("b", Self.question(taken: 10, claim: 10))
            share = try store.ask("a", Self.question(taken: 20, claim: share, need: 70)).share
            #expect(share <= 90)
            return share == 90
        }
        #expect(isHad)
    }

    @Test("what a gone replica had is remembered by the others, when the store has lost everything")
    func emptiedWithoutOne() throws {
        let store = try ScriptStore()
        store.lease = 200
        // One has used 60 of 100 and is gone; two others have 10 and 20.
        _ = try store.ask("gone", Self.question(taken: 60, claim: 60, isFirst: true))
        let a = try store.ask("a", Self.question(taken: 5, claim: 0, need: 5))
        let b = try store.ask("b", Self.question(taken: 5, claim: 0, need: 5))
        #expect(a.grantedElsewhere >= 60 && b.grantedElsewhere >= 65)
        let memories = [a, b].map {
            ShareQuestion.Memory(share: $0.share, elsewhere: $0.grantedElsewhere)
        }
        try store.redis.ask(["FLUSHALL"])
        var shares = [a.share, b.share]
        func turn() throws {
            for (index, name) in ["a", "b"].enumerated() {
                shares[index] = try store.ask(
                    name,
                    Self.question(
                        taken: 5, claim: shares[index], need: 10, memory: memories[index])
                ).share
                #expect(shares[0] + shares[1] <= 40)
            }
        }
        try turn()
        let end = Instant.now() + .seconds(2)
        while Instant.now() < end { try turn() }
        #expect(shares[0] + shares[1] > 25, "the rest is free again")
        // It comes back, and what it has really used counts in the stead of what was remembered.
        let back = try store.ask("gone", Self.question(taken: 60, isFirst: true), life: "two")
        #expect(back.elsewhere <= 40)
        #expect(try store.ask("a", Self.question(taken: 5, claim: shares[0])).elsewhere <= 100)
    }

    @Test(
        "what is in the store and is no share is taken away",
        arguments: [
            ["SET", "KEY", "9999"], ["HSET", "KEY", "x", "garbage"], ["HSET", "KEY", "!", "no"],
            ["RPUSH", "KEY", "1"], ["HSET", "KEY", "a", "1 2"], ["HSET", "KEY", "", ""],
        ])
    func planted(_ words: [String]) throws {
        let store = try ScriptStore()
        let key = ShareScript.key(of: Self.question())
        try store.redis.ask(words.map { $0 == "KEY" ? key : $0 })
        #expect(try store.redis.ask(["PTTL", key]) == "-1")
        #expect(try store.ask("a", Self.question()).share == 50)
        #expect(Int(try store.redis.ask(["PTTL", key])) ?? -1 > 0)
    }

    @Test("amounts of money are exact, and what no replica could count is none")
    func amounts() throws {
        let store = try ScriptStore()
        let limit = 5_000_000_000_000_001
        #expect(try store.ask("a", Self.question(limit: limit, need: limit)).share == limit)
        let answer = try store.ask("b", Self.question(limit: limit, taken: 1))
        #expect(answer.share == 1)
        #expect(try store.ask("a", Self.question(limit: limit, claim: limit)).elsewhere == 1)
    }

    @Test("names keep to themselves, whatever letters they have")
    func keys() {
        let scopes: [Step.Scope] = [
            .key("a"), .group("a"), .each(group: "a", key: "b"), .key("a/b"), .key("{x}"),
            .key("%7Bx%7D"), .each(group: "a/b", key: ""), .each(group: "a", key: "b/"),
        ]
        let keys = scopes.map { scope in
            ShareScript.key(
                of: ShareQuestion(
                    scope: scope, axis: .requests, period: 0, limit: 1, taken: 0, claim: 0,
                    need: 0, reach: ShareQuestion.Reach(current: 0, ahead: 0, parts: 1),
                    memory: ShareQuestion.Memory(), keep: 1, isFirst: false, slot: 0))
        }
        #expect(Set(keys).count == scopes.count)
        for key in keys {
            #expect(key.count { $0 == "{" } == 1 && key.count { $0 == "}" } == 1, "\(key)")
        }
    }
}
