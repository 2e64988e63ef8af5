import Access
import Cryptography
import ExchangeCore
import LogStore
import Primitives
import Support
import Telemetry
import Testbed
import Testing

/// Keys of clients: who is let in, and what becomes of the key.
@Suite("Client keys")
struct ClientKeyTests {
    /// A key of its own for each seed.
    static func key(_ seed: UInt64) -> String {
        var source = RandomSource(seed: seed)
        return ClientKey.make(
            from: (0..<ClientKey.randomBytes).map { _ in
                UInt8.random(in: .min ... .max, using: &source)
            })
    }

    /// The lines of a key.
    static func lines(_ name: String, _ key: String, _ rest: String = "") -> String {
        var digest = Digest()
        digest.add(Array(key.utf8).span)
        return "[keys.\(name)]\ndigest = \"sha256:\(digest.finish())\"\n\(rest)\n"
    }

    static func gateway(
        _ vendor: Int, _ keys: String, credential: String = "env:gateway-secret",
        server: String = ""
    ) throws -> TestGateway {
        let vendors = ["openai", "anthropic", "gemini"].map { name in
            """
            [vendors.\(name)]
            base_url = "http://127.0.0.1:\(vendor)\(name == "openai" ? "/v1" : "")"
            credential = "\(credential)"

            """
        }
        return try TestGateway("[server]\n\(server)\n\(vendors.joined())\(keys)")
    }

    private static let paths = [
        "/v1/chat/completions", "/v1/messages", "/v1beta/models/m:generateContent",
    ]

    private static func carriers(_ key: String) -> [(query: String, fields: String)] {
        [
            ("", "x-weir-key: \(key)\r\n"), ("", "X-Weir-Key: Bearer \(key)\r\n"),
            ("", "Authorization: Bearer \(key)\r\n"), ("", "authorization: bearer \(key)\r\n"),
            ("", "x-api-key: \(key)\r\n"), ("", "api-key: \(key)\r\n"),
            ("", "x-goog-api-key: \(key)\r\n"), ("?key=\(key)", ""), ("?a=b&%6bey=\(key)", ""),
            ("?key=\(key)&key=\(key)", ""),
            ("", "x-api-key: \(key)\r\napi-key: \(key)\r\n"),
        ]
    }

    @Test("are taken from every carrier, and reach no vendor, log or file", arguments: paths)
    func carriers(_ path: String) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = Self.key(1)
        let gateway = try Self.gateway(vendor.port, Self.lines("ci", key))
        for (query, fields) in Self.carriers(key) {
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(path: path + query, extra: fields))
            #expect(response.status == 200, "\(path) \(fields) \(response.text)")
        }
        let view = try vendor.statistics()
        #expect(view.requestCount == Self.carriers(key).count)
        for request in view.requests {
            let all = request.target + request.fields.map { "\($0.name): \($0.value)" }.joined()
            #expect(!all.contains(key) && !all.lowercased().contains("x-weir"))
            #expect(all.contains("gateway-secret"))
        }
        gateway.stop()
        #expect(!gateway.log.lines.joined().contains(key))
        #expect(try gateway.record.files(holding: key).isEmpty)
        let records = try gateway.record.records()
        // Without a limit of tokens or money it is charged what the record knows.
        #expect(records.allSatisfy { $0.key == "ci" && $0.chargeBasis == "reported" })
        #expect(records.allSatisfy { $0.chargedTokens == $0.usage.chargedTokens })
    }

    @Test("are asked for, in the words of each dialect", arguments: paths)
    func refusals(_ path: String) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = Self.key(1)
        let gateway = try Self.gateway(vendor.port, Self.lines("ci", key))
        defer { gateway.stop() }
        let wrong = key.dropLast() + (key.hasSuffix("A") ? "B" : "A")
        for (fields, code) in [
            ("", "missing_api_key"), ("x-weir-key: \(Self.key(2))\r\n", "invalid_api_key"),
            ("Authorization: Bearer \(wrong)\r\n", "malformed"),
            ("x-api-key: \(key.prefix(20)) \(key.dropFirst(20))\r\n", "malformed"),
            ("x-weir-key: sk-other\r\n", "invalid_api_key"),
            ("Authorization: Bearer \(key), \(key)\r\n", "malformed"),
            // One credential decides, and no later one is tried.
            ("x-weir-key: \(Self.key(2))\r\nAuthorization: Bearer \(key)\r\n", "several_api_keys"),
            ("x-weir-key: sk-other\r\nAuthorization: Bearer \(key)\r\n", "several_api_keys"),
            ("Authorization: Bearer sk-other\r\nx-api-key: \(key)\r\n", "several_api_keys"),
            // Which of two is wrong, and where a key goes beside a vendor's credential.
            (
                "Authorization: Bearer sk-other\r\nx-api-key: \(key)\r\n",
                "Authorization comes first and holds no key of this gateway's"
            ),
            ("Authorization: Basic \(key)\r\n", "invalid_api_key"),
        ] {
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(path: path, extra: fields))
            #expect(response.status == 401, "\(fields)")
            #expect(response.text.contains(code), "\(fields) \(response.text)")
            #expect(response["x-should-retry"] == "false")
            #expect(response["www-authenticate"] == "Bearer realm=\"weir\"")
            let word = ["/v1/messages": "authentication_error", Self.paths[2]: "UNAUTHENTICATED"]
            #expect(response.text.contains(word[path] ?? "invalid_request_error"))
            #expect(!response.text.contains(key))
        }
        #expect(try vendor.statistics().requestCount == 0)
    }

    @Test("in the gateway's own field leave the client's credential to its vendor")
    func subscription() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = Self.key(1)
        let gateway = try Self.gateway(
            vendor.port, Self.lines("ci", key), credential: "client")
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            Request.chat(
                path: "/v1/messages",
                extra: "x-weir-key: \(key)\r\nAuthorization: Bearer oauth-token\r\n"))
        #expect(response.status == 200)
        let seen = try #require(try vendor.statistics().requests.first)
        #expect(seen["authorization"] == "Bearer oauth-token" && seen["x-weir-key"] == nil)
        // The same key twice is one; it goes to no vendor from either field.
        let both = try RawConnection(port: gateway.port).exchange(
            Request.chat(
                path: "/v1/messages?key=\(key)",
                extra: "x-weir-key: \(key)\r\nx-api-key: \(key)\r\nCookie: a=\(key)\r\n"))
        #expect(both.status == 200)
        let last = try #require(try vendor.statistics().requests.last)
        #expect(last["x-api-key"] == nil && !last.target.contains("weir_"))
    }

    @Test("expire, and say so only to those that show them")
    func expiry() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let (old, new) = (Self.key(1), Self.key(2))
        let gateway = try Self.gateway(
            vendor.port,
            Self.lines("old", old, "expires = 2020-01-01")
                + Self.lines("new", new, "expires = 2999-01-01"))
        defer { gateway.stop() }
        for (key, status) in [(old, 401), (new, 200)] {
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(extra: "x-weir-key: \(key)\r\n"))
            #expect(response.status == status)
            #expect(response.text.contains("expired_api_key") == (status == 401))
        }
    }

    @Test("are refused for chains and models that they may not use")
    func allowed() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...3).map(Self.key)
        let gateway = try TestGateway(
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            credential = "env:gateway-secret"
            [vendors.gemini]
            base_url = "http://127.0.0.1:\(vendor.port)"
            credential = "env:gateway-secret"
            [[chains]]
            name = "chat"
            targets = [{ vendor = "openai" }, { vendor = "gemini" }]
            \(Self.lines("all", keys[0]))
            \(Self.lines("mini", keys[1], "models = [\"*-mini\"]"))
            \(Self.lines("other", keys[2], "chains = [\"batch\"]"))
            """)
        defer { gateway.stop() }
        let gemini = "/v1beta/models/gpt-4o:generateContent"
        for (key, path, code) in [
            (0, "/v1/chat/completions", nil), (1, "/v1/chat/completions", "model_not_allowed"),
            (2, "/v1/chat/completions", "chain_not_allowed"), (0, gemini, nil),
            (1, gemini, "model_not_allowed"),
            (1, "/v1beta/models/gpt%2D4o:generateContent", "model_not_allowed"),
            (1, "/v1beta/models/g-mini:generateContent", nil),
        ] {
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(path: path, extra: "x-weir-key: \(keys[key])\r\n"))
            #expect(response.status == (code == nil ? 200 : 403), "\(key) \(path)")
            if let code { #expect(response.text.contains(code)) }
        }
        let list = try RawConnection(port: gateway.port).exchange(
            Request.get("/v1/models", "x-weir-key: \(keys[1])\r\n"))
        #expect(list.status == 200, "a request that names no model is none for one")
    }

    @Test("that may ask for certain models have no other one work, named or not")
    func otherModels() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = Self.key(1)
        let gateway = try Self.gateway(
            vendor.port, Self.lines("mini", key, "models = [\"small\", \"mini-*\"]"))
        defer { gateway.stop() }
        for (path, body, status) in [
            ("/v1/chat/completions", #"{"model":"small","messages":[]}"#, 200),
            ("/v1/chat/completions", #"{"messages":[]}"#, 403),
            ("/v1/chat/completions", #"{"model":null,"messages":[]}"#, 403),
            ("/v1/chat/completions", #"{"model":"small","models":["large"]}"#, 403),
            ("/v1/chat/completions", #"{"model":"small","models":["mini-1"]}"#, 200),
            ("/v1/chat/completions", #"{"model":"small","models":{"0":["large"]}}"#, 403),
            ("/v1/chat/completions", #"{"model":"small","models":"large"}"#, 403),
            ("/v1/chat/completions", #"{"model":"small","models":[{"id":"large"}]}"#, 403),
            ("/v1/chat/completions", #"{"model":"small","fallback_model":"large"}"#, 403),
            ("/v1/chat/completions", #"{"model":"small","x":{"fallback":{"on":"large"}}}"#, 403),
            ("/v1/chat/completions", #"{"model":"small","model\u0000x":"large"}"#, 400),
            ("/v1/chat/completions", #"{"model":"small","models\u0000":["large"]}"#, 403),
            ("/v1/chat/completions", #"{"model":"small","fallbacks":[],"models":null}"#, 200),
            ("/v1/responses", #"{"model":"small","tools":[{"type":"x","model":"large"}]}"#, 403),
            ("/v1/responses", #"{"prompt":{"id":"p"}}"#, 403),
            ("/v1/threads/runs", #"{"assistant_id":"a"}"#, 403),
            ("/v1/batches", #"{"input_file_id":"f"}"#, 403),
            (
                "/v1beta/models/small:batchEmbedContents",
                #"{"requests":[{"model":"models/large"}]}"#, 403
            ),
        ] {
            let response = try RawConnection(port: gateway.port).exchange(
                "POST \(path) HTTP/1.1\r\nHost: localhost\r\nx-weir-key: \(key)\r\n"
                    + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
                    + "\r\n\(body)")
            #expect(response.status == status, "\(path) \(body) \(response.text)")
            if status == 403 { #expect(response.text.contains("model_not_allowed")) }
        }
    }

    @Test("reach neither a vendor nor the record, wherever a client has put them")
    func misplaced() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = Self.key(1)
        let gateway = try Self.gateway(vendor.port, Self.lines("ci", key))
        for field in [
            "Accept: \(key)", "Accept: a/b; c=\(key)", "X-Note: abc\(key)", "X-Note: a-\(key)def",
            "Traceparent: 00-\(key)", "X-\(key): a", "\(key): a",
        ] {
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(extra: "x-weir-key: \(key)\r\n\(field)\r\n"))
            #expect(response.status == 200, "\(field)")
        }
        gateway.stop()
        #expect(try gateway.record.files(holding: String(key.dropFirst(5))).isEmpty)
    }

    @Test("need not be shown by a listed page's preflight, and are by all else")
    func preflights() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = Self.key(1)
        let gateway = try Self.gateway(
            vendor.port, Self.lines("ci", key), server: "origins = [\"https://app.example\"]")
        defer { gateway.stop() }
        for (origin, method, status) in [
            ("https://app.example", "OPTIONS", 204), ("https://app.example", "POST", 401),
            ("https://other.example", "OPTIONS", 401),
        ] {
            let response = try RawConnection(port: gateway.port).exchange(
                "\(method) /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                    + "Origin: \(origin)\r\nAccess-Control-Request-Method: POST\r\n"
                    + "Content-Length: 0\r\n\r\n")
            #expect(response.status == status, "\(origin) \(method)")
        }
    }

    @Test("that a reading of the configuration takes away are refused from then on")
    func revocation() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...2).map(Self.key)
        func toml(_ kept: String) -> String {
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            credential = "env:gateway-secret"
            \(kept)
            """
        }
        let both = Self.lines("one", keys[0]) + Self.lines("two", keys[1])
        let gateway = try TestGateway(toml(both))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        func status(_ key: Int) throws -> Int {
            try client.exchange(Request.chat(extra: "x-weir-key: \(keys[key])\r\n")).status
        }
        #expect(try status(0) == 200 && status(1) == 200)
        try gateway.adopt(toml(Self.lines("one", keys[0])))
        #expect(try status(0) == 200)
        #expect(try status(1) == 401)
    }

    @Test("of an unknown client cost no body: it is refused at the head")
    func earlyRefusal() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor.port, Self.lines("ci", Self.key(1)))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                + "Content-Length: 1000000\r\n\r\n")
        #expect(response.status == 401 && response.informational.isEmpty)
        #expect(response["connection"] == "close")
        #expect(gateway.metrics.refused.current == 1)
        #expect(gateway.outcomes(.refused) == 0)
    }
}
