import ExchangeCore
import LogStore
import Primitives
import Support
import Telemetry
import Testbed
import Testing

@Suite("Clocks")
struct ClockTests {
    @Test(
        "connect: a vendor that accepts and does not greet",
        arguments: ["/v1/chat/completions", "/v1/messages"])
    func connect(_ path: String) throws {
        let vendor = try ByteVendor { connection, _ in _ = try connection.takeToEnd() }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            """
            [vendors.openai]
            base_url = "https://127.0.0.1:\(vendor.port)/v1"
            [vendors.anthropic]
            base_url = "https://127.0.0.1:\(vendor.port)"
            [[chains]]
            name = "o"
            paths = ["/v1/chat*"]
            targets = [{ vendor = "openai" }]
            clocks = { connect = "200ms" }
            [[chains]]
            name = "a"
            targets = [{ vendor = "anthropic" }]
            clocks = { connect = "200ms" }
            """
        )
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat(path: path))
        #expect(response.status == 504)
        #expect(response.text.contains("CURLE_OPERATION_TIMEDOUT"))
        #expect(response.text.contains("fault: network"))
        try gateway.await("the settlement") { gateway.outcomes(.timeoutConnect) == 1 }
    }

    @Test("first_content of a vendor's own: it says nothing, and no other is left")
    func firstContent() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, each: "first_content = \"300ms\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(Request.chat(["Hang": "1"]))
        #expect(response.status == 504)
        #expect(response.text.contains("the time for the first content ended after 300ms"))
        #expect(response.text.contains("fault: vendor"))
        try gateway.await("the vendor to see it") {
            (try? vendor.statistics().disconnects.count) == 1
        }
        // The connection goes on.
        #expect(try client.exchange(Request.chat()).status == 200)
        #expect(gateway.outcomes(.timeoutFirstContent) == 1)
    }

    @Test("first_content of a chain: the next target is tried, and the last is waited for")
    func firstContentOfChain() throws {
        let silent = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.awaitEnd()
        }
        defer { silent.stop() }
        // It answers only once the clock would have run out, if it ran.
        let slow = try ScriptedVendor()
        defer { slow.stop() }
        let gateway = try FailoverTests.chain(
            "openai", [silent.port, slow.port], clocks: "first_content = \"300ms\"", each: "")
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            Request.chat(["Ttft": "900"]))
        #expect(response.status == 200 && response["x-weir-attempts"] == "2")
    }

    @Test("idle: a vendor that falls silent after it began", arguments: [true, false])
    func idle(ofVendor: Bool) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let clock = "idle = \"300ms\""
        let gateway =
            try ofVendor
            ? TestGateway(vendor: vendor.port, each: clock)
            : TestGateway(vendor: vendor.port, chain: clock)
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(
            Request.chat(["Chunks": "3", "Delay": "3600000"], stream: true)
        )
        #expect(response.status == 200 && !response.isWhole)
        #expect(!response.text.contains("[DONE]"))
        try gateway.await("the settlement") { gateway.outcomes(.timeoutIdle) == 1 }
        // A trickle is not idle, however long it lasts.
        let trickle = try RawConnection(port: gateway.port).exchange(
            Request.chat(["Chunks": "20", "Delay": "50"], stream: true)
        )
        #expect(trickle.isWhole)
        gateway.stop()
        let record = try #require(try gateway.record.records().first)
        #expect(record.outcome == "timeout_idle")
    }

    @Test("content_idle: pings and comments do not keep a dead stream alive")
    func contentIdle() throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            func chunk(_ text: String) -> String {
                "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
            }
            let delta = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n" + chunk(delta)
            )
            // A comment every twenty milliseconds, until the gateway has closed.
            while true {
                try connection.send(chunk(": keep-alive\n\n"))
                if try connection.isEnded(within: 0.02) { return }
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port, chain: "idle = \"10s\"\ncontent_idle = \"300ms\""
        )
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat(stream: true))
        #expect(response.status == 200 && !response.isWhole)
        #expect(response.text.contains("keep-alive"))
        try gateway.await("the settlement") { gateway.outcomes(.timeoutIdle) == 1 }
    }

    @Test("total: a stream that would go on")
    func total() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, chain: "total = \"400ms\"")
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            Request.chat(["Chunks": "1000", "Delay": "20"], stream: true)
        )
        #expect(!response.isWhole)
        try gateway.await("the settlement") { gateway.outcomes(.timeoutTotal) == 1 }
    }

    /// Seven hundred seconds of silence in a thousandth of the time: a minute of the server's own
    /// clocks is sixty milliseconds here.
    @Test("without a chain no silence is cut, before the head or between two contents")
    func withoutChain() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port,
            server: "keepalive_timeout = \"75ms\"\nslow_client_timeout = \"60ms\"")
        defer { gateway.stop() }
        let slow = ["Ttft": "700", "Delay": "700", "Chunks": "3"]
        for isStream in [true, false] {
            let client = try RawConnection(port: gateway.port)
            let response = try client.exchange(Request.chat(slow, stream: isStream))
            #expect(response.status == 200 && response.isWhole)
        }
    }

    @Test("off: no clock cuts a stream that is slow to begin")
    func off() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port, chain: "first_content = \"0\"\nidle = \"0\"\ntotal = \"0\""
        )
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            Request.chat(["Ttft": "700", "Delay": "100", "Chunks": "4"], stream: true)
        )
        #expect(response.isWhole)
    }

    @Test("slow_client: a client that stops reading is reset; its vendor is let go")
    func slowClient() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port, server: "slow_client_timeout = \"500ms\"",
            chain: "idle = \"200ms\""
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port, receiveBufferBytes: 4096)
        try client.send(Request.chat(["Chunks": "100000", "Size": "1000"], stream: true))
        // The idle clock is shorter, but the silence is not the vendor's.
        try gateway.await("the settlement") { gateway.outcomes(.slowClient) == 1 }
        #expect(gateway.outcomes(.timeoutIdle) == 0)
        _ = try? client.takeToEnd()
        #expect(client.end == .reset)
        try gateway.await("the vendor to see it") {
            (try? vendor.statistics().disconnects.count) == 1
        }
    }
}
