import Glibc
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

/// Vendors and chains that are replaced while requests are under way.
@Suite("Editions")
struct EditionTests {
    private static func toml(_ ports: [Int], credential: String = "none") -> String {
        let vendors = ports.indices.map { index in
            """
            [vendors.v\(index)]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(ports[index])/v1"
            credential = "\(credential)"
            """
        }
        let targets = ports.indices.map { "{ vendor = \"v\($0)\" }" }.joined(separator: ", ")
        return vendors.joined(separator: "\n")
            + "\n[[chains]]\nname = \"c\"\ntargets = [\(targets)]\n"
    }

    /// A vendor that fails each call, once it is told to.
    private final class Reluctant: Sendable {
        let isAsked = Atomic<Bool>(false)
        let mayFail = Atomic<Bool>(false)

        func start() throws -> ByteVendor {
            try ByteVendor { [self] connection, _ in
                while true {
                    _ = try connection.request()
                    isAsked.store(true, ordering: .releasing)
                    while !mayFail.load(ordering: .acquiring) { poll(nil, 0, 1) }
                    try connection.send(
                        "HTTP/1.1 503 Away\r\nContent-Type: application/json\r\n"
                            + "Content-Length: 2\r\n\r\n{}")
                }
            }
        }
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
        try gateway.follow(Self.toml([second.port, first.port]))
        #expect(try client.exchange(Request.chat()).isWhole)
        #expect(try second.statistics().requestCount == 1)
        // Only the places of the vendors have changed; the connection is the origin's.
        try gateway.follow(Self.toml([first.port, second.port]))
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
        try gateway.await("the first vendor to be asked") {
            reluctant.isAsked.load(ordering: .acquiring)
        }
        try gateway.follow(Self.toml([other.port], credential: "canary-b"))
        reluctant.mayFail.store(true, ordering: .releasing)
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

    @Test("a target that was benched is tried again")
    func bench() throws {
        let reluctant = Reluctant()
        reluctant.mayFail.store(true, ordering: .releasing)
        let failing = try reluctant.start()
        defer { failing.stop() }
        let good = try ScriptedVendor()
        defer { good.stop() }
        let rest = "[chains.failover]\nbench = \"1h\"\nbench_after = 1\n"
        let toml = Self.toml([failing.port, good.port]) + rest
        let gateway = try TestGateway(toml)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        func attempts() throws -> String? { try client.exchange(Request.chat())["x-weir-attempts"] }
        #expect(try attempts() == "2")
        #expect(try attempts() == "1")
        try gateway.follow(toml)
        #expect(try attempts() == "2")
    }

    @Test("a stream goes on to its end; a vendor that went away counts it")
    func stream() throws {
        let first = try ScriptedVendor()
        defer { first.stop() }
        let second = try ScriptedVendor()
        defer { second.stop() }
        let gateway = try TestGateway(Self.toml([first.port, first.port]))
        defer { gateway.stop() }
        let call = Request.chat(["Chunks": "30", "Delay": "10"], stream: true)
        let expected = try RawConnection(port: first.port).exchange(call).body
        let client = try RawConnection(port: gateway.port)
        try client.send(call)
        try gateway.await("the stream to be in flight") {
            gateway.metrics.vendors.contains { $0.responseBytes.current > 0 }
        }
        for _ in 0..<5 { try gateway.follow(Self.toml([second.port])) }
        let response = try client.response()
        #expect(response.isWhole && response.body == expected)
        try gateway.await("the settlement") { gateway.outcomes(.complete) == 1 }
    }
}
