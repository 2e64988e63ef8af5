import ExchangeCore
import LogStore
import Primitives
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

// Credentials, and keys of the gateway's, in a handshake.
extension TunnelRouteTests {
    /// What a client shows, and what goes out beside a credential of the gateway's.
    static let credentials: [(path: String, fields: String, asked: String, kept: [String])] = [
        (
            "/v1/realtime?model=m&api-key=canary-1",
            "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.canary-2\r\n"
                + "Authorization: Bearer canary-3\r\n",
            "GET /v1/realtime?model=m HTTP/1.1",
            ["Sec-WebSocket-Protocol: realtime", "Authorization: Bearer OWN"]
        ),
        (
            "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
                + "?key=canary-1&access_token=canary-2",
            "x-goog-api-key: canary-3\r\n",
            "GET /ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
                + " HTTP/1.1",
            ["x-goog-api-key: OWN"]
        ),
    ]

    @Test("replaces credentials wherever a browser puts them", arguments: credentials)
    func replaced(
        _ sample: (path: String, fields: String, asked: String, kept: [String])
    ) throws {
        let vendor = try TunnelVendor.echo(
            TunnelVendor.accepting + "Sec-WebSocket-Protocol: realtime\r\n\r\n")
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, credential: "env:OWN")
        let client = try RawConnection(port: gateway.port)
        let head = try client.openTunnel(sample.path, sample.fields)
        #expect(head.contains("Sec-WebSocket-Protocol: realtime\r\n"))
        client.close()
        gateway.stop()
        let asked = try #require(vendor.heads.first)
        let lines = asked.split(separator: "\r\n").map(String.init)
        #expect(lines[0] == sample.asked)
        for line in sample.kept { #expect(lines.contains(line), "\(asked)") }
        #expect(!asked.contains("canary"), "\(asked)")
        #expect(try gateway.record.files(holding: "canary").isEmpty)
        #expect(!gateway.log.lines.contains { $0.contains("canary") })
    }

    @Test("keeps the caller's own credentials where the vendor is asked with them")
    func ownCredentials() throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        let client = try RawConnection(port: gateway.port)
        try client.openTunnel(
            "/v1/realtime?model=m",
            "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.ek_S\r\n")
        client.close()
        gateway.stop()
        #expect(
            vendor.heads.first?.contains(
                "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.ek_S\r\n") ?? false)
        #expect(try gateway.record.files(holding: "ek_S").isEmpty)
    }

    @Test("is open to no foreign page where the gateway's own credential would pay")
    func origins() throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, credential: "env:OWN")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.handshake("/v1/responses", "Origin: https://evil.example\r\n"))
        #expect(try client.response().status == 403)
        #expect(vendor.heads.isEmpty)
    }

    /// A gateway that asks for keys, with one of certain lines.
    private static func limited(_ vendor: Int, _ key: String, _ lines: String) throws -> TestGateway
    {
        try TestGateway(
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor)/v1"
            credential = "env:gateway-secret"
            [groups.b]
            budget = "$5/day"
            [groups.t]
            tokens = "1000/1m"
            \(ClientKeyTests.lines("k", key, lines))
            """)
    }

    @Test(
        "says what is in the way where a key's limits could not be kept",
        arguments: [
            ("models = [\"gpt-realtime\"]", "call_id=c", "certain models alone"),
            ("models = [\"gpt-realtime\"]", "intent=transcription", "certain models alone"),
            (
                "models = [\"gpt-realtime\"]", "model=gpt-realtime&call_id=c",
                "certain models alone"
            ),
            ("models = [\"gpt-realtime\"]", "model=gpt-realtime;x", "certain models alone"),
            ("group = \"b\"", "model=gpt-realtime", "a budget or a limit of tokens"),
            ("group = \"t\"", "model=gpt-realtime", "a budget or a limit of tokens"),
        ])
    func limits(_ lines: String, _ query: String, _ words: String) throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try Self.limited(vendor.port, key, lines)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            Request.handshake("/v1/realtime?\(query)", "x-weir-key: \(key)\r\n"))
        let response = try client.response()
        #expect(response.status == 426 && response.text.contains("websocket_limited_key"))
        #expect(response.text.contains(words), "\(response.text)")
        #expect(vendor.heads.isEmpty)
    }

    @Test("is open to a key of certain models where its query alone names one of them")
    func knownModel() throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try Self.limited(vendor.port, key, "models = [\"gpt-realtime*\"]")
        defer { gateway.stop() }
        for (model, isOpen) in [("gpt-realtime", true), ("gpt%2Drealtime-2", true), ("o3", false)] {
            let client = try RawConnection(port: gateway.port)
            try client.send(
                Request.handshake("/v1/realtime?model=\(model)", "x-weir-key: \(key)\r\n"))
            let head = try client.take(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 \(isOpen ? 101 : 403) "), "\(head)")
        }
        #expect(vendor.heads.count == 2)
    }

    @Test("is open to a key of the gateway's where a browser puts it, which goes no further")
    func browsersKey() throws {
        let vendor = try TunnelVendor.echo(
            TunnelVendor.accepting + "Sec-WebSocket-Protocol: realtime\r\n\r\n")
        defer { vendor.stop() }
        let keys = (1...2).map(ClientKeyTests.key)
        for credential in ["env:gateway-secret", "client"] {
            let gateway = try TestGateway(
                "[vendors.openai]\nbase_url = \"http://127.0.0.1:\(vendor.port)/v1\"\n"
                    + "credential = \"\(credential)\"\n" + ClientKeyTests.lines("k", keys[0]))
            let client = try RawConnection(port: gateway.port)
            let head = try client.openTunnel(
                "/v1/realtime?model=m",
                "Sec-WebSocket-Protocol: realtime, OpenAI-Insecure-API-Key.\(keys[0])\r\n")
            #expect(head.contains("Sec-WebSocket-Protocol: realtime\r\n"))
            client.close()
            let other = try RawConnection(port: gateway.port)
            try other.send(
                Request.handshake(
                    "/v1/realtime?model=m",
                    "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.\(keys[1])\r\n"))
            #expect(try other.response().status == 401)
            gateway.stop()
            let asked = try #require(vendor.heads.last)
            #expect(asked.contains("Sec-WebSocket-Protocol: realtime\r\n"), "\(asked)")
            #expect(!asked.contains(keys[0]))
            #expect(try gateway.record.files(holding: keys[0]).isEmpty)
            #expect(try gateway.record.records().contains { $0.status == 101 && $0.key == "k" })
        }
        #expect(vendor.heads.count == 2)
    }
}
