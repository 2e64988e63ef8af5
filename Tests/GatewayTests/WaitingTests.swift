import Access
import ExchangeCore
import LogStore
import Primitives
import Support
import Testbed
import Testing

/// A budget's own chain, and requests that wait for a limit, from the client's side.
@Suite("Limits that do not refuse")
struct WaitingTests {
    private static func gateway(_ port: Int, _ rest: String) throws -> TestGateway {
        try TestGateway(
            """
            [vendors.v]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(port)/v1"
            credential = "none"
            include_usage = "inject"
            [[chains]]
            name = "main"
            models = ["gpt-*"]
            targets = [{ vendor = "v" }]
            [[chains]]
            name = "cheap"
            paths = ["/never"]
            targets = [{ vendor = "v", model = "small" }]
            [[chains]]
            name = "free"
            paths = ["/never"]
            targets = [{ vendor = "v", model = "own" }]
            [prices.models."gpt-*"]
            input = 100
            output = 1000
            max_output = 64
            [prices.models.small]
            input = 1
            output = 10
            max_output = 64
            [prices.models.own]
            input = 0
            output = 0
            max_output = 64
            \(rest)
            """)
    }

    private static func call(
        _ client: RawConnection, _ key: String, _ fields: [String: String] = [:],
        extra: String = ""
    ) throws -> RawResponse {
        try client.exchange(Request.chat(fields, extra: "x-weir-key: \(key)\r\n\(extra)"))
    }

    private static func view(_ gateway: TestGateway, _ name: String) -> Ledger.View? {
        gateway.ledger.view().first { $0.scope.label == name }
    }

    @Test("a budget that does not cover a request sends it to its own chain, priced as there")
    func diverted() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...2).map(ClientKeyTests.key)
        let gateway = try Self.gateway(
            vendor.port,
            """
            [groups.team]
            budget = "$0.078/month"
            on_budget = { chain = "cheap" }
            \(ClientKeyTests.lines("ci", keys[0], "group = \"team\""))
            \(ClientKeyTests.lines("main", keys[1], "group = \"team\"\nchains = [\"main\"]"))
            """)
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<3 {
            #expect(try Self.call(client, keys[0]).status == 200)
            try gateway.await("the charge") { Self.view(gateway, "team")?.inFlight == 0 }
        }
        // A key that may not use that chain is refused, as without it.
        let refused = try Self.call(client, keys[1])
        #expect(refused.status == 429 && refused.text.contains("insufficient_quota"))
        #expect(try vendor.statistics().requestCount == 3)
        gateway.stop()
        let records = try gateway.record.records()
        #expect(records.map(\.chain) == ["main", "cheap", "cheap", "main"])
        let dear = 14 * 100_000 + 8 * 1_000_000
        let cheap = 14 * 1000 + 8 * 10_000
        #expect(records.map(\.chargedNanodollars) == [dear, cheap, cheap, 0])
        #expect(Self.view(gateway, "team")?.spent == dear + 2 * cheap)
    }

    @Test("a full budget's own chain serves what costs nothing, and nothing else")
    func free() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...2).map(ClientKeyTests.key)
        let gateway = try Self.gateway(
            vendor.port,
            """
            [groups.team]
            budget = "$0.000001/month"
            on_budget = { chain = "free" }
            [groups.poor]
            budget = "$0.000001/month"
            on_budget = { chain = "cheap" }
            \(ClientKeyTests.lines("ci", keys[0], "group = \"team\""))
            \(ClientKeyTests.lines("eve", keys[1], "group = \"poor\""))
            """)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<3 { #expect(try Self.call(client, keys[0]).status == 200) }
        let refused = try Self.call(client, keys[1])
        #expect(refused.status == 429 && refused.text.contains("group poor"))
        try gateway.await("the end") { Self.view(gateway, "team")?.inFlight == 0 }
        #expect(Self.view(gateway, "team")?.spent == 0)
    }

    @Test("a request waits until another one has ended, and is served then")
    func served() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try Self.gateway(
            vendor.port,
            ClientKeyTests.lines(
                "ci", key, "concurrent = 1\nqueue = { max = 2, wait = \"10m\" }"))
        let first = try RawConnection(port: gateway.port)
        try first.send(Request.chat(["hang": "1"], extra: "x-weir-key: \(key)\r\n"))
        try gateway.await("one in flight") { Self.view(gateway, "ci")?.inFlight == 1 }
        let second = try RawConnection(port: gateway.port)
        try second.send(Request.chat(extra: "x-weir-key: \(key)\r\n"))
        let third = try RawConnection(port: gateway.port)
        try third.send(Request.chat(extra: "x-weir-key: \(key)\r\n"))
        try gateway.await("two that wait") { Self.view(gateway, "ci")?.waiting == 2 }
        let fourth = try RawConnection(port: gateway.port)
        #expect(try Self.call(fourth, key).status == 429, "there is no room to wait")
        #expect(try vendor.statistics().requestCount == 1)
        // One of those that wait goes: the line is shorter at once.
        third.close()
        try gateway.await("one that waits") { Self.view(gateway, "ci")?.waiting == 1 }
        first.close()
        let response = try second.response()
        #expect(response.status == 200 && response.isWhole)
        try gateway.await("the end") { Self.view(gateway, "ci")?.inFlight == 0 }
        #expect(Self.view(gateway, "ci")?.waiting == 0)
        gateway.stop()
        let outcomes = try gateway.record.records().map(\.outcome).sorted()
        #expect(outcomes == ["client_cancelled", "client_cancelled", "complete", "refused"])
    }

    @Test("a key that fills the line gives way: its newest request is refused, the other's served")
    func displaced() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...2).map(ClientKeyTests.key)
        let gateway = try Self.gateway(
            vendor.port,
            """
            [groups.team]
            concurrent = 1
            queue = { max = 2, wait = "10m" }
            \(ClientKeyTests.lines("one", keys[0], "group = \"team\""))
            \(ClientKeyTests.lines("two", keys[1], "group = \"team\""))
            """)
        let running = try RawConnection(port: gateway.port)
        try running.send(Request.chat(["hang": "1"], extra: "x-weir-key: \(keys[0])\r\n"))
        try gateway.await("one in flight") { Self.view(gateway, "team")?.inFlight == 1 }
        let waiting = try (1...2).map { count in
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat(extra: "x-weir-key: \(keys[0])\r\n"))
            try gateway.await("it waits") { Self.view(gateway, "team")?.waiting == count }
            return client
        }
        let other = try RawConnection(port: gateway.port)
        try other.send(Request.chat(extra: "x-weir-key: \(keys[1])\r\n"))
        let refused = try waiting[1].response()
        #expect(refused.status == 429 && refused.text.contains("group team"))
        #expect(Self.view(gateway, "team")?.waiting == 2)
        running.close()
        #expect(try waiting[0].response().status == 200)
        #expect(try other.response().status == 200)
        // The connection of the one that gave way goes on.
        #expect(try Self.call(waiting[1], keys[0]).status == 200)
        try gateway.await("the end") { Self.view(gateway, "team")?.inFlight == 0 }
        gateway.stop()
        let outcomes = try gateway.record.records().map(\.outcome).sorted()
        #expect(
            outcomes == ["client_cancelled", "complete", "complete", "complete", "refused"])
    }

    @Test("a request whose key was revoked while it waited is served no more")
    func revoked() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...2).map(ClientKeyTests.key)
        func toml(_ lines: String) -> String {
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            credential = "env:gateway-secret"
            [groups.team]
            concurrent = 1
            queue = { max = 2, wait = "10m" }
            \(lines)
            """
        }
        let one = ClientKeyTests.lines("one", keys[0], "group = \"team\"")
        let two = ClientKeyTests.lines("two", keys[1], "group = \"team\"")
        let gateway = try TestGateway(toml(one + two))
        defer { gateway.stop() }
        let first = try RawConnection(port: gateway.port)
        try first.send(Request.chat(["hang": "1"], extra: "x-weir-key: \(keys[0])\r\n"))
        try gateway.await("one in flight") { Self.view(gateway, "team")?.inFlight == 1 }
        let second = try RawConnection(port: gateway.port)
        try second.send(Request.chat(extra: "x-weir-key: \(keys[1])\r\n"))
        try gateway.await("one that waits") { Self.view(gateway, "team")?.waiting == 1 }
        try gateway.adopt(toml(one))
        first.close()
        #expect(try second.response().status == 401)
        try gateway.await("the end") { Self.view(gateway, "team")?.inFlight == 0 }
        #expect(try vendor.statistics().requestCount == 1)
    }

    @Test("a request that has waited as long as it may is refused with the limit's name")
    func outOfTime() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try Self.gateway(
            vendor.port,
            ClientKeyTests.lines(
                "ci", key, "concurrent = 1\nqueue = { max = 9, wait = \"10ms\" }"))
        defer { gateway.stop() }
        let first = try RawConnection(port: gateway.port)
        try first.send(Request.chat(["hang": "1"], extra: "x-weir-key: \(key)\r\n"))
        try gateway.await("one in flight") { Self.view(gateway, "ci")?.inFlight == 1 }
        let second = try RawConnection(port: gateway.port)
        let refused = try Self.call(second, key)
        #expect(refused.status == 429 && refused.text.contains("key ci"))
        #expect(refused["retry-after"] == "1")
        first.close()
        try gateway.await("the end") { Self.view(gateway, "ci")?.inFlight == 0 }
        #expect(try Self.call(second, key).status == 200, "its connection goes on")
    }

    @Test("a request waits for the window of a rate, and is charged to that")
    func rates() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try Self.gateway(
            vendor.port,
            ClientKeyTests.lines(
                "ci", key, "requests = \"1/1s\"\nqueue = { max = 9, wait = \"10m\" }"))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<2 { #expect(try Self.call(client, key).status == 200) }
        #expect(Self.view(gateway, "ci")?.refused == 0)
        #expect(Self.view(gateway, "ci")?.admitted == 2)
    }

    @Test("a client that does not read gives its slot back when it is given up")
    func slowClient() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try Self.gateway(
            vendor.port,
            "[server]\nslow_client_timeout = \"100ms\"\n"
                + ClientKeyTests.lines("ci", key, "concurrent = 1"))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            Request.chat(["chunks": "200000"], stream: true, extra: "x-weir-key: \(key)\r\n"))
        try gateway.await("one in flight") { Self.view(gateway, "ci")?.admitted == 1 }
        try gateway.await("its slot") { Self.view(gateway, "ci")?.inFlight == 0 }
        #expect(gateway.outcomes(.slowClient) == 1)
        #expect(try Self.call(RawConnection(port: gateway.port), key).status == 200)
    }

    @Test("a call that its vendor refuses counts as a request, and as no token")
    func refusedByVendor() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try Self.gateway(
            vendor.port,
            ClientKeyTests.lines("ci", key, "requests = \"100/1h\"\ntokens = \"1M/1h\""))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<100 { #expect(try Self.call(client, key, ["status": "400"]).status == 400) }
        #expect(try Self.call(client, key).status == 429)
        try gateway.await("the end") { Self.view(gateway, "ci")?.inFlight == 0 }
        #expect(Self.view(gateway, "ci")?.tokens == 0)
    }

    @Test("while charges of an earlier process are unknown, budgets are not spent; the rest is")
    func rebuilding() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...2).map(ClientKeyTests.key)
        let gateway = try Self.gateway(
            vendor.port,
            ClientKeyTests.lines("paid", keys[0], "budget = \"$10/day\"")
                + ClientKeyTests.lines("rated", keys[1], "requests = \"100/1h\""))
        defer { gateway.stop() }
        gateway.ledger.beginRebuilding()
        let client = try RawConnection(port: gateway.port)
        let early = try Self.call(client, keys[0])
        #expect(early.status == 503 && early.text.contains("ledger_incomplete"))
        #expect(early["retry-after"] == "1" && early["x-should-retry"] == "true")
        #expect(try Self.call(client, keys[1]).status == 200)
        gateway.ledger.endRebuilding()
        #expect(try Self.call(client, keys[0]).status == 200)
    }
}
