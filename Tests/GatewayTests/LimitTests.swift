import Access
import LogStore
import Primitives
import Support
import Synchronization
import Testbed
import Testing

/// Limits and budgets, from the client's side and the ledger's.
@Suite("Limits of clients")
struct LimitTests {
    static let prices = """
        [prices.models."*"]
        input = 100
        output = 1000
        max_output = 64

        """

    static func chain(_ ports: [Int], _ rest: String) -> String {
        let vendors = ports.enumerated().map { index, port in
            """
            [vendors.v\(index)]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(port)/v1"
            credential = "none"
            include_usage = "inject"

            """
        }
        let targets = ports.indices.map { "{ vendor = \"v\($0)\" }" }.joined(separator: ", ")
        return vendors.joined() + "[[chains]]\nname = \"c\"\ntargets = [\(targets)]\n" + prices
            + rest
    }

    static func call(
        _ client: RawConnection, _ key: String, _ fields: [String: String] = [:],
        stream: Bool = false, path: String = "/v1/chat/completions", extra: String = ""
    ) throws -> RawResponse {
        try client.exchange(
            Request.chat(
                fields, stream: stream, path: path, extra: "x-weir-key: \(key)\r\n\(extra)"))
    }

    /// What is spent, held and in flight of a key.
    static func state(
        _ gateway: TestGateway, _ name: String
    ) -> (spent: Int, held: Int, inFlight: Int) {
        gateway.ledger.view().first { $0.scope == .key(name) }
            .map { ($0.spent, $0.held, $0.inFlight) } ?? (-1, -1, -1)
    }

    @Test("on requests answer 429 with the limit's name and a truthful wait")
    func requests() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try TestGateway(
            Self.chain(
                [vendor.port],
                """
                [groups.team]
                requests = "2/1h"
                \(ClientKeyTests.lines("ci", key, "group = \"team\""))
                """))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<2 { #expect(try Self.call(client, key).status == 200) }
        let refused = try Self.call(client, key)
        #expect(refused.status == 429 && refused.text.contains("group team"))
        #expect(refused.text.contains("\"type\":\"rate_limit_exceeded\""))
        let wait = try #require(refused["retry-after"].flatMap { Int($0) })
        #expect(1...7200 ~= wait)
        #expect(refused["x-should-retry"] == "false", "no SDK waits for half an hour")
        #expect(refused["ratelimit-policy"] == "\"group team\";q=2;qu=\"requests\";w=3600")
        #expect(refused["ratelimit"] == "\"group team\";r=0;t=\(wait)")
        #expect(try vendor.statistics().requestCount == 2)
    }

    @Test("on requests in flight are free again however a call ends")
    func concurrency() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try TestGateway(
            Self.chain([vendor.port], ClientKeyTests.lines("ci", key, "concurrent = 2")))
        defer { gateway.stop() }
        // Waiting for a head, and in the middle of a stream.
        for fields in [["hang": "1"], ["chunks": "1000", "delay": "20"]] {
            let held = try (0..<2).map { _ in
                let client = try RawConnection(port: gateway.port)
                try client.send(
                    Request.chat(fields, stream: true, extra: "x-weir-key: \(key)\r\n"))
                return client
            }
            try gateway.await("both in flight") { Self.state(gateway, "ci").inFlight == 2 }
            let client = try RawConnection(port: gateway.port)
            let refused = try Self.call(client, key)
            #expect(refused.status == 429 && refused.text.contains("at the same time"))
            #expect(refused["retry-after"] == "1" && refused["x-should-retry"] == "true")
            for client in held { client.close() }
            try gateway.await("none in flight") { Self.state(gateway, "ci").inFlight == 0 }
            #expect(try Self.call(client, key).status == 200)
        }
        try gateway.await("the last to settle") { Self.state(gateway, "ci").inFlight == 0 }
    }

    @Test("of $1.00 are never exceeded by 64 clients, and serve what there is room for")
    func overspending() async throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try TestGateway(
            Self.chain(
                [vendor.port], ClientKeyTests.lines("ci", key, "budget = \"$1.00/month\"")))
        let port = gateway.port
        let served = Served()
        await withTaskGroup(of: Void.self) { group in
            for seed in 0..<64 as Range<UInt64> {
                group.addTask { Self.spend(port, key, seed, served) }
            }
        }
        try gateway.await("all to settle") {
            let state = Self.state(gateway, "ci")
            return state.held == 0 && state.inFlight == 0
        }
        let spent = Self.state(gateway, "ci").spent
        #expect(spent <= 1_000_000_000)
        #expect(served.count.load(ordering: .relaxed) > 0)
        // A call reserves at most its prompt's bytes and 64 tokens: what is left is less than that.
        let most = (64 * 1000 + 200 * 100) * 1000
        #expect(spent > 1_000_000_000 - most)
        let last = try Self.call(RawConnection(port: port), key)
        #expect(last.status == 429)
        // A token more than there is room for, and then as many as that.
        let left = 1_000_000_000 - spent
        let room = (left - Self.small(tokens: 10).body * 100_000) / 1_000_000
        if room >= 10 {
            // An answer has 64 tokens at most.
            let calls = room < 64 ? [(room + 1, 429), (room, 200)] : [(64, 200)]
            for (tokens, status) in calls {
                let response = try RawConnection(port: port).exchange(
                    Self.small(tokens: tokens, "x-weir-key: \(key)\r\n").request)
                #expect(response.status == status, "\(tokens) of \(left)")
            }
        }
        try gateway.await("the last to settle") { Self.state(gateway, "ci").held == 0 }
        let all = Self.state(gateway, "ci").spent
        #expect(all <= 1_000_000_000)
        gateway.stop()
        let records = try gateway.record.records()
        let sum = records.reduce(0) { $0 + ($1.chargedNanodollars ?? 0) }
        #expect(sum == all, "the ledger is the record")
    }

    /// A request with a limit of two digits on its answer, and how many bytes its body has.
    private static func small(
        tokens: Int, _ fields: String = ""
    ) -> (request: String, body: Int) {
        let body = #"{"model":"gpt-4o","max_tokens":\#(tokens)}"#
        let head =
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n\(fields)"
            + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        return (head + body, body.utf8.count)
    }

    private final class Served: Sendable {
        let count = Atomic<Int>(0)
    }

    /// Calls until the budget is spent: streaming and not, aborting and failing at random.
    private static func spend(_ port: Int, _ key: String, _ seed: UInt64, _ served: Served) {
        var random = RandomSource(seed: seed)
        for _ in 0..<200 {
            guard let client = try? RawConnection(port: port) else { continue }
            let isStream = Bool.random(using: &random)
            var fields = ["chunks": "\(Int.random(in: 1...60, using: &random))"]
            switch Int.random(in: 0..<8, using: &random) {
            case 0: fields["status"] = "500"
            case 1: fields["abort-after"] = "1"
            case 2:
                // Gone before the answer is.
                try? client.send(
                    Request.chat(fields, stream: isStream, extra: "x-weir-key: \(key)\r\n"))
                client.close()
                continue
            default: break
            }
            guard let response = try? call(client, key, fields, stream: isStream) else { continue }
            if response.status == 200 { served.count.add(1, ordering: .relaxed) }
            if response.status == 429 { return }
        }
    }
}
