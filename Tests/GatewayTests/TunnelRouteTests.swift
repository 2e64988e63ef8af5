import ExchangeCore
import LogStore
import Primitives
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

@Suite("The way to a tunnel")
struct TunnelRouteTests {
    /// A vendor that refuses handshakes.
    static func refusing(_ answer: String) throws -> TunnelVendor {
        try TunnelVendor(answer) { connection in _ = try connection.receiveMore() }
    }

    static let answers: [(status: Int, answer: String)] = [
        (401, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"),
        (
            403,
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 20000\r\n\r\n"
                + String(repeating: "n", count: 20_000)
        ),
        (429, "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"),
        (302, "HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n"),
        (200, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
    ]

    @Test(
        "ends in the vendor's refusal, whole, and the next handshake is served",
        arguments: answers, [true, false])
    func refusals(_ sample: (status: Int, answer: String), _ isEarly: Bool) throws {
        let vendor = try Self.refusing(sample.answer)
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for round in 1...2 {
            // What follows a handshake is no request, whatever it looks like.
            let early = isEarly ? Request.get("/v1/smuggled") : ""
            try client.send(Request.handshake() + early)
            let response = try client.response()
            #expect(response.status == sample.status && response.isWhole)
            let isEmpty = sample.status == 429 || sample.status == 302
            #expect(response.body.isEmpty == isEmpty)
            if sample.status == 429 { #expect(response["retry-after"] == "7") }
            if isEarly {
                #expect(response["connection"] == "close")
                #expect(try client.takeToEnd().isEmpty)
                break
            }
            try gateway.await("the settlement") { gateway.outcomes(.complete) == round }
        }
        #expect(!vendor.heads.contains { $0.contains("smuggled") })
    }

    @Test("leads past targets that fail, and past those that are asked for another model")
    func failover() throws {
        let busy = try Self.refusing(
            "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
        defer { busy.stop() }
        let good = try TunnelVendor.echo()
        defer { good.stop() }
        let down = try ByteVendor.closedPort()
        let gateway = try TestGateway(chain: [down, busy.port, good.port], each: "")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let head = try client.openTunnel()
        #expect(head.contains("x-weir-vendor: v2\r\n") && head.contains("x-weir-attempts: 3\r\n"))
        try client.send("through")
        #expect(try client.take(through: "through") == "through")
        #expect(busy.heads.count == 1)
    }

    @Test("leads past a vendor that closes or resets instead of an answer, at once")
    func left() throws {
        for isReset in [false, true] {
            let rude = try ByteVendor { connection, _ in
                _ = try connection.request()
                if isReset { connection.reset() }
            }
            defer { rude.stop() }
            let good = try TunnelVendor.echo()
            defer { good.stop() }
            let gateway = try TestGateway(chain: [rude.port, good.port], each: "")
            defer { gateway.stop() }
            let client = try RawConnection(port: gateway.port)
            let began = Instant.now()
            let head = try client.openTunnel()
            #expect(Instant.now() - began < .seconds(10))
            #expect(head.contains("x-weir-vendor: v1\r\n"))
            try client.send("through")
            #expect(try client.take(through: "through") == "through")
            // Alone it is the vendor's fault.
            let lonely = try TestGateway(vendor: rude.port)
            defer { lonely.stop() }
            let refused = try RawConnection(port: lonely.port).exchange(Request.handshake())
            #expect(refused.status == 502 && refused.text.contains("\"vendor_broke_off\""))
        }
    }

    @Test(
        "takes a pooled connection, and a fresh one where that is dead", arguments: [false, true])
    func pooled(_ isDead: Bool) throws {
        let seen = Mutex<[String]>([])
        let vendor = try ByteVendor { connection, number in
            while true {
                let head = try connection.request().head
                let isHandshake = head.contains("websocket")
                seen.withLock { $0.append("\(isHandshake ? "handshake" : "call") \(number)") }
                guard isHandshake else {
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    continue
                }
                // It read the handshake, and has closed the connection before it knew.
                if isDead, number == 1 { return }
                try connection.send("\(TunnelVendor.accepting)\r\n")
                let bytes = try connection.take(through: "over")
                try connection.send("\(bytes) and back")
                _ = try connection.takeToEnd()
                return
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        for round in 1...2 {
            let caller = try RawConnection(port: gateway.port)
            #expect(try caller.exchange(Request.chat()).text == "ok")
            let client = try RawConnection(port: gateway.port)
            try client.openTunnel()
            try client.send("over")
            #expect(try client.take(through: "back") == "over and back")
            client.close()
            try gateway.await("the tunnel's end") { gateway.outcomes(.clientCancelled) == round }
        }
        // No connection is used again that was a tunnel.
        let expected =
            isDead
            ? ["call 1", "handshake 1", "handshake 2", "call 3", "handshake 3"]
            : ["call 1", "handshake 1", "call 2", "handshake 2"]
        #expect(seen.withLock { $0 } == expected)
        #expect(gateway.metrics.vendors[0].staleRetries.current == (isDead ? 1 : 0))
    }

    @Test(
        "is not taken where WebSockets are refused, and no vendor is asked",
        arguments: [
            ("tunnels = \"refuse\"", "", "/v1/responses", "websocket_not_served"),
            ("", "", "/v1/chat/completions", "websocket_not_served"),
            ("", "", "/v1/responses/resp_1", "websocket_not_served"),
            ("", "", "/other", "websocket_not_served"),
            ("", "models = [\"gpt-*\"]", "/v1/responses", "websocket_model_unknown"),
            (
                "", "targets = [{ vendor = \"v0\", model = \"m\" }]", "/v1/responses",
                "websocket_model_unknown"
            ),
            ("", "paths = [\"/v1/chat/*\"]\ntunnel = true", "/v1/audio/x", "websocket_not_served"),
        ])
    func refused(_ server: String, _ chain: String, _ path: String, _ code: String) throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let targets = chain.contains("targets") ? "" : "targets = [{ vendor = \"v0\" }]"
        let gateway = try TestGateway(
            """
            [server]
            \(server)
            [vendors.v0]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            credential = "none"
            [[chains]]
            name = "c"
            \(targets)
            \(chain)
            """)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.handshake(path))
        let response = try client.response()
        #expect(response.status == 426)
        #expect(response["connection"] == "upgrade" && response["upgrade"] == "HTTP/1.1")
        #expect(response.text.contains(code), "\(response.text)")
        #expect(vendor.heads.isEmpty)
        #expect(gateway.metrics.vendors[0].attempts.current == 0)
    }

    @Test(
        "is not taken where a name of the operator's own may be meant that it names too late",
        arguments: [
            "vendor = \"b\"",
            "vendor = \"b\"\n[[chains]]\nname = \"c\"\ntargets = [{ vendor = \"a\" }]",
            "[[chains]]\nname = \"c\"\ntargets = [{ vendor = \"a\" }, { vendor = \"g\" }]", "",
        ],
        ["/v1/responses", "/ws/google.ai.generativelanguage.v1beta.X", "/v1/realtime?model=m"])
    func aliases(_ rest: String, _ path: String) throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let vendors = [("a", "openai"), ("b", "openai"), ("g", "gemini")].map { name, dialect in
            "[vendors.\(name)]\ndialect = \"\(dialect)\"\ncredential = \"none\"\n"
                + "base_url = \"http://127.0.0.1:\(vendor.port)/v1\"\n"
        }
        let gateway = try TestGateway(
            vendors.joined() + "[models.\"team-fast\"]\nmodel = \"gpt-5\"\n\(rest)\n")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        guard !path.contains("?") else {
            // It says in time that it means another.
            try client.openTunnel(path)
            return
        }
        try client.send(Request.handshake(path))
        let response = try client.response()
        #expect(response.status == 426)
        #expect(response.text.contains("websocket_model_unknown"), "\(response.text)")
        #expect(response.text.contains("[models]"), "\(response.text)")
        #expect(vendor.heads.isEmpty)
    }

    @Test("is chosen by the model where a session names it beforehand, and by a chain's own paths")
    func chosen() throws {
        let first = try TunnelVendor.echo()
        defer { first.stop() }
        let second = try TunnelVendor.echo()
        defer { second.stop() }
        let gateway = try TestGateway(
            """
            [vendors.a]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(first.port)/v1"
            credential = "none"
            [vendors.b]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(second.port)"
            credential = "none"
            [[chains]]
            name = "mini"
            models = ["*-mini"]
            targets = [{ vendor = "a" }]
            [[chains]]
            name = "azure"
            paths = ["/openai/v1/realtime"]
            tunnel = true
            targets = [{ vendor = "b" }]
            """)
        defer { gateway.stop() }
        let mini = try RawConnection(port: gateway.port)
        try mini.openTunnel("/v1/realtime?model=gpt-realtime%2Dmini")
        #expect(
            first.heads.first?.hasPrefix("GET /v1/realtime?model=gpt-realtime%2Dmini ") ?? false)
        let azure = try RawConnection(port: gateway.port)
        try azure.openTunnel("/openai/v1/realtime?deployment=d")
        #expect(second.heads.first?.hasPrefix("GET /openai/v1/realtime?deployment=d ") ?? false)
        let other = try RawConnection(port: gateway.port)
        try other.send(Request.handshake("/v1/realtime?call_id=c"))
        #expect(try other.response().status == 426)
    }

    @Test("asks for a target's own model where the query names one, and for none otherwise")
    func ownModel() throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let gateway = try TestGateway(
            """
            [vendors.v]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(vendor.port)/openai/v1"
            credential = "none"
            [[chains]]
            name = "voice"
            models = ["gpt-realtime*"]
            targets = [{ vendor = "v", model = "deployment&7" }]
            """)
        let client = try RawConnection(port: gateway.port)
        try client.openTunnel("/v1/realtime?a=b&model=gpt-realtime%2Dmini&c")
        try client.send("through")
        #expect(try client.take(through: "through") == "through")
        client.close()
        #expect(
            vendor.heads.first?.hasPrefix(
                "GET /openai/v1/realtime?a=b&model=deployment%267&c HTTP/1.1\r\n") ?? false,
            "\(vendor.heads)")
        // A session that was made before names none: it cannot be another model's.
        let other = try RawConnection(port: gateway.port)
        try other.send(Request.handshake("/v1/realtime?call_id=c"))
        #expect(try other.response().status == 426)
        #expect(vendor.heads.count == 1)
        gateway.stop()
        let record = try #require(try gateway.record.records().first { $0.status == 101 })
        #expect(record.model == "gpt-realtime-mini")
        #expect(record.attempts.map(\.model) == ["deployment&7"])
    }

    @Test("is not needed to name a model so: a session over HTTP is routed by its query, too")
    func sessionsOverHTTP() throws {
        let vendor = try ByteVendor { connection, _ in
            while true {
                let request = try connection.request()
                let body =
                    "\(request.head.prefix { $0 != "\r\n" })|"
                    + String(decoding: request.body, as: UTF8.self)
                try connection.send(
                    "HTTP/1.1 201 Created\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            """
            [vendors.v]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            credential = "none"
            [[chains]]
            name = "voice"
            models = ["gpt-realtime"]
            targets = [{ vendor = "v", model = "m2" }]
            """)
        let client = try RawConnection(port: gateway.port)
        let answer = try client.exchange(
            "POST /v1/realtime/calls?model=gpt-realtime HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n")
        #expect(answer.text == "POST /v1/realtime/calls?model=m2 HTTP/1.1|v=0\r\n")
        gateway.stop()
        let record = try #require(try gateway.record.records().first)
        #expect(record.model == "gpt-realtime" && record.attempts.map(\.model) == ["m2"])
    }

    @Test("is WebSocket's alone among what a client offers, and no other's elsewhere")
    func offers() throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let offer =
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\n"
            + "HTTP2-Settings: AAEAAEAA\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.get("/v1/responses", offer))
        let head = try client.take(through: "\r\n\r\n").lowercased()
        #expect(head.hasPrefix("http/1.1 101 ") && head.contains("\r\nupgrade: websocket\r\n"))
        try client.send("through")
        #expect(try client.take(through: "through") == "through")
        let asked = try #require(vendor.heads.first).lowercased()
        for line in ["upgrade: websocket", "connection: upgrade"] {
            #expect(asked.contains("\r\n\(line)\r\n"), "\(asked)")
        }
        #expect(!asked.contains("h2c") && !asked.contains("http2-settings"), "\(asked)")
        let other = try RawConnection(port: gateway.port)
        try other.send(Request.get("/v1/chat/completions", offer))
        #expect(try other.response().status == 426)
        #expect(vendor.heads.count == 1)
    }

    @Test("passes frames as they come where the vendor's head speaks of chunks")
    func chunked() throws {
        let frames = WebSocketFrame.text("5 is no size").bytes()
        let vendor = try TunnelVendor(
            "\(TunnelVendor.accepting)Transfer-Encoding: chunked\r\n\r\n", first: frames
        ) { connection in
            try connection.send(try connection.take(4))
            _ = try connection.receiveMore()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let head = try client.openTunnel()
        #expect(!head.lowercased().contains("transfer-encoding"))
        #expect(try client.take(frames.count) == frames)
        try client.send("back")
        #expect(try client.take(through: "back") == "back")
    }

    @Test("ends in a vendor's 426 that still says what to speak")
    func upgradeRequired() throws {
        let vendor = try Self.refusing(
            "HTTP/1.1 426 Upgrade Required\r\nUpgrade: foo/2\r\nConnection: Upgrade\r\n"
                + "Content-Length: 1\r\n\r\nx")
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(Request.handshake())
        #expect(response.status == 426 && response["upgrade"] == "foo/2" && response.text == "x")
        #expect(response["connection"]?.lowercased().contains("upgrade") ?? false)
    }

    @Test(
        "is refused where its query names two models",
        arguments: ["model=a&model=b", "model=a&mod%65l=b", "x&model=a&y=1&model=a"])
    func severalModels(_ query: String) throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(Request.handshake("/v1/realtime?\(query)"))
        #expect(response.status == 400 && response.text.contains("several_models"))
        #expect(vendor.heads.isEmpty)
    }
}
