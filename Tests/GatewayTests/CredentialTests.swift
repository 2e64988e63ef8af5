import Support
import Testbed
import Testing

@Suite("Credentials")
struct CredentialTests {
    private static let all =
        "Authorization: Bearer client-canary\r\nX-Api-Key: client-canary\r\n"
        + "x-goog-api-key: client-canary\r\napi-key: client-canary\r\n"

    private static func seen(
        _ credential: String, _ path: String
    ) throws -> (fields: VendorView.Request, response: RawResponse, log: [String]) {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, credential: credential)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            Request.chat(path: path, extra: all)
        )
        return (try vendor.statistics().requests[0], response, gateway.log.lines)
    }

    private static let paths = [
        "/v1/chat/completions?key=client-canary&a=b", "/v1/messages?key=client-canary&a=b",
        "/v1beta/models/m:generateContent?%6bey=client-canary&a=b",
    ]

    @Test("of ours replaces everything that may carry the client's", arguments: paths)
    func own(_ path: String) throws {
        let (request, _, _) = try Self.seen("gateway-canary", path)
        let everything = request.target + request.fields.map { "\($0.name): \($0.value)" }.joined()
        #expect(!everything.contains("client-canary"))
        #expect(everything.contains("a=b"))
        let carriers = request.fields.filter { $0.value.contains("gateway-canary") }
        #expect(carriers.count == 1)
        let expected = [
            "/v1/chat": "Authorization", "/v1/mess": "x-api-key", "/v1beta/": "x-goog-api-key",
        ]
        #expect(carriers[0].name == expected[String(path.prefix(8))])
    }

    @Test("none takes the client's out too", arguments: paths)
    func none(_ path: String) throws {
        let (request, _, _) = try Self.seen("none", path)
        let everything = request.target + request.fields.map { "\($0.name): \($0.value)" }.joined()
        #expect(!everything.contains("canary"))
    }

    @Test("of the client passes as it came, in the fields of its dialect", arguments: paths)
    func client(_ path: String) throws {
        let (request, _, _) = try Self.seen("client", path)
        let isOpenAI = path.hasPrefix("/v1/chat")
        let isAnthropic = path.hasPrefix("/v1/mess")
        let isGemini = path.hasPrefix("/v1beta")
        #expect(request["authorization"] == "Bearer client-canary")
        #expect(request["api-key"] == (isOpenAI ? "client-canary" : nil))
        #expect(request["x-api-key"] == (isAnthropic ? "client-canary" : nil))
        #expect(request["x-goog-api-key"] == (isGemini ? "client-canary" : nil))
        #expect(request.target.hasSuffix("=client-canary&a=b") == isGemini)
    }

    @Test("never show in an answer of ours or in the log", arguments: ["client", "gateway-canary"])
    func leaks(_ credential: String) throws {
        let port = try ByteVendor.closedPort()
        let gateway = try TestGateway(vendor: port, credential: credential)
        defer { gateway.stop() }
        for path in Self.paths {
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(path: path, extra: Self.all)
            )
            #expect(response.status == 502)
            let shown = response.text + response.fields.map { "\($0)" }.joined()
            #expect(!shown.contains("canary"))
        }
        #expect(gateway.log.lines.count == 3)
        #expect(!gateway.log.lines.joined().contains("canary"))
    }
}
