import ExchangeCore
import Support
import Telemetry
import Testing

/// Errors under a good status, in bodies that are no stream of events.
@Suite("Errors under a good status")
struct ErrorBodyTests {
    static let bodies: [(dialect: String, body: String)] = [
        ("openai", "{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}"),
        ("openai", "{\"error\":\"model is overloaded\"}"),
        ("openai", "{\"id\":\"x\",\"object\":\"chat.completion\",\"choices\":[]}"),
        ("openai", "{\"object\":\"response\",\"status\":\"failed\",\"output\":[]}"),
        ("openai", "{\"object\":\"error\",\"message\":\"no\",\"code\":50001}"),
        ("openai", " \r\n{}\n"),
        ("anthropic", "{\"type\":\"error\",\"message\":\"overloaded\"}"),
        ("gemini", "[{\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}]"),
        ("gemini", "{\"usageMetadata\":{\"promptTokenCount\":4},\"modelVersion\":\"g\"}"),
        ("gemini", "[]"),
    ]

    private static let paths = [
        "openai": "/v1/chat/completions", "anthropic": "/v1/messages",
        "gemini": "/v1beta/models/m:generateContent",
    ]

    private static func answer(_ body: String, _ framing: Int) -> (String, closes: Bool) {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        switch framing {
        case 0: return (head + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)", false)
        case 1:
            let chunks = body.map { "1\r\n\($0)\r\n" }.joined()
            return (head + "Transfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n", false)
        default: return (head + "\r\n\(body)", true)
        }
    }

    private static func vendor(_ text: String, closes: Bool) throws -> ByteVendor {
        try ByteVendor { connection, _ in
            repeat {
                _ = try connection.request()
                try connection.send(text)
            } while !closes
        }
    }

    @Test(
        "move on to the next target, however they are framed, and count as failed",
        arguments: bodies, 0...2)
    func movesOn(_ sample: (dialect: String, body: String), _ framing: Int) throws {
        let (text, closes) = Self.answer(sample.body, framing)
        let failing = try Self.vendor(text, closes: closes)
        defer { failing.stop() }
        let good = "{\"choices\":[{}],\"content\":[{}],\"candidates\":[{}]}"
        let next = try Self.vendor(Self.answer(good, 0).0, closes: false)
        defer { next.stop() }
        let gateway = try FailoverTests.chain(sample.dialect, [failing.port, next.port])
        defer { gateway.stop() }
        let path = try #require(Self.paths[sample.dialect])
        let response = try RawConnection(port: gateway.port).exchange(Request.chat(path: path))
        #expect(response.status == 200 && response.text == good, "\(sample)")
        #expect(response["x-weir-vendor"] == "v1" && response["x-weir-attempts"] == "2")
        let failures = gateway.metrics.vendors[0].attemptFailures.reduce(0) { $0 + $1.current }
        #expect(failures == 1)
    }

    @Test("are passed on whole where no target is left", arguments: 0...2)
    func last(_ framing: Int) throws {
        let body = Self.bodies[0].body
        let (text, closes) = Self.answer(body, framing)
        let failing = try Self.vendor(text, closes: closes)
        defer { failing.stop() }
        let gateway = try FailoverTests.chain(
            "openai", [failing.port, try ByteVendor.closedPort()])
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat())
        #expect(response.status == 200 && response.text == body && response.isWhole)
        #expect(response["x-weir-vendor"] == "v0")
    }

    @Test("about a credential of ours cool it down")
    func credential() throws {
        let body = "{\"error\":{\"code\":\"insufficient_quota\"}}"
        let failing = try Self.vendor(Self.answer(body, 0).0, closes: false)
        defer { failing.stop() }
        let next = try Self.vendor(Self.answer("{\"choices\":[{}]}", 0).0, closes: false)
        defer { next.stop() }
        let gateway = try FailoverTests.chain("openai", [failing.port, next.port])
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        #expect(try client.exchange(Request.chat())["x-weir-attempts"] == "2")
        #expect(gateway.metrics.vendors[0].cooldowns.current == 1)
        #expect(try client.exchange(Request.chat())["x-weir-attempts"] == "1")
    }

    @Test("answers that look a little like errors are none")
    func answers() throws {
        for body in [
            "{\"id\":\"r\",\"object\":\"response\",\"status\":\"completed\",\"error\":null}",
            "{\"object\":\"batch\",\"status\":\"failed\"}", "{\"error\":false,\"choices\":[{}]}",
            "[{\"candidates\":[{}]},{\"error\":{\"code\":500}}]", "\"error\"", "null", "12",
            "{\"choices\":[{\"message\":{\"content\":\"{\\\"error\\\":1}\"}}]", "<error>",
        ] {
            for framing in 0...2 {
                let (text, closes) = Self.answer(body, framing)
                let vendor = try Self.vendor(text, closes: closes)
                defer { vendor.stop() }
                let gateway = try FailoverTests.chain(
                    "openai", [vendor.port, try ByteVendor.closedPort()])
                defer { gateway.stop() }
                let response = try RawConnection(port: gateway.port).exchange(Request.chat())
                #expect(response.text == body && response.isWhole, "\(body)")
                #expect(response["x-weir-attempts"] == "1", "\(body)")
            }
        }
    }
}
