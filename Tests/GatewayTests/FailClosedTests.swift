import Codings
import Config
import Support
import Testbed
import Testing

/// A request without a clear route is refused, with the reason.
@Suite("Routing fails closed")
struct FailClosedTests {
    private static func json(
        _ method: String, _ path: String, _ body: String, _ fields: String = ""
    ) -> String {
        "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    private static func bytes(_ head: String, _ body: [UInt8]) -> [UInt8] {
        let text =
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n\(head)"
            + "Content-Length: \(body.count)\r\n\r\n"
        return Array(text.utf8) + body
    }

    private static func exchange(_ gateway: TestGateway, _ request: [UInt8]) throws -> RawResponse {
        let client = try RawConnection(port: gateway.port)
        try client.send(request)
        return try client.response()
    }

    /// Two vendors: one that the chain names for small models, the default one of the dialect.
    private static func chained(
        _ small: Int, _ other: Int, server: String = "", target: String = ""
    ) throws -> TestGateway {
        try TestGateway(
            """
            [server]
            models = "vendor"
            \(server)
            [vendors.openai]
            base_url = "http://127.0.0.1:\(other)/v1"
            [vendors.small]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(small)/v1"
            credential = "none"
            [[chains]]
            name = "small"
            models = ["*-mini"]
            targets = [{ vendor = "small"\(target) }]
            """)
    }

    @Test("paths that are no vendor's go to none, and the answer says what would route them")
    func nobodys() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        for credential in ["client", "env:gateway-canary"] {
            let gateway = try TestGateway(vendor: vendor.port, credential: credential)
            defer { gateway.stop() }
            for (method, path) in [
                ("HEAD", "/"), ("HEAD", "/api/hello"), ("GET", "/healthz"), ("POST", "/api/chat"),
                ("POST", "/v1/projects/p/locations/l/publishers/google/models/m:rawPredict"),
                ("POST", "/model/anthropic.claude-x/invoke"), ("GET", "/"), ("POST", "/v2/chat"),
            ] {
                let client = try RawConnection(port: gateway.port)
                let response = try client.exchange(
                    Self.json(method, path, "{}", "Authorization: Bearer k\r\n"),
                    isHead: method == "HEAD")
                #expect(response.status == 404, "\(method) \(path)")
                if method != "HEAD" { #expect(response.text.contains("no_route")) }
            }
        }
        #expect(try vendor.statistics().requestCount == 0)
    }

    @Test("TRACE and TRACK are refused, byte by byte, too", arguments: ["TRACE", "TRACK"])
    func tracing(_ method: String) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let request = "\(method) /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for isCut in [false, true] {
            let client = try RawConnection(port: gateway.port)
            if isCut {
                for byte in request.utf8.prefix(method.utf8.count) { try client.send([byte]) }
                try client.send(Array(request.utf8.dropFirst(method.utf8.count)))
            } else {
                try client.send(request)
            }
            let response = try client.response()
            #expect(response.status == 405, "\(response)")
            #expect(response["allow"]?.contains("POST") == true)
        }
        #expect(try vendor.statistics().requestCount == 0)
    }

    @Test("dot segments are refused where they could lead to another path, and pass elsewhere")
    func dotSegments() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        for credential in ["client", "env:gateway-canary", "none"] {
            let gateway = try TestGateway(vendor: vendor.port, credential: credential)
            defer { gateway.stop() }
            for (path, dialect) in [
                ("/v1/files/../models", "openai"), ("/v1/files/%2e%2e/models", "openai"),
                ("/v1/messages/../messages", "anthropic"),
                ("/v1/messages/x/%2E%2e", "anthropic"),
            ] {
                let response = try RawConnection(port: gateway.port).exchange(
                    Self.json("POST", path, "{}"))
                // The base of the openai vendor has a path; the other's has none.
                let isRefused = dialect == "openai" || credential != "client"
                #expect((response.status == 400) == isRefused, "\(credential) \(path)")
                #expect(response.text.contains("dot_segments") == isRefused)
            }
        }
    }

    @Test("a credential in a path goes to no vendor but the caller's own")
    func pathCredentials() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        for credential in ["client", "env:gateway-canary", "none"] {
            let gateway = try TestGateway(vendor: vendor.port, credential: credential)
            defer { gateway.stop() }
            for (path, holds) in [
                ("/v1/chat/completions;key=canary", true), ("/v1/x/https://u:canary@h/", true),
                ("/v1/x/https%3A%2F%2Fu%3Acanary%40h", true), ("/v1/x/%6Bey=canary", true),
                ("/v1/x/a@b", false), ("/v1/models/ft:a%20b", false), ("/v1/x/y;v=1", false),
                ("/v1/files/sk-0123456789abcdefghij", false),
            ] {
                let response = try RawConnection(port: gateway.port).exchange(
                    Self.json("POST", path, "{}"))
                let isRefused = holds && credential != "client"
                #expect((response.status == 400) == isRefused, "\(credential) \(path)")
                #expect(response.text.contains("credential_in_path") == isRefused)
                #expect((response["x-weir-attempts"] ?? "0" == "0") == isRefused)
            }
        }
    }

    @Test("another vendor's key is answered 401 here, and what is left of one stays behind")
    func foreignKeys() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        for (path, fields) in [
            ("/v1/chat/completions", "Authorization: Bearer sk-ant-canary\r\n"),
            ("/v1/chat/completions?key=AIzaCanary", ""),
            ("/v1/messages", "x-api-key: AIzaCanary\r\n"),
            ("/v1beta/models/m:generateContent", "Authorization: Bearer sk-canary\r\n"),
        ] {
            let response = try RawConnection(port: gateway.port).exchange(
                Self.json("POST", path, "{}", fields))
            #expect(response.status == 401 && response.text.contains("credential_of_another"))
        }
        #expect(try vendor.statistics().requestCount == 0)
        _ = try RawConnection(port: gateway.port).exchange(
            Self.json(
                "POST", "/v1/messages?key=canary&a=b", "{}",
                "x-api-key: mine\r\nx-goog-api-key: canary\r\napi-key: canary\r\n"
                    + "X-Forwarded-Access-Token: canary\r\nCookie: mine=1\r\n"))
        let seen = try #require(try vendor.statistics().requests.first)
        let all = seen.target + seen.fields.map { "\($0.name): \($0.value)" }.joined()
        #expect(!all.contains("canary"), "\(all)")
        #expect(seen["x-api-key"] == "mine" && seen["cookie"] == "mine=1")
        #expect(seen.target.contains("a=b"))
    }

    @Test("a chain that is chosen by the model finds it wherever it stands")
    func models() throws {
        let small = try ScriptedVendor()
        let other = try ScriptedVendor()
        defer {
            small.stop()
            other.stop()
        }
        let gateway = try Self.chained(
            small.port, other.port, server: "replay_limit = \"256KiB\"\nmax_body = \"8MiB\"")
        defer { gateway.stop() }
        let pad = String(repeating: "x", count: 200_000)
        let plain = #"{"messages":[{"content":"\#(pad)"}],"model":"gpt-mini"}"#
        let form =
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n\(pad)\r\n"
            + "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-mini\r\n--B--\r\n"
        let large = #"{"model":"gpt-mini","pad":"\#(String(repeating: pad, count: 20))"}"#
        let json = "Content-Type: application/json\r\n"
        let gzip = try #require(Gzip.compress(Array(plain.utf8)))
        for request in [
            Self.bytes(json, Array(plain.utf8)),
            Self.bytes("Content-Type: multipart/form-data; boundary=B\r\n", Array(form.utf8)),
            Self.bytes("\(json)Content-Encoding: gzip\r\n", gzip),
            Self.bytes(json, Array(large.utf8)),
            Self.bytes(json, Array("\u{FEFF}{\"t\":NaN,\"model\":\"gpt-mini\"}".utf8)),
        ] {
            let before = try small.statistics().requestCount
            let response = try Self.exchange(gateway, request)
            #expect(response["x-weir-vendor"] == "small", "\(response)")
            #expect(try small.statistics().requestCount == before + 1)
        }
        // What the vendor gets is the client's own bytes.
        let last = try small.statistics().requests.map(\.bodyBytes)
        #expect(last == [plain.utf8.count, form.utf8.count, gzip.count, large.utf8.count, 31])
        #expect(try other.statistics().requestCount == 0)
    }

    @Test("a model that cannot be read is refused with the reason, and goes to no default vendor")
    func unreadable() throws {
        let small = try ScriptedVendor()
        let other = try ScriptedVendor()
        defer {
            small.stop()
            other.stop()
        }
        let gateway = try Self.chained(
            small.port, other.port, server: "replay_limit = \"256KiB\"\nmax_body = \"8MiB\"")
        defer { gateway.stop() }
        let json = "Content-Type: application/json\r\n"
        let late = #"{"pad":"\#(String(repeating: "x", count: 600_000))","model":"gpt-mini"}"#
        let zeros = try #require(Gzip.compress([UInt8](repeating: 0x20, count: 80 << 20)))
        for (status, request) in [
            (413, Self.bytes(json, Array(late.utf8))),
            (400, Self.bytes(json, Array("garbage".utf8))),
            (400, Self.bytes(json, Array(#"{"model":"a-mini","model":"gpt-4"}"#.utf8))),
            (415, Self.bytes("\(json)Content-Encoding: x-thing\r\n", Array("{}".utf8))),
            (
                400,
                Self.bytes("\(json)Content-Encoding: gzip\r\n", Array(#"{"model":"a-mini"}"#.utf8))
            ),
            (413, Self.bytes("\(json)Content-Encoding: gzip\r\n", zeros)),
            (400, Self.bytes("Content-Type: multipart/form-data\r\n", Array("x".utf8))),
        ] {
            let response = try Self.exchange(gateway, request)
            #expect(response.status == status, "\(response)")
            #expect(response.text.contains("model_unreadable"))
        }
        #expect(try small.statistics().requestCount == 0)
        #expect(try other.statistics().requestCount == 0)
        // A request that has no model is not unreadable.
        for request in [
            Request.get("/v1/models"), Self.json("POST", "/v1/chat/completions", "{}"),
        ] {
            let response = try Self.exchange(gateway, Array(request.utf8))
            #expect(response["x-weir-vendor"] == "openai")
        }
    }

    @Test("with chains an unnamed request never gets a credential of the gateway's")
    func unnamed() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        for (credential, headers, status) in [
            ("client", "", 200), ("env:gateway-canary", "", 404), ("none", "", 404),
            ("client", "headers = { \"X-Extra\" = \"env:gateway-canary\" }", 404),
        ] {
            let gateway = try TestGateway(
                """
                [vendors.openai]
                base_url = "http://127.0.0.1:\(vendor.port)/v1"
                credential = "\(credential)"
                \(headers)
                [[chains]]
                name = "only"
                models = ["gpt-mini"]
                targets = [{ vendor = "openai" }]
                """)
            defer { gateway.stop() }
            let response = try RawConnection(port: gateway.port).exchange(Request.chat())
            #expect(response.status == status, "\(credential)")
            if status == 404 { #expect(response.text.contains("no_chain")) }
            let named = try RawConnection(port: gateway.port).exchange(
                Self.json("POST", "/v1/chat/completions", #"{"model":"gpt-mini"}"#))
            #expect(named.status == 200)
        }
    }
}
