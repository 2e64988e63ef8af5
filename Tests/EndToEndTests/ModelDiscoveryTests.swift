import Glibc
import JSON
import Support
import Testing

/// What the program lists where chains leave the model to the client.
@Suite("Discovery of models")
struct ModelDiscoveryTests {
    private static let question = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"

    private static let alone = "workers = 2\nbuiltin_vendors = false"

    private static func toml(_ port: Int, _ more: String = "") -> String {
        """
        [vendors.v]
        dialect = "openai"
        base_url = "http://127.0.0.1:\(port)/v1"
        credential = "none"
        [vendors.unused]
        dialect = "openai"
        base_url = "http://127.0.0.1:\(port)/unused"
        credential = "none"
        \(more)
        [[chains]]
        name = "c"
        models = ["gpt-*", "own"]
        targets = [{ vendor = "v" }]
        """
    }

    private static func names(_ answer: RawResponse) throws -> [String] {
        (try JSONValue(parsing: answer.text)["data"]?.elements ?? []).compactMap { $0["id"]?.text }
    }

    @Test("asks the vendors of chains at the first question, which waits for them, and no sooner")
    func first() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(Self.toml(vendor.port), server: Self.alone)
        #expect(try vendor.statistics().requestCount == 0)
        for _ in 0..<4 {
            let answer = try RawConnection(port: gateway.port).exchange(Self.question)
            #expect(answer.status == 200)
            #expect(try Self.names(answer) == ["own", "gpt-4o", "gpt-4o-mini"])
        }
        #expect(try vendor.statistics().requestCount == 1)
        // What is known stands through a reload that leaves the vendor as it was.
        try gateway.reload(Self.toml(vendor.port, "[models.fast]\nmodel = \"gpt-4o\""))
        try gateway.process.awaitLine(" reloaded ")
        let again = try RawConnection(port: gateway.port).exchange(Self.question)
        #expect(try Self.names(again) == ["fast", "own", "gpt-4o", "gpt-4o-mini"])
        #expect(try vendor.statistics().requestCount == 1)
    }

    @Test("asks them ahead of the first question where the file orders a list")
    func ahead() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            Self.toml(vendor.port), server: "\(Self.alone)\nmodels = \"own\"")
        #expect(
            try Patience.await(everyMilliseconds: 20) {
                try vendor.statistics().requestCount == 1
            })
        let answer = try RawConnection(port: gateway.port).exchange(Self.question)
        #expect(try Self.names(answer) == ["own", "gpt-4o", "gpt-4o-mini"])
        #expect(try vendor.statistics().requestCount == 1)
    }

    @Test("answers without a vendor that says nothing, or no list, and says so once")
    func silent() throws {
        let silent = try ByteVendor { connection, _ in _ = try? connection.takeToEnd() }
        defer { silent.stop() }
        let gateway = try GatewayProcess(Self.toml(silent.port), server: Self.alone)
        let answer = try RawConnection(port: gateway.port).exchange(Self.question)
        #expect(try Self.names(answer) == ["own"])
        let failing = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
        }
        defer { failing.stop() }
        try gateway.reload(Self.toml(failing.port))
        try gateway.process.awaitLine(" reloaded ")
        for _ in 0..<4 {
            let other = try RawConnection(port: gateway.port).exchange(Self.question)
            #expect(try other.status == 200 && Self.names(other) == ["own"])
        }
        try gateway.process.awaitLine("models cannot be listed")
        let lines = gateway.process.text.split(separator: "\n")
        #expect(lines.count { $0.contains("models cannot be listed") } == 1)
        #expect(!gateway.process.text.contains("cooldown"))
    }

    @Test("changes who lists models, and whether WebSockets are served, with a reload")
    func reloaded() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(Self.toml(vendor.port), server: Self.alone)
        func status(_ request: String) throws -> Int {
            try RawConnection(port: gateway.port).exchange(request).status
        }
        let handshake =
            "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            + "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        let realtime = handshake.replacing("/v1/models", with: "/v1/realtime?model=gpt-4o")
        #expect(try status(Self.question) == 200)
        let text = Repository.text(at: gateway.configurationPath)
        try gateway.rewrite(
            text.replacing(
                "[server]", with: "[server]\nmodels = \"vendor\"\ntunnels = \"refuse\""))
        gateway.process.signal(SIGHUP)
        try gateway.process.awaitLine(" reloaded ")
        #expect(try status(Self.question) == 404)
        #expect(try status(realtime) == 426)
        #expect(!gateway.process.text.contains("wait for a restart"))
    }
}
