import Support
import Telemetry
import Testbed
import Testing

@Suite("Hostile clients")
struct HostileTests {
    @Test("every hostile request is refused with its status, and not a byte reaches the vendor")
    func refusals() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        for hostile in HostileRequest.all {
            let client = try RawConnection(port: gateway.port)
            try client.send(hostile.bytes)
            let response = try client.response()
            #expect(response.status == hostile.status, "\(hostile)")
            #expect(response.isWhole)
            #expect(response["connection"] == "close")
            #expect(response.text.contains("fault: client"), "\(hostile)")
            // The connection ends: what follows is never taken for another request.
            #expect(try client.takeToEnd().isEmpty)
        }
        let seen = try vendor.statistics()
        // One connection and one request: this very question.
        #expect(seen.requestCount == 0 && seen.connections == 1)
        #expect(gateway.metrics.refused.current == HostileRequest.all.count)
    }

    @Test("a good request before a hostile one on the same connection is served")
    func goodThenHostile() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        for hostile in HostileRequest.all.filter({ $0.bytes.count < 10_000 }) {
            let client = try RawConnection(port: gateway.port)
            try client.send(Array(Request.get("/v1/ok").utf8) + hostile.bytes)
            #expect(try client.response().text == "{\"ok\":true}")
            #expect(try client.response().status == hostile.status, "\(hostile)")
            #expect(try client.takeToEnd().isEmpty)
        }
    }

    @Test("a thousand slow heads get 408, and delay no other client")
    func slowLoris() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "head_timeout = \"2s\"")
        defer { gateway.stop() }
        var slow: [RawConnection] = []
        for _ in 0..<1000 {
            let client = try RawConnection(port: gateway.port)
            try client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            slow.append(client)
        }
        let normal = try RawConnection(port: gateway.port)
        for _ in 0..<200 {
            let response = try normal.exchange(Request.chat(stream: true))
            #expect(response.isWhole && response.text.hasSuffix("data: [DONE]\n\n"))
        }
        for client in slow {
            let response = try client.response()
            #expect(response.status == 408)
            #expect(try client.takeToEnd().isEmpty)
        }
        #expect(try vendor.statistics().requestCount == 200)
    }

    @Test("a client that sends its body too slowly gets 408 before a vendor is asked")
    func slowBody() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port, server: "slow_client_timeout = \"300ms\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send("POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 10\r\n\r\n12345")
        #expect(try client.response().status == 408)
        #expect(try vendor.statistics().requestCount == 0)
    }

    @Test("connections without a request are closed, before the first and between two")
    func idle() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "keepalive_timeout = \"300ms\"")
        defer { gateway.stop() }
        let silent = try RawConnection(port: gateway.port)
        #expect(try silent.takeToEnd().isEmpty)
        let client = try RawConnection(port: gateway.port)
        #expect(try client.exchange(Request.get("/v1/ok")).status == 200)
        #expect(try client.takeToEnd().isEmpty)
        #expect(client.end == .closed)
    }

    @Test("beyond max_connections a client is turned away with 503, and taken in when one left")
    func maxConnections() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "max_connections = 2")
        defer { gateway.stop() }
        let first = try RawConnection(port: gateway.port)
        let second = try RawConnection(port: gateway.port)
        #expect(try first.exchange(Request.get("/v1/ok")).status == 200)
        #expect(try second.exchange(Request.get("/v1/ok")).status == 200)
        let third = try RawConnection(port: gateway.port)
        let response = try third.exchange(Request.get("/v1/ok"))
        #expect(response.status == 503)
        #expect(response["retry-after"] == "1")
        #expect(try third.takeToEnd().isEmpty)
        #expect(gateway.metrics.turnedAway.current == 1)
        first.close()
        try gateway.await("the first to be gone") {
            gateway.metrics.accepted.current - gateway.metrics.closed.current == 1
        }
        let fourth = try RawConnection(port: gateway.port)
        #expect(try fourth.exchange(Request.get("/v1/ok")).status == 200)
    }

    @Test("bodies beyond max_body get 413: by their length, and in chunks as they grow")
    func maxBody() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "max_body = \"64KiB\"")
        defer { gateway.stop() }
        let length = try RawConnection(port: gateway.port)
        try length.send("POST /v1/ok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\n\r\n")
        #expect(try length.response().status == 413)
        let exact = try RawConnection(port: gateway.port)
        let body = String(repeating: "b", count: 65_536)
        #expect(
            try exact.exchange(
                "POST /v1/ok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65536\r\n\r\n\(body)"
            ).status == 200
        )
        let chunks = try RawConnection(port: gateway.port)
        try chunks.send("POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<17 { try chunks.send("1000\r\n\(body.prefix(4096))\r\n") }
        #expect(try chunks.response().status == 413)
        #expect(try vendor.statistics().requestCount == 1)
    }

    @Test("a client that goes on sending after a refusal still sees the answer")
    func lingering() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "max_body = \"1KiB\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send("POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 1000000\r\n\r\n")
        for _ in 0..<100 { try client.send([UInt8](repeating: 0x62, count: 10_000)) }
        #expect(try client.response().status == 413)
        #expect(client.end != .reset)
    }
}
