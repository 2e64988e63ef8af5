import LogStore
import Support
import Synchronization
import Testing

/// Calls as coding agents make them, and answers that they read more of than others.
@Suite("Calls of agents")
struct AgentCallTests {
    /// A vendor that answers each request with the same bytes, and what it was asked.
    private final class Vendor: Sendable {
        private let server: ByteVendor
        private let box = Box()

        private final class Box: Sendable {
            let requests = Mutex<[(head: String, body: [UInt8])]>([])
        }

        var port: Int { server.port }
        var requests: [(head: String, body: [UInt8])] { box.requests.withLock { $0 } }

        init(_ answer: [UInt8]) throws {
            let box = box
            server = try ByteVendor { connection, _ in
                while true {
                    let request = try connection.request()
                    box.requests.withLock { $0.append(request) }
                    try connection.send(answer)
                }
            }
        }

        func stop() { server.stop() }
    }

    private static let ok = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".utf8)

    private static func post(_ path: String, _ fields: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test("Claude Code's go out as they came: fields in any spelling, unknown ones, body and query")
    func messages() throws {
        let vendor = try Vendor(Self.ok)
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        let client = try RawConnection(port: gateway.port)
        let beta =
            "claude-code-20250219,oauth-2025-04-20,  a-1,b-2 ,c-3,d-4,e-5,f-6,g-7,h-8,i-9,x-unknown"
        let fields = [
            "Anthropic-Version: 2023-06-01", "anthropic-beta: \(beta)", "anthropic-foo: 1",
            "x-claude-code-foo: 2", "X-Claude-Code-Session-Id: s-1",
            "x-claude-code-agent-id: a-1", "x-claude-code-parent-agent-id: a-0",
            "anthropic-workspace-id: w", "x-api-key: sk-ant-1",
        ]
        let body = "{\"model\":\"claude-x\",\"zz\":{} , \"system\":[{\"text\":\"x: 1\"}]}"
        let answer = try client.exchange(
            Self.post(
                "/v1/messages?beta=true&%61=%20", fields.joined(separator: "\r\n") + "\r\n", body))
        #expect(answer.status == 200)
        gateway.stop()
        let request = try #require(vendor.requests.first)
        let lines = request.head.split(separator: "\r\n").map(String.init)
        #expect(lines.first == "POST /v1/messages?beta=true&%61=%20 HTTP/1.1")
        for field in fields { #expect(lines.filter { $0 == field }.count == 1, "\(field)") }
        #expect(request.body == Array(body.utf8))
        let record = try #require(try gateway.record.records().first)
        #expect(record.session == "s-1")
        #expect(record.requestFields.contains("x-claude-code-agent-id: a-1"))
    }

    @Test("get a refusal as it was: its words, its fields, and its coding")
    func refusal() throws {
        let words = Array(
            "{\"type\":\"error\",\"error\":{\"message\":\"prompt is too long: 9 > 8 maximum\"}}"
                .utf8)
        let body = StoredCoding.zstd(words)
        let vendor = try Vendor(
            Array(
                ("HTTP/1.1 400 Bad Request\r\nContent-Encoding: zstd\r\nrequest-id: req_1\r\n"
                    + "Content-Type: application/json\r\nx-should-retry: false\r\n"
                    + "Content-Length: \(body.count)\r\n\r\n").utf8) + body)
        defer { vendor.stop() }
        let gateway = try TestGateway(
            chain: [vendor.port, vendor.port], dialect: "anthropic", each: "")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let answer = try client.exchange(Self.post("/v1/messages", "", "{\"model\":\"m\"}"))
        #expect(answer.status == 400 && answer.body == body)
        #expect(answer["content-encoding"] == "zstd" && answer["request-id"] == "req_1")
        #expect(answer["x-should-retry"] == "false" && answer["x-weir-attempts"] == "1")
        #expect(vendor.requests.count == 1)
    }

    @Test("on paths of Bedrock's go where a chain names them, frames and type as they came")
    func bedrock() throws {
        let frames = (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let vendor = try Vendor(
            Array(
                ("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
                    + "Content-Length: \(frames.count)\r\n\r\n").utf8) + frames)
        defer { vendor.stop() }
        let gateway = try TestGateway(
            """
            [vendors.bedrock]
            dialect = "anthropic"
            base_url = "http://127.0.0.1:\(vendor.port)"
            credential = "none"
            [[chains]]
            name = "bedrock"
            paths = ["/model/*"]
            targets = [{ vendor = "bedrock" }]
            """)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let path = "/model/anthropic.claude-x%3A0/invoke-with-response-stream"
        let answer = try client.exchange(
            Self.post(path, "", "{\"anthropic_version\":\"bedrock-2023-05-31\"}"))
        #expect(answer.status == 200 && answer.body == frames)
        #expect(answer["content-type"] == "application/vnd.amazon.eventstream")
        #expect(vendor.requests.first?.head.hasPrefix("POST \(path) HTTP/1.1\r\n") ?? false)
    }

    @Test(
        "of Codex's read its turn's state from an answer, which the gateway neither keeps nor adds")
    func turnState() throws {
        let vendor = try Vendor(
            Array(
                ("HTTP/1.1 200 OK\r\nx-codex-turn-state: opaque==\r\nX-Models-Etag: \"e\"\r\n"
                    + "x-codex-primary-used-percent: 7\r\nContent-Length: 2\r\n\r\n{}").utf8))
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for state in ["", "x-codex-turn-state: mine\r\n", ""] {
            let answer = try client.exchange(
                Self.post("/v1/responses", state, "{\"model\":\"gpt-5\"}"))
            #expect(answer["x-codex-turn-state"] == "opaque==")
            #expect(answer["x-models-etag"] == "\"e\"")
            #expect(answer["x-codex-primary-used-percent"] == "7")
        }
        let sent = vendor.requests.map { $0.head.contains("x-codex-turn-state: mine") }
        #expect(sent == [false, true, false])
        #expect(vendor.requests.filter { $0.head.contains("turn-state") }.count == 1)
    }
}
