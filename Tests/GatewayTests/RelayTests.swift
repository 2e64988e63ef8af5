import Cryptography
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

@Suite("Relay")
struct RelayTests {
    @Test("a plain call passes unchanged both ways, but for what the contract says")
    func plain() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let extra =
            "authorization: Bearer client-key\r\nX-Custom: A, b\r\nx-custom: c\r\nCookie: d\r\n"
            + "Connection: keep-alive, X-Private\r\nX-Private: 1\r\nTE: trailers\r\n"
            + "Proxy-Authorization: x\r\nKeep-Alive: 5\r\nX-Weir-Trace: 1\r\n"
            + "Accept-Encoding: gzip\r\n"
        let request = Request.chat(path: "/v1/chat/completions?a=b&c=%20", extra: extra)
        let direct = try RawConnection(port: vendor.port).exchange(request)
        let through = try RawConnection(port: gateway.port).exchange(request)
        #expect(through.status == 200)
        #expect(through.reason == direct.reason)
        #expect(through.body == direct.body)
        #expect(through["content-length"] == direct["content-length"])
        // The vendor's fields in their order and spelling, then ours.
        let own = through.fields.filter { $0.name.hasPrefix("x-weir-") }.map(\.name)
        #expect(own == ["x-weir-id", "x-weir-vendor", "x-weir-attempts"])
        #expect(through["x-weir-vendor"] == "openai")
        #expect(through["x-weir-attempts"] == "1")
        #expect(through["x-weir-id"]?.utf8.count == 26)
        // A trace was asked for.
        #expect(through["server-timing"]?.hasPrefix("failed;dur=") == true)
        let ours = ["content-length", "server-timing"]
        let passed = through.fields.filter {
            !$0.name.hasPrefix("x-weir-") && !ours.contains($0.name)
        }
        let sent = direct.fields.filter { $0.name.lowercased() != "content-length" }
        #expect(passed.map { "\($0)" } == sent.map { "\($0)" })

        let seen = try vendor.statistics().requests
        #expect(seen.count == 2)
        #expect(seen[1].method == "POST")
        #expect(seen[1].target == "/v1/chat/completions?a=b&c=%20")
        #expect(seen[1].bodyDigest == seen[0].bodyDigest)
        #expect(seen[1]["host"] == "127.0.0.1:\(vendor.port)")
        #expect(seen[1]["authorization"] == "Bearer client-key")
        #expect(seen[1]["x-custom"] == "A, b|c")
        #expect(seen[1]["cookie"] == "d")
        #expect(seen[1]["accept-encoding"] == "gzip")
        for gone in [
            "connection", "x-private", "te", "proxy-authorization", "keep-alive", "x-weir-trace",
            "user-agent", "accept", "expect", "transfer-encoding",
        ] { #expect(seen[1][gone] == nil, "\(gone)") }
        // Order and spelling of what passes are the client's.
        let names = seen[1].fields.map(\.name)
        #expect(
            names.filter { ["Content-Type", "authorization", "X-Custom", "x-custom"].contains($0) }
                == ["Content-Type", "authorization", "X-Custom", "x-custom"]
        )
    }

    @Test("a stream arrives event by event, in chunks of its own, to its end")
    func stream() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        for path in ["/v1/chat/completions", "/v1/responses", "/v1/messages"] {
            let request = Request.chat(["Chunks": "40", "Delay": "1"], stream: true, path: path)
            let direct = try RawConnection(port: vendor.port).exchange(request)
            let through = try RawConnection(port: gateway.port).exchange(request)
            #expect(through.isWhole)
            #expect(through.body == direct.body)
            #expect(through["transfer-encoding"] == "chunked")
            #expect(through["content-length"] == nil)
            #expect(through.chunkSizes.count > 20)
        }
        try gateway.await("three settlements") { gateway.outcomes(.complete) == 3 }
    }

    @Test("a chunk is never delayed: one event, then a silence of an hour")
    func promptness() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(["Chunks": "2", "Delay": "3600000"], stream: true))
        let text = try client.take(through: "\"content\":\"The \"")
        #expect(text.contains("\r\n\r\n"))
        // The head alone is not held back either.
        let waiting = try RawConnection(port: gateway.port)
        try waiting.send(Request.chat(["Ttft": "3600000"], stream: true))
        _ = try waiting.take(through: "\r\n\r\n")
    }

    @Test(
        "every method passes, with and without a body",
        arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]
    )
    func methods(_ method: String) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let without = try client.exchange("\(method) /v1/ok HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(without.status == 200)
        let with = try client.exchange(
            "\(method) /v1/ok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
        )
        #expect(with.status == 200)
        let seen = try vendor.statistics().requests
        #expect(seen.map(\.method) == [method, method])
        #expect(seen[0].bodyBytes == 0)
        #expect(seen[1].bodyBytes == 5)
        #expect(seen[1]["content-length"] == "5")
        #expect(seen[0]["content-length"] == (["POST"].contains(method) ? "0" : nil))
        #expect(seen[1]["content-type"] == nil)
    }

    @Test("an answer larger than every buffer on the way is whole")
    func large() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        for fields in [["Size": "20000000"], ["Size": "20000000", "Fault": "close_after"]] {
            let response = try RawConnection(port: gateway.port).exchange(Request.chat(fields))
            #expect(response.isWhole && response.body.count > 20_000_000)
        }
    }

    @Test("HEAD has the head alone, lengths and all")
    func head() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let head = try client.exchange("HEAD /v1/ok HTTP/1.1\r\nHost: [::1]\r\n\r\n", isHead: true)
        #expect(head.status == 200)
        #expect(head["content-length"] == "11")
        // The connection goes on: nothing of a body was sent.
        #expect(try client.exchange(Request.get("/v1/ok")).text == "{\"ok\":true}")
        #expect(try vendor.statistics().requests.map(\.method) == ["HEAD", "GET"])
    }

    @Test("pipelined requests are answered in order")
    func pipelined() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let requests = (0..<20).map { number in
            // Earlier ones take longer.
            Request.chat(["Size": "\(number + 1)", "Ttft": number < 3 ? "30" : "0", "Chunks": "1"])
        }
        try client.send(requests.joined())
        for number in 0..<20 {
            let response = try client.response()
            #expect(response.text.contains("\"\(String(repeating: "x", count: number + 1))\""))
        }
        #expect(try vendor.statistics().requestCount == 20)
    }

    @Test("chunked requests reach the vendor whole, with their length")
    func chunkedRequest() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\n"
                + "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
                + "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-T: dropped\r\n\r\n"
        )
        #expect(try client.response().status == 200)
        let seen = try vendor.statistics().requests[0]
        #expect(seen.bodyBytes == 11)
        #expect(seen["content-length"] == "11")
        #expect(seen["transfer-encoding"] == nil && seen["x-t"] == nil && seen["trailer"] == nil)
    }

    @Test("a client that waits for 100 Continue gets it; the vendor is not asked to wait")
    func expectContinue() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\n"
                + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        #expect(try client.take(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        try client.send("hello")
        #expect(try client.response().status == 200)
        #expect(try vendor.statistics().requests[0]["expect"] == nil)
    }

    @Test("informational heads and trailers of the vendor's are dropped")
    func informational() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<2 {
            let response = try client.exchange(
                Request.chat(["Fault": "informational"], stream: true)
            )
            #expect(response.informational.isEmpty)
            #expect(response.isWhole)
            #expect(response["link"] == nil && response["x-trailer"] == nil)
        }
    }

    @Test("HTTP/1.0 clients get a body that ends with the connection, or a length")
    func oldClients() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let stream = Request.chat(stream: true).replacing("HTTP/1.1", with: "HTTP/1.0")
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(stream)
        #expect(response.isWhole)
        #expect(response["transfer-encoding"] == nil)
        #expect(response["connection"] == "close")
        #expect(response.text.hasSuffix("data: [DONE]\n\n"))
        let kept = try RawConnection(port: gateway.port)
        for _ in 0..<2 {
            let plain = try kept.exchange(
                "GET /v1/ok HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            )
            #expect(plain["connection"] == "keep-alive")
            #expect(plain.text == "{\"ok\":true}")
        }
    }

    @Test("encoded bodies pass as they are", arguments: ["gzip", "br", "nonsense"])
    func contentEncoding(_ coding: String) throws {
        let bytes = (0..<2000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Encoding: \(coding)\r\nContent-Length: 2000\r\n"
                    + "ETag: \"x\"\r\n\r\n"
            )
            try connection.send(bytes)
            _ = try connection.receiveMore()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            Request.get("/v1/models", "Accept-Encoding: gzip, br\r\n")
        )
        #expect(response.body == bytes)
        #expect(response["content-encoding"] == coding)
        #expect(response["content-length"] == "2000")
    }

    @Test(
        "responses without a body, and those that end with the connection, keep their framing",
        arguments: [
            ("HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", 204, ""),
            ("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", 304, ""),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", 200, "to the end"),
            ("HTTP/1.0 200 OK\r\n\r\nold", 200, "old"),
            ("HTTP/1.1 299 Odd   reason\r\nContent-Length: 2\r\n\r\nhi", 299, "hi"),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, "no"),
            (
                "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n",
                302, ""
            ),
        ]
    )
    func framings(_ answer: String, _ status: Int, _ body: String) throws {
        let requests = Atomic<Int>(0)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            requests.add(1, ordering: .relaxed)
            try connection.send(answer)
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<2 {
            let response = try client.exchange(Request.get("/v1/models"))
            #expect(response.status == status)
            #expect(response.text == body)
            #expect(response.isWhole)
        }
        #expect(requests.load(ordering: .relaxed) == 2)
    }

    @Test("IPv6 on both sides")
    func ipv6() throws {
        let address = try #require(SocketAddress("[::1]:0"))
        let vendor = try ScriptedVendor(listen: address)
        defer { vendor.stop() }
        let gateway = try TestGateway(
            "[vendors.openai]\nbase_url = \"http://[::1]:\(vendor.port)/v1\"", host: "[::1]"
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port, host: "[::1]")
        #expect(try client.exchange(Request.get("/v1/ok")).status == 200)
    }

    @Test("a chain's prefix is stripped, and its vendor asked")
    func chain() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(
            """
            [vendors.own]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(vendor.port)/some/base"
            headers = { "X-Extra" = "1", "x-custom" = "replaced" }
            [[chains]]
            name = "team"
            prefix = "/team-a"
            targets = [{ vendor = "own" }]
            """
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(
            Request.chat(path: "/team-a/v1/chat/completions", extra: "X-Custom: mine\r\n")
        )
        #expect(response["x-weir-vendor"] == "own")
        let seen = try vendor.statistics().requests[0]
        #expect(seen.target == "/some/base/chat/completions")
        #expect(seen["x-extra"] == "1")
        #expect(seen["x-custom"] == "replaced")
    }

    @Test("requests that no vendor can serve are refused in their dialect")
    func noVendor() throws {
        let gateway = try TestGateway(
            """
            [[chains]]
            name = "odd"
            paths = ["/v1/messages*"]
            targets = [{ vendor = "openai" }]
            """
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(Request.chat(path: "/v1/messages"))
        #expect(response.status == 404)
        #expect(
            response.text.hasPrefix("{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\""))
        #expect(response.text.contains("odd") && response.text.contains("fault: client"))
    }
}
