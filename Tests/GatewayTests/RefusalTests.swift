import Glibc
import LogStore
import Primitives
import Support
import Telemetry
import Testbed
import Testing

/// What the front refuses before a route is found: in the words of the path, named, logged and
/// recorded.
@Suite("Refusals by the front")
struct RefusalTests {
    /// A request that is refused, and what is known of it.
    struct Case: Sendable, CustomStringConvertible {
        let name: String
        let status: Int
        let code: String
        let request: String
        var method = "POST"
        var hasPath = true

        var description: String { name }
    }

    /// `PATH` stands for the path of each dialect.
    static let cases: [Case] = [
        .init(
            name: "a bare LF", status: 400, code: "malformed_request",
            request: "POST PATH HTTP/1.1\r\nHost: localhost\r\nX: a\n\r\n"),
        .init(
            name: "no Host", status: 400, code: "malformed_request",
            request: "POST PATH HTTP/1.1\r\nX: a\r\n\r\n"),
        .init(
            name: "a length and a coding", status: 400, code: "malformed_request",
            request: "POST PATH HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        .init(
            name: "a broken chunk", status: 400, code: "malformed_request",
            request: "POST PATH HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "5\r\nhello\r\nxyz\r\n"),
        .init(
            name: "TRACE", status: 405, code: "malformed_request",
            request: "TRACE PATH HTTP/1.1\r\nHost: localhost\r\n\r\n", method: "TRACE"),
        .init(
            name: "a slow head", status: 408, code: "request_timeout",
            request: "POST PATH HTTP/1.1\r\nHost: localhost\r\nX-Slow: "),
        .init(
            name: "a slow body", status: 408, code: "request_timeout",
            request: "POST PATH HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhel"),
        .init(
            name: "a large length", status: 413, code: "request_too_large",
            request: "POST PATH HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n"),
        .init(
            name: "a large chunk", status: 413, code: "request_too_large",
            request: "POST PATH HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "FFFFF;a=\"b\"\r\n"),
        .init(
            name: "a long target", status: 414, code: "malformed_request",
            request: "GET PATH?\(String(repeating: "x", count: 33 << 10)) HTTP/1.1\r\n",
            method: "GET"),
        .init(
            name: "an expectation", status: 417, code: "malformed_request",
            request: "POST PATH HTTP/1.1\r\nHost: localhost\r\nExpect: wonders\r\n\r\n"),
        .init(
            name: "a foreign host", status: 421, code: "unknown_host",
            request: "POST PATH HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}"),
        .init(
            name: "WebSocket", status: 426, code: "websocket_not_served",
            request: "GET PATH HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                + "Content-Length: 0\r\nUpgrade: websocket\r\n\r\n", method: "GET"),
        .init(
            name: "many fields", status: 431, code: "malformed_request",
            request: "POST PATH HTTP/1.1\r\nHost: localhost\r\n"
                + (0..<300).map { "X-\($0): a\r\n" }.joined() + "\r\n"),
        .init(
            name: "a fragment", status: 400, code: "malformed_request",
            request: "POST PATH#f HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        .init(
            name: "a method in small letters", status: 501, code: "malformed_request",
            request: "post PATH HTTP/1.1\r\nHost: localhost\r\n\r\n", method: "post"),
        .init(
            name: "a coding", status: 501, code: "malformed_request",
            request: "POST PATH HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n"),
        .init(
            name: "CONNECT", status: 501, code: "malformed_request",
            request: "CONNECT a:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", method: "CONNECT",
            hasPath: false),
        .init(
            name: "a method", status: 501, code: "malformed_request",
            request: "BREW PATH HTTP/1.1\r\nHost: localhost\r\n\r\n", method: "BREW"),
        .init(
            name: "another version", status: 505, code: "malformed_request",
            request: "POST PATH HTTP/1.2\r\nHost: localhost\r\n\r\n"),
    ]

    /// Paths, with what each dialect's errors are known by.
    static let paths = [
        ("/v1/chat/completions", "\"code\":\""), ("/v1/messages", "{\"type\":\"error\""),
        ("/v1beta/models/gemini-2.5-pro:generateContent", "\"status\":\""),
    ]

    @Test("are in the words of the path, have an identifier, a line and a record", arguments: cases)
    func everywhere(_ refused: Case) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port,
            server: "max_body = \"64KiB\"\nhead_timeout = \"300ms\"\n"
                + "slow_client_timeout = \"300ms\"")
        var identifiers: [String] = []
        for (path, mark) in Self.paths {
            let client = try RawConnection(port: gateway.port)
            try client.send(refused.request.replacing("PATH", with: path))
            let response = try client.response()
            #expect(response.status == refused.status)
            if refused.hasPath { #expect(response.text.contains(mark), "\(response.text)") }
            #expect(response.text.contains("fault: client"))
            #expect(response["x-should-retry"] == "false")
            identifiers.append(try #require(response["x-weir-id"]))
        }
        gateway.stop()
        #expect(try vendor.statistics().requestCount == 0)
        let lines = gateway.log.lines.filter { $0.contains("a request was refused") }
        let records = try gateway.record.records()
        #expect(records.map { $0.identifier.description } == identifiers)
        for (index, record) in records.enumerated() {
            #expect(record.outcome == (refused.name == "a slow body" ? "slow_client" : "refused"))
            #expect(record.status == refused.status)
            #expect(record.errorKind == refused.code)
            #expect(record.attempts.isEmpty)
            #expect(record.method == refused.method)
            let path = refused.hasPath ? Self.paths[index].0 : ""
            if refused.status != 414 { #expect(record.target == path) }
            if refused.name != "a slow body" {
                #expect(lines.contains { $0.contains(identifiers[index]) })
            }
        }
    }

    @Test("leave a connection open only where nothing more of the request can come")
    func afterWebSocket() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "tunnels = \"refuse\"")
        defer { gateway.stop() }
        let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        let client = try RawConnection(port: gateway.port)
        try client.send(
            Request.get("/v1/realtime", "\(handshake)Content-Length: 0\r\n")
                + Request.get("/v1/realtime", handshake) + Request.get("/v1/ok"))
        for _ in 0..<2 {
            let refused = try client.response()
            #expect(refused.status == 426)
            #expect(refused["connection"] == "upgrade" && refused["upgrade"] == "HTTP/1.1")
        }
        #expect(try client.response().text == "{\"ok\":true}")
        let other = try RawConnection(port: gateway.port)
        try other.send(Request.get("/v1/realtime", "\(handshake)Content-Length: 5\r\n") + "hello")
        #expect(try other.response().status == 426)
        #expect(try other.takeToEnd().isEmpty)
    }

    @Test("keep what a malformed request holds of secrets out of the log and the record")
    func secrets() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        for request in [
            "GET /v1/models?key=sk-canary-0123456789 HTTP/1.1\r\nX: a\r\n\r\n",
            "GET /v1/models HTTP/1.1\r\nAuthorization: Bearer sk-canary-0123456789\r\n\r\n",
            "GET /v1/sk-canary-0123456789abcdefghijklmnop HTTP/1.1\r\nX: a\n\r\n",
        ] {
            let client = try RawConnection(port: gateway.port)
            try client.send(request)
            #expect(try client.response().status == 400)
        }
        gateway.stop()
        #expect(try gateway.record.records().count == 3)
        #expect(try gateway.record.files(holding: "canary").isEmpty)
        #expect(!gateway.log.lines.contains { $0.contains("canary") })
    }
}
