import Glibc
import Primitives
import Reactor
import Support
import Telemetry
import Testbed
import Testing

/// Vendors that are there and say nothing of use.
@Suite("Silent vendors")
struct SilentVendorTests {
    @Test("that take no connection are left at the connect clock")
    func blackhole() throws {
        let address = try #require(SocketAddress("127.0.0.1:0"))
        let hole = try Socket.listen(on: address, reusePort: false)
        defer { Socket.close(hole) }
        // With room for one connection that is never accepted, the kernel drops every other SYN.
        #expect(listen(hole, 0) == 0)
        let port = try SocketAddress(boundTo: hole).port
        let filler = try RawConnection(port: port)
        defer { filler.close() }
        let good = try ScriptedVendor()
        defer { good.stop() }
        let gateway = try FailoverTests.chain(
            "openai", [port, good.port], clocks: "first_content = \"20s\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(Request.chat(extra: "X-Weir-Trace: 1\r\n"))
        #expect(response.status == 200)
        #expect(response["x-weir-vendor"] == "v1" && response["x-weir-attempts"] == "2")
        let line = gateway.log.lines.first { $0.contains("the next is tried") } ?? ""
        #expect(line.contains("connect"), "\(line)")
    }

    @Test(
        "that send comments or openings for ever are left at the clock for the first content",
        arguments: [
            ": still here\n\n", "event: ping\ndata: {\"type\": \"ping\"}\n\n", "data:\n\n",
        ]
    )
    func comments(_ comment: String) throws {
        let chunk = "\(String(comment.utf8.count, radix: 16))\r\n\(comment)\r\n"
        let busy = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n"
            )
            // Until the gateway is gone, which makes the next send fail.
            while true {
                try connection.send(chunk)
                poll(nil, 0, 20)
            }
        }
        defer { busy.stop() }
        let good = try ScriptedVendor()
        defer { good.stop() }
        let gateway = try FailoverTests.chain(
            "anthropic", [busy.port, good.port], "hold_time = \"1m\"")
        defer { gateway.stop() }
        let request = Request.chat(["Chunks": "3"], stream: true, path: "/v1/messages")
        let direct = try RawConnection(port: good.port).exchange(request)
        let response = try RawConnection(port: gateway.port).exchange(request)
        #expect(response.isWhole && response.body == direct.body)
        #expect(response["x-weir-vendor"] == "v1" && response["x-weir-attempts"] == "2")
        let line = gateway.log.lines.first { $0.contains("the next is tried") } ?? ""
        #expect(line.contains("timeout"), "\(line)")
        // What the failure cost is counted: four tenths of a second, by the clock of this chain.
        let lost = try #require(gateway.metrics.vendors.first { $0.vendor == "v0" }).failedAttempt
        #expect(lost.counts.reduce(0, +) == 1 && lost.sumSeconds >= 0.39)
    }
}
