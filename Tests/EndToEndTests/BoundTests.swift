import Glibc
import Support
import Testing

@Suite("Bounds of a running gateway")
struct BoundTests {
    private static let chat: String = {
        let body = "{\"model\":\"gpt-4o\",\"messages\":[]}"
        return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            + "\(body.utf8.count)\r\n\r\n\(body)"
    }()

    @Test("silent connections to the listener for operators keep no probe out")
    func silent() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port, server: "workers = 1")
        var clients: [RawConnection] = []
        for _ in 0..<300 { clients.append(try RawConnection(port: gateway.adminPort)) }
        for _ in 0..<5 { #expect(try gateway.page("/healthz").status == 200) }
        // The one that came first has given way; and all of them are closed before long.
        #expect(try clients[0].isEnded(within: 30))
        #expect(try clients[299].isEnded(within: 30))
        #expect(try gateway.page("/healthz").status == 200)
    }

    @Test("a client at rest gives way when there are no descriptors left")
    func descriptors() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port, server: "workers = 1")
        var clients: [RawConnection] = []
        for _ in 0..<20 {
            let client = try RawConnection(port: gateway.port)
            #expect(try client.exchange(Self.chat).status == 200)
            clients.append(client)
        }
        // From now on the process gets none beyond those it has.
        let limit = gateway.process.descriptorCount + 4
        let change = try ChildProcess(
            "/usr/bin/prlimit", ["--pid", "\(gateway.process.pid)", "--nofile=\(limit):\(limit)"])
        #expect(try change.wait() == 0)
        for _ in 0..<60 {
            let client = try RawConnection(port: gateway.port)
            #expect(try client.exchange(Self.chat).status == 200)
            clients.append(client)
        }
        #expect(try clients[0].isEnded(within: 30))
        clients = []
        #expect(try gateway.metric("weir_connections_gave_way_total") > 0)
        #expect(try gateway.metric("weir_exchanges_total", where: "outcome=\"complete\"") == 80)
    }

    private static func limit(_ process: ChildProcess, to descriptors: Int) throws {
        // The soft limit alone, so that it can be raised again without a privilege.
        let change = try ChildProcess(
            "/usr/bin/prlimit", ["--pid", "\(process.pid)", "--nofile=\(descriptors):"])
        #expect(try change.wait() == 0)
    }

    @Test("a vendor's connection that gets no descriptor is 503, and no vendor's fault")
    func vendorConnection() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            """
            [vendors.first]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            credential = "none"
            [vendors.second]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            credential = "none"
            [[chains]]
            name = "both"
            targets = [{ vendor = "second" }, { vendor = "first" }]
            [chains.failover]
            cooldown_after = 1
            cooldown = "1h"
            """, server: "workers = 1")
        // Both clients are there before descriptors end, and neither is at rest.
        let waiting = try RawConnection(port: gateway.port)
        let asking = try RawConnection(port: gateway.port)
        try waiting.send("POST /v1/chat/completions HTTP/1.1\r\n")
        #expect(try gateway.page("/healthz").status == 200)
        try gateway.await("both clients") {
            try gateway.metric("weir_connections_open") == 2
        }
        // Those that are open stay so; none is free below the limit, whatever closes meanwhile.
        try Self.limit(gateway.process, to: 3)
        for _ in 0..<3 {
            let refused = try asking.exchange(Self.chat)
            #expect(refused.status == 503)
            #expect(refused.text.contains("gateway_exhausted"))
            #expect(refused.text.contains("fault: gateway"))
            #expect(refused["x-should-retry"] == "true")
        }
        try Self.limit(gateway.process, to: 1024)
        // No cooldown of an hour has begun.
        let answer = try asking.exchange(Self.chat)
        #expect(answer.status == 200 && answer["x-weir-vendor"] == "second")
        #expect(answer["x-weir-attempts"] == "1")
    }

    @Test("fewer connections than were asked for are said at the start")
    func clamp() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            vendor: vendor.port, server: "workers = 1\nmax_connections = 5000", limits: "-n 1024")
        let line = try gateway.process.awaitLine("fewer connections than max_connections")
        #expect(line.contains("connections=395") && line.contains("max_connections=5000"))
    }
}
