import Config
import Support
import Testbed
import Testing

@testable import Gateway

/// Which names and which web pages a gateway answers to.
@Suite("Who may call")
struct CallerPolicyTests {
    private static func policy(
        hosts: [String] = [], origins: [String] = []
    ) -> CallerPolicy {
        var server = Configuration.Server()
        server.hosts = hosts
        server.origins = origins
        return CallerPolicy(server)
    }

    private static func refuses(
        _ policy: CallerPolicy, _ host: String, on listen: String
    ) -> Bool {
        ParsedHead("GET /", fields: "Host: \(host)\r\n").with {
            policy.refusesHost(of: $0, onLoopback: Configuration.isLoopback(listen))
        }
    }

    @Test("on loopback only by its own names, with any port")
    func hosts() {
        for listen in ["127.0.0.1:8080", "[::1]:80", "localhost:1", "127.8.9.1:1"] {
            let policy = Self.policy(hosts: ["weir.internal", "*.corp"])
            for host in [
                "localhost", "LOCALHOST:8080", "a.localhost", "a.b.localhost:1", "localhost.",
                "127.0.0.1", "127.0.0.1:65535", "127.255.1.2", "[::1]", "[::1]:8080",
                "[0:0:0:0:0:0:0:1]", "[0000::0001]:80", "[::ffff:127.0.0.1]", "[::FFFF:7f00:1]:1",
                "host.docker.internal:8080", "weir.internal", "Weir.Internal:1", "a.corp",
            ] { #expect(!Self.refuses(policy, host, on: listen), "\(host)") }
            for host in [
                "evil.example", "localhost.evil.example", "evil-localhost", "127.0.0.1.nip.io",
                "127.0.0.256", "127.1", "0.0.0.0", "10.0.0.1", "[::]", "[::2]:1", "", "corp",
                "weir.internal.evil", "docker.internal", "128.0.0.1", "xlocalhost",
                "[::1].evil.com", "[::ffff:10.0.0.1]", "[::ffff:1.127.0.0]", "[::1%lo]",
                "[fe80::1]",
                "[::1]evil.com:80", "localhost:evil.com", "localhost:80:evil",
            ] { #expect(Self.refuses(policy, host, on: listen), "\(host)") }
        }
        for listen in ["0.0.0.0:8080", "[::]:80", "10.0.0.1:80"] {
            #expect(!Self.refuses(Self.policy(), "any.example", on: listen))
        }
    }

    @Test("the authority of a target counts as much as the Host field")
    func authority() {
        let policy = Self.policy()
        for (target, isRefused) in [
            ("http://evil.example/v1/models", true), ("http://localhost:1/v1/models", false),
            ("HTTPS://evil.example:1/", true), ("/v1/models", false),
        ] {
            ParsedHead("GET \(target)").with {
                #expect(policy.refusesHost(of: $0, onLoopback: true) == isRefused, "\(target)")
            }
        }
    }

    @Test("origins are foreign unless a pattern names them, whole")
    func origins() {
        let policy = Self.policy(origins: ["https://app.example", "vscode-webview://*"])
        for (fields, origin) in [
            ("", CallerPolicy.Origin.none), ("Origin: https://app.example\r\n", .allowed),
            ("Origin: HTTPS://App.Example\r\n", .allowed),
            ("Origin: vscode-webview://abc123\r\n", .allowed),
            ("Origin: https://app.example.evil\r\n", .foreign),
            ("Origin: http://app.example\r\n", .foreign), ("Origin: null\r\n", .foreign),
            ("Origin: \r\n", .foreign), ("Origin: https://app.example, x\r\n", .foreign),
            ("Origin: https://app.example\r\nOrigin: https://evil\r\n", .foreign),
            ("Origin: https://evil\r\nOrigin: https://app.example\r\n", .foreign),
        ] {
            ParsedHead("GET /", fields).with {
                #expect(policy.origin(of: $0) == origin, "\(fields)")
            }
        }
    }

    private static func gateway(
        _ vendor: ScriptedVendor, credential: String, server: String = ""
    ) throws -> TestGateway {
        try TestGateway(vendor: vendor.port, server: server, credential: credential)
    }

    @Test("a foreign name is answered 421 in the path's dialect, and goes nowhere")
    func misdirected() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor, credential: "client")
        defer { gateway.stop() }
        for path in ["/v1/chat/completions", "/v1/messages", "/healthz"] {
            let request = Request.chat(path: path).replacing("localhost", with: "rebound.example")
            let response = try RawConnection(port: gateway.port).exchange(request)
            #expect(response.status == 421, "\(response)")
            #expect(response.text.contains("unknown_host"))
        }
        #expect(try vendor.statistics().requestCount == 0)
    }

    @Test("a page of a foreign origin spends no credential of the gateway's")
    func foreignPages() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        for (credential, origins, status) in [
            ("env:gateway-canary", "", 403), ("env:gateway-canary", "https://app.example", 403),
            ("client", "", 200), ("none", "", 200), ("env:gateway-canary", "https://evil.*", 200),
        ] {
            let gateway = try Self.gateway(
                vendor, credential: credential,
                server: "origins = [\"\(origins)\"]"
                    .replacing("[\"\"]", with: "[]"))
            defer { gateway.stop() }
            for path in ["/v1/chat/completions", "/v1/messages"] {
                let before = try vendor.statistics().requestCount
                let response = try RawConnection(port: gateway.port).exchange(
                    Request.chat(path: path, extra: "Origin: https://evil.example\r\n"))
                #expect(response.status == status, "\(credential) \(origins)")
                #expect(try vendor.statistics().requestCount - before == (status == 200 ? 1 : 0))
                let isAllowed = response["access-control-allow-origin"] != nil
                #expect(isAllowed == origins.contains("evil"))
            }
        }
    }

    @Test("a page that may call gets CORS answers of ours instead of the vendor's")
    func cors() throws {
        let vendor = try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\n"
                        + "access-control-expose-headers: x\r\nX-Own: 1\r\n\r\nok")
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port, server: "origins = [\"https://app.example\"]",
            credential: "env:gateway-canary")
        defer { gateway.stop() }
        let origin = "Origin: https://app.example\r\n"
        let client = try RawConnection(port: gateway.port)
        let preflight = try client.exchange(
            "OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n\(origin)"
                + "Access-Control-Request-Method: POST\r\n"
                + "Access-Control-Request-Headers: authorization,x-stainless-os\r\n"
                + "Access-Control-Request-Private-Network: true\r\n\r\n")
        #expect(preflight.status == 204)
        #expect(preflight["access-control-allow-origin"] == "https://app.example")
        #expect(preflight["access-control-allow-headers"] == "authorization,x-stainless-os")
        #expect(preflight["access-control-allow-private-network"] == "true")
        #expect(preflight["access-control-allow-methods"]?.contains("POST") == true)
        let answer = try client.exchange(Request.chat(extra: origin))
        #expect(answer.text == "ok" && answer["x-own"] == "1")
        #expect(answer["access-control-allow-origin"] == "https://app.example")
        #expect(answer["access-control-expose-headers"] == "*")
        #expect(answer["vary"] == "Origin")
        // Our own errors can be read by the page, too.
        let refused = try client.exchange(Request.get("/nowhere", origin))
        #expect(refused.status == 404)
        #expect(refused["access-control-allow-origin"] == "https://app.example")
        // The next request on the connection has no origin, and no such fields of ours.
        let plain = try client.exchange(Request.chat())
        #expect(plain["access-control-allow-origin"] == "*")
    }
}
