import ExchangeCore
import Glibc
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

/// Vendors and chains that are replaced while requests are under way.
@Suite("Routing snapshots")
struct RoutingSnapshotTests {
    private static func toml(
        _ ports: [Int], credential: String = "none", names: String = "v", each: String = ""
    ) -> String {
        let vendors = ports.indices.map { index in
            """
            [vendors.\(names)\(index)]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(ports[index])/v1"
            credential = "\(credential)"
            \(each)
            """
        }
        let targets = ports.indices.map { "{ vendor = \"\(names)\($0)\" }" }.joined(separator: ", ")
        return vendors.joined(separator: "\n")
            + "\n[[chains]]\nname = \"c\"\ntargets = [\(targets)]\n"
    }

    /// A vendor that gives each answer in two parts, the second when the test lets it.
    private final class Reluctant: Sendable {
        let isAsked = Atomic<Bool>(false)
        let mayGoOn = Atomic<Bool>(false)
        private let first: String
        private let second: String

        /// One that fails.
        init(first: String = "", second: String = Reluctant.failure) {
            self.first = first
            self.second = second
        }

        static let failure =
            "HTTP/1.1 503 Away\r\nContent-Type: application/json\r\n"
            + "Content-Length: 2\r\n\r\n{}"

        func start() throws -> ByteVendor {
            try ByteVendor { [self] connection, _ in
                while true {
                    _ = try connection.request()
                    try connection.send(first)
                    isAsked.store(true, ordering: .releasing)
                    while !mayGoOn.load(ordering: .acquiring) { poll(nil, 0, 1) }
                    try connection.send(second)
                }
            }
        }

        func awaitAsked(_ gateway: TestGateway) throws {
            try gateway.await("the vendor to be asked") { isAsked.load(ordering: .acquiring) }
        }

        func goOn() { mayGoOn.store(true, ordering: .releasing) }
    }

    private static func inFlight(_ gateway: TestGateway, _ vendor: String) -> Int {
        let metrics = gateway.metrics.vendors.first { $0.vendor == vendor }
        return metrics.map {
            $0.started.current - $0.movedOn.current - $0.outcomes.reduce(0) { $0 + $1.current }
        } ?? 0
    }

    @Test("what begins is served by the new one, over the connections that are there")
    func begins() throws {
        let first = try ScriptedVendor()
        defer { first.stop() }
        let second = try ScriptedVendor()
        defer { second.stop() }
        let gateway = try TestGateway(Self.toml([first.port]))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        #expect(try client.exchange(Request.chat()).isWhole)
        try gateway.adopt(Self.toml([second.port, first.port]))
        #expect(try client.exchange(Request.chat()).isWhole)
        #expect(try second.statistics().requestCount == 1)
        // Only the indexes of the vendors have changed; the connection is the origin's.
        try gateway.adopt(Self.toml([first.port, second.port]))
        #expect(try client.exchange(Request.chat()).isWhole)
        let view = try first.statistics()
        #expect(view.requestCount == 2)
        #expect(view.connections == 2)  // The gateway's, and the one that asks for this.
        try gateway.await("the settlements") { gateway.outcomes(.complete) == 3 }
        // The same name is the same counter, whatever stands behind it.
        let metrics = try #require(gateway.metrics.vendors.first { $0.vendor == "v0" })
        #expect(metrics.outcomes[Outcome.complete.rawValue].current == 3)
    }

    @Test("a failover ends by the chain that it began with")
    func failover() throws {
        let reluctant = Reluctant()
        let failing = try reluctant.start()
        defer { failing.stop() }
        let good = try ScriptedVendor()
        defer { good.stop() }
        let other = try ScriptedVendor()
        defer { other.stop() }
        let gateway = try TestGateway(Self.toml([failing.port, good.port], credential: "canary-a"))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat())
        try reluctant.awaitAsked(gateway)
        try gateway.adopt(Self.toml([other.port], credential: "canary-b"))
        reluctant.goOn()
        let response = try client.response()
        #expect(response.status == 200 && response.isWhole)
        #expect(response["x-weir-vendor"] == "v1")
        #expect(try good.statistics().requests.last?["authorization"] == "Bearer canary-a")
        #expect(try other.statistics().requestCount == 0)
        // The same client's next request begins later.
        #expect(try client.exchange(Request.chat()).isWhole)
        #expect(try other.statistics().requests.last?["authorization"] == "Bearer canary-b")
        try gateway.await("the settlements") { gateway.outcomes(.complete) == 2 }
    }

    @Test("a target in cooldown is tried again")
    func bench() throws {
        let reluctant = Reluctant()
        reluctant.goOn()
        let failing = try reluctant.start()
        defer { failing.stop() }
        let good = try ScriptedVendor()
        defer { good.stop() }
        let rest = "[chains.failover]\ncooldown = \"1h\"\ncooldown_after = 1\n"
        let toml = Self.toml([failing.port, good.port]) + rest
        let gateway = try TestGateway(toml)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        func attempts() throws -> String? { try client.exchange(Request.chat())["x-weir-attempts"] }
        #expect(try attempts() == "2")
        #expect(try attempts() == "1")
        try gateway.adopt(toml)
        #expect(try attempts() == "2")
    }

    @Test("a stream goes on to its end; its vendor, which went away, counts it")
    func stream() throws {
        let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n"
        let end = "data: [DONE]\n\n"
        func chunk(_ text: String) -> String {
            "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
        }
        let reluctant = Reluctant(
            first: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n" + chunk(event),
            second: chunk(end) + "0\r\n\r\n")
        let slow = try reluctant.start()
        defer { slow.stop() }
        let other = try ScriptedVendor()
        defer { other.stop() }
        let gateway = try TestGateway(Self.toml([slow.port]))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(stream: true))
        try reluctant.awaitAsked(gateway)
        try gateway.await("the first bytes") {
            gateway.metrics.vendors.contains { $0.responseBytes.current > 0 }
        }
        for _ in 0..<5 { try gateway.adopt(Self.toml([other.port], names: "w")) }
        #expect(Self.inFlight(gateway, "v0") == 1)
        reluctant.goOn()
        let response = try client.response()
        #expect(response.isWhole && response.text == event + end)
        try gateway.await("the settlement") { gateway.outcomes(.complete) == 1 }
        #expect(Self.inFlight(gateway, "v0") == 0)
        #expect(try client.exchange(Request.chat())["x-weir-vendor"] == "w0")
    }

    @Test("an upload that had begun ends where it began")
    func upload() throws {
        let first = try ScriptedVendor()
        defer { first.stop() }
        let other = try ScriptedVendor()
        defer { other.stop() }
        let server = "[server]\nreplay_limit = \"1KiB\"\n"
        let gateway = try TestGateway(server + Self.toml([first.port]))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let piece = [UInt8](repeating: 0x61, count: 100_000)
        try client.send("POST /v1/files HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 200000\r\n\r\n")
        try client.send(piece)
        try gateway.await("the upload") { Self.inFlight(gateway, "v0") == 1 }
        try gateway.adopt(server + Self.toml([other.port], names: "w"))
        try client.send(piece)
        #expect(try client.response().isWhole)
        #expect(try first.statistics().requests.first?.bodyBytes == 200_000)
        #expect(try other.statistics().requestCount == 0)
    }

    @Test("a target that is waited for is tried again as it was")
    func backoff() throws {
        let failure = "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}"
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]"
        // The late attempt comes on a connection of its own.
        let slow = try ByteVendor { connection, number in
            _ = try connection.request()
            try connection.send(number == 1 ? failure : answer)
            try connection.awaitEnd()
        }
        defer { slow.stop() }
        let other = try ScriptedVendor()
        defer { other.stop() }
        let gateway = try TestGateway(Self.toml([slow.port]) + "retries = 1\n")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat())
        try gateway.await("the first failure") {
            gateway.log.lines.contains { $0.contains("it is tried again") }
        }
        try gateway.adopt(Self.toml([other.port], names: "w"))
        let response = try client.response()
        #expect(response.text == "[1]" && response["x-weir-attempts"] == "2")
    }

    @Test("a detached answer is read out by the terms that it began with")
    func detached() throws {
        let reluctant = Reluctant(
            first: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n[1,",
            second: "23]")
        let slow = try reluctant.start()
        defer { slow.stop() }
        let other = try ScriptedVendor()
        defer { other.stop() }
        let drains = "on_client_disconnect = \"continue\""
        let gateway = try TestGateway(Self.toml([slow.port], each: drains))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat())
        try reluctant.awaitAsked(gateway)
        client.close()
        try gateway.await("the client's going") { gateway.metrics.detached.current == 1 }
        try gateway.adopt(Self.toml([other.port], names: "w"))
        reluctant.goOn()
        try gateway.await("the settlement") { Self.inFlight(gateway, "v0") == 0 }
        #expect(gateway.outcomes(.clientCancelled) == 1)
    }
}
