import Support
import Telemetry
import Testbed
import Testing

/// What is passed on when no target has answered: never more than there was, never as if it were
/// whole.
@Suite("The last answer")
struct LastAnswerTests {
    private static let error = "data: {\"error\":{\"message\":\"boom\",\"code\":500}}\n\n"

    private static func head(_ framing: String) -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\(framing)\r\n\r\n"
    }

    private static func chunk(_ text: String) -> String {
        "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
    }

    /// The response of a chain whose first vendor sends these bytes and closes or waits, and whose
    /// second is not there.
    private static func response(_ answer: String, closes: Bool) throws -> RawResponse {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(answer)
            if !closes { try connection.awaitEnd() }
        }
        defer { vendor.stop() }
        let gateway = try FailoverTests.chain(
            "openai", [vendor.port, try ByteVendor.closedPort()])
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(Request.chat(stream: true))
        // However it ended, it is settled once.
        try gateway.await("the settlement") { settled(gateway) == 1 }
        return response
    }

    private static func settled(_ gateway: TestGateway) -> Int {
        gateway.metrics.vendors.flatMap(\.outcomes).reduce(0) { $0 + $1.current }
    }

    @Test(
        "that was cut at its error event does not look whole",
        arguments: ["Content-Length: 4000", "Transfer-Encoding: chunked"], [true, false])
    func cut(_ framing: String, closes: Bool) throws {
        let isChunked = framing.hasPrefix("T")
        let body = isChunked ? Self.chunk(Self.error) : Self.error
        let response = try Self.response(Self.head(framing) + body, closes: closes)
        #expect(response.status == 200)
        #expect(response.text == Self.error)
        #expect(!response.isWhole)
    }

    @Test("that ended with its error event is passed on whole")
    func whole() throws {
        let framings = [
            ("Content-Length: \(Self.error.utf8.count)", Self.error),
            ("Transfer-Encoding: chunked", Self.chunk(Self.error) + "0\r\n\r\n"),
        ]
        for (framing, body) in framings {
            let response = try Self.response(Self.head(framing) + body, closes: false)
            #expect(response.status == 200 && response.text == Self.error)
            #expect(response.isWhole, "\(framing)")
        }
    }

    @Test("whose last event lacks its blank line still differs from an empty stream")
    func unfinished() throws {
        let event = "data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n"
        let good = try ScriptedVendor()
        defer { good.stop() }
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                Self.head("Content-Length: \(event.utf8.count)") + event)
            try connection.awaitEnd()
        }
        defer { vendor.stop() }
        let gateway = try FailoverTests.chain("openai", [vendor.port, good.port])
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat(stream: true))
        #expect(response.text == event && response.isWhole)
        #expect(response["x-weir-vendor"] == "v0")
    }

    @Test("counts against its target: a refusal that is passed on is no sign of health")
    func refusal() throws {
        let vendor = try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                try connection.send(
                    "HTTP/1.1 503 Oh\r\nContent-Length: 2\r\n\r\n{}")
            }
        }
        defer { vendor.stop() }
        let gateway = try FailoverTests.chain(
            "openai", [vendor.port], failover: "cooldown_after = 2\ncooldown = \"60s\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<2 {
            #expect(try client.exchange(Request.chat()).status == 503)
        }
        #expect(gateway.metrics.vendors.map(\.cooldowns.current).reduce(0, +) == 1)
    }
}
