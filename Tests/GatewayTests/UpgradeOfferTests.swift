import Support
import Synchronization
import Telemetry
import Testbed
import Testing

/// Clients that offer another protocol with each request, as every JDK's does over plain http.
@Suite("Requests with an offer to upgrade")
struct UpgradeOfferTests {
    private static let offer =
        "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n"
        + "Upgrade: h2c\r\n"

    static let offers = [
        offer, "Connection: Upgrade\r\nHTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c\r\n",
        "HTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c\r\n",
        "Connection: upgrade\r\nUpgrade: TLS/1.0, HTTP/2.0\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\n", "Connection: upgrade\r\n",
        "Upgrade: websocket\r\n",
    ]

    /// A vendor that repeats what it was sent as the body of its answer.
    private static func mirror() throws -> ByteVendor {
        try ByteVendor { connection, _ in
            while true {
                let (head, body) = try connection.request()
                let text = head + String(decoding: body, as: UTF8.self)
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
            }
        }
    }

    @Test("are served as if there were none, on one connection", arguments: offers)
    func served(_ offer: String) throws {
        let vendor = try Self.mirror()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let head = "POST /v1/ok HTTP/1.1\r\nHost: localhost\r\n\(offer)"
        // The next request follows at once: nothing of it is taken for another protocol.
        try client.send(
            "\(head)Content-Length: 5\r\n\r\nhello"
                + "\(head)Transfer-Encoding: chunked\r\n\r\n"
                + "3;a=\"\\\"\"\r\nwor\r\n2\r\nld\r\n0\r\n\r\n"
                + Request.get("/v1/third"))
        for body in ["hello", "world", ""] {
            let seen = try client.response()
            #expect(seen.status == 200)
            #expect(seen["connection"] == nil)
            #expect(seen.text.hasSuffix("\r\n\r\n\(body)"), "\(seen.text)")
            for word in ["upgrade", "http2-settings", "connection"] {
                #expect(!seen.text.lowercased().contains(word), "\(seen.text)")
            }
        }
    }

    @Test("may wait for the permission to send their body")
    func expectation() throws {
        let vendor = try Self.mirror()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "POST /v1/ok HTTP/1.1\r\nHost: localhost\r\n\(Self.offer)Expect: 100-continue\r\n"
                + "Content-Length:\t5\t\r\n\r\n")
        #expect(try client.take(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        try client.send("hello")
        #expect(try client.response().text.hasSuffix("hello"))
    }

    @Test("may wait for it with a body in chunks, which come one by one")
    func expectedChunks() throws {
        let seen = Mutex<[String]>([])
        let vendor = try ByteVendor { connection, _ in
            let head = try connection.take(through: "\r\n\r\n")
            let isChunked = head.lowercased().contains("transfer-encoding: chunked")
            let body =
                isChunked
                ? try connection.take(through: "0\r\n\r\n")
                : String(decoding: try connection.take(10), as: UTF8.self)
            seen.withLock { $0 = [head, body] }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "POST /v1/ok HTTP/1.1\r\nHost: localhost\r\n\(Self.offer)Expect: 100-continue\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n")
        #expect(try client.take(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        for chunk in ["5\r\nhello\r\n", "5\r\nworld\r\n", "0\r\n\r\n"] {
            let turns = gateway.metrics.turns.current
            try client.send(chunk)
            try gateway.await("the chunk to be read") { gateway.metrics.turns.current > turns }
        }
        #expect(try client.response().text == "ok")
        let (head, body) = seen.withLock { ($0[0].lowercased(), $0[1]) }
        var plain = ""
        for line in body.split(separator: "\r\n") where line.count >= 5 { plain += line }
        #expect(plain == "helloworld", "\(body)")
        for word in ["upgrade", "http2-settings"] { #expect(!head.contains(word), "\(head)") }
    }

    @Test("of HTTP/1.0 are requests like any other, WebSocket's too, and the connection closes")
    func oldVersion() throws {
        let vendor = try Self.mirror()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        for name in ["h2c", "websocket"] {
            let client = try RawConnection(port: gateway.port)
            try client.send(
                "GET /v1/responses HTTP/1.0\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                    + "Upgrade: \(name)\r\nSec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            let response = try client.response()
            #expect(response.status == 200)
            #expect(response.text.hasPrefix("GET /v1/responses HTTP/1.1\r\n"))
            #expect(!response.text.lowercased().contains("upgrade"), "\(response.text)")
            #expect(try client.takeToEnd().isEmpty)
        }
    }
}
