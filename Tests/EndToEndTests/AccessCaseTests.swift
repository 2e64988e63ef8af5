import JSON
import Primitives
import Reactor
import Support
import Synchronization
import Testing

/// Cases of access that need a gateway of several workers, or one that cannot write.
@Suite("Access under load and without a disk")
struct AccessCaseTests {
    private static func toml(_ vendor: Int, _ rest: String) -> String {
        """
        [vendors.openai]
        base_url = "http://127.0.0.1:\(vendor)/v1"
        credential = "env:KEY"
        [prices.models."*"]
        input = 1
        output = 10
        max_output = 100
        \(rest)

        """
    }

    private static func chat(_ key: String) -> String {
        RecordTests.request(
            "/v1/chat/completions", #"{"model":"gpt-4o"}"#, "Authorization: Bearer \(key)\r\n")
    }

    /// What 64 clients saw.
    private final class Seen: Sendable {
        let isReloaded = Atomic<Bool>(false)
        let isOver = Atomic<Bool>(false)
        let served = Atomic<Int>(0)
        let refused = Atomic<Int>(0)
        let late = Atomic<Int>(0)

        /// Calls again and again, on a connection that is kept until a refusal ends it.
        func call(_ port: Int, _ key: String) {
            var client: RawConnection?
            while !isOver.load(ordering: .acquiring) {
                let isLate = isReloaded.load(ordering: .acquiring)
                client = client ?? (try? RawConnection(port: port))
                guard let response = try? client?.exchange(chat(key)) else {
                    client = nil
                    continue
                }
                if response.status == 401 { client = nil }
                if response.status == 200 {
                    if isLate {
                        late.add(1, ordering: .relaxed)
                    } else {
                        served.add(1, ordering: .relaxed)
                    }
                } else if response.status == 401 {
                    refused.add(1, ordering: .relaxed)
                }
            }
        }
    }

    @Test("a key that a reload takes out is refused on 4 workers from the line on that says so")
    func revocation() throws {
        let vendor = try MockProcess()
        let (key, lines) = try AccessCommandTests.newKey("ci")
        let (_, other) = try AccessCommandTests.newKey("other")
        let gateway = try GatewayProcess(
            Self.toml(vendor.port, lines + other), server: "workers = 4",
            environment: ["KEY": "gateway-canary"])
        let seen = Seen()
        let port = gateway.port
        let threads = try (0..<64).map { number in
            try Reactor.Thread(name: "client-\(number)") { seen.call(port, key) }
        }
        try gateway.await("calls") { seen.served.load(ordering: .relaxed) > 200 }
        try gateway.reload(Self.toml(vendor.port, other))
        try gateway.process.awaitLine(" notice reloaded ")
        seen.isReloaded.store(true, ordering: .releasing)
        let before = seen.refused.load(ordering: .relaxed)
        try gateway.await("refusals") { seen.refused.load(ordering: .relaxed) > before + 500 }
        seen.isOver.store(true, ordering: .releasing)
        for thread in threads { thread.join() }
        #expect(seen.late.load(ordering: .relaxed) == 0)
    }

    @Test("a key that is revoked is refused on 4 workers from the answer on that says so")
    func revocationWhileRunning() throws {
        let vendor = try MockProcess()
        let (_, other) = try AccessCommandTests.newKey("other")
        let gateway = try GatewayProcess(
            Self.toml(vendor.port, other), server: "workers = 4",
            environment: ["KEY": "gateway-canary"], adminToken: "operator-canary")
        func ask(_ method: String, _ path: String, _ body: String = "") throws -> RawResponse {
            try RawConnection(port: gateway.adminPort).exchange(
                "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Authorization: Bearer operator-canary\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
        let port = gateway.port
        for round in 0..<5 {
            let made = try ask("POST", "/keys", #"{"name":"ann\#(round)"}"#)
            let key = try #require(try JSONValue(parsing: made.text)["key"]?.text)
            let seen = Seen()
            let threads = try (0..<64).map { number in
                try Reactor.Thread(name: "client-\(number)") { seen.call(port, key) }
            }
            try gateway.await("calls") { seen.served.load(ordering: .relaxed) > 200 }
            let answer = try ask("DELETE", "/keys/ann\(round)")
            seen.isReloaded.store(true, ordering: .releasing)
            #expect(answer.status == 200 && answer.text.contains("\"in_force\":true"))
            let before = seen.refused.load(ordering: .relaxed)
            try gateway.await("refusals") {
                seen.refused.load(ordering: .relaxed) > before + 500
            }
            seen.isOver.store(true, ordering: .releasing)
            for thread in threads { thread.join() }
            // Of heads that began after the answer none was let in, on no connection.
            #expect(seen.late.load(ordering: .relaxed) == 0)
        }
    }

    @Test("where nothing can be recorded no budget is spent, and the rest is served")
    func unrecordable() throws {
        let vendor = try MockProcess()
        let (paid, first) = try AccessCommandTests.newKey("paid")
        let (rated, second) = try AccessCommandTests.newKey("rated")
        let gateway = try GatewayProcess(
            Self.toml(
                vendor.port,
                "\(first)budget = \"$1/day\"\n\(second)requests = \"100/1h\"\n"),
            environment: ["KEY": "gateway-canary"], recordPath: "/proc/weir")
        let refused = try RawConnection(port: gateway.port).exchange(Self.chat(paid))
        #expect(refused.status == 503 && refused.text.contains("ledger_unavailable"))
        #expect(refused["retry-after"] != nil)
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat(rated)).status == 200)
        #expect(try vendor.statistics().requestCount == 1)
        #expect(try gateway.page("/healthz").text.contains("not recorded"))
    }
}
