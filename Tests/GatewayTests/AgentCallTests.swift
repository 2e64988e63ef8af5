import Codings
import LogStore
import Support
import Synchronization
import Testing

/// Calls as coding agents make them, and answers that they read more of than others.
@Suite("Calls of agents")
struct AgentCallTests {
    private static func post(_ path: String, _ fields: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test("Claude Code's go out as they came: fields in any spelling, unknown ones, body and query")
    func messages() throws {
        let vendor = try AnsweringVendor()
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

    @Test(
        "get a refusal as it was: its words, its fields, and its coding",
        arguments: ["gzip", "zstd"])
    func refusal(_ coding: String) throws {
        let words = Array(
            ("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":"
                + "\"prompt is too long: 210000 tokens > 200000 maximum\"}}").utf8)
        let body =
            coding == "gzip" ? try #require(Gzip.compress(words)) : StoredCoding.zstd(words)
        let vendor = try AnsweringVendor(
            Array(
                ("HTTP/1.1 400 Bad Request\r\nContent-Encoding: \(coding)\r\nrequest-id: req_1\r\n"
                    + "Content-Type: application/json\r\nx-should-retry: false\r\n"
                    + "Content-Length: \(body.count)\r\n\r\n").utf8) + body)
        defer { vendor.stop() }
        let gateway = try TestGateway(
            chain: [vendor.port, vendor.port], dialect: "anthropic", each: "")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let answer = try client.exchange(Self.post("/v1/messages", "", "{\"model\":\"m\"}"))
        #expect(answer.status == 400 && answer.body == body)
        #expect(answer["content-encoding"] == coding && answer["request-id"] == "req_1")
        #expect(answer["x-should-retry"] == "false" && answer["x-weir-attempts"] == "1")
        #expect(vendor.requests.count == 1)
    }

    @Test("on paths of Bedrock's go where a chain names them, frames and type as they came")
    func bedrock() throws {
        let frames = (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let vendor = try AnsweringVendor(
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
        let vendor = try AnsweringVendor(
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

    @Test("that warm a connection up are answered here, and no vendor is asked")
    func warmer() throws {
        let vendor = try AnsweringVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        let client = try RawConnection(port: gateway.port)
        for path in ["/api/hello", "/"] {
            try client.send("HEAD \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try client.take(through: "\r\n\r\n").hasPrefix("HTTP/1.1 "))
        }
        // The connection is warm: what an answer to HEAD says of a body does not come.
        try client.send(Self.post("/v1/messages", "", "{\"model\":\"m\"}"))
        #expect(try client.take(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200 OK\r\n"))
        gateway.stop()
        #expect(vendor.requests.map { $0.head.prefix(5) } == ["POST "])
    }

    @Test("read each event, comment and ping when it comes, and nothing besides")
    func pings() throws {
        let delta =
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
            + "\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n"
        let pieces = [
            delta, ": keep\n\n", "event: ping\ndata: {\"type\": \"ping\"}\n\n", ": keep\n\n",
            ":\n\n",
            delta, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ]
        let seen = Mutex(-1)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n")
            for (index, piece) in pieces.enumerated() {
                try connection.send("\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n")
                // The next one comes only after the client has this one.
                while seen.withLock({ $0 }) < index, try !connection.isEnded(within: 0.001) {}
            }
            try connection.send("0\r\n\r\n")
            _ = try connection.receiveMore()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            Self.post("/v1/messages", "", "{\"model\":\"claude-x\",\"stream\":true}"))
        _ = try client.take(through: "\r\n\r\n")
        var chunks = ""
        for (index, piece) in pieces.enumerated() {
            chunks += try client.take(through: piece)
            seen.withLock { $0 = index }
        }
        chunks += try client.take(through: "\r\n0\r\n\r\n")
        // Of other lines there are sizes of chunks alone.
        var body = ""
        var rest = Substring(chunks)
        while let end = rest.firstIndex(of: "\r\n"), let size = Int(rest[..<end], radix: 16) {
            rest = rest[end...].dropFirst()
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 1)
        }
        #expect(body == pieces.joined(separator: ""))
        #expect(rest.isEmpty)
    }

    @Test("of Codex's keep their turn's state to themselves when the vendor changes in between")
    func changedVendor() throws {
        let answer = Array(
            "HTTP/1.1 200 OK\r\nx-codex-turn-state: NAME==\r\nContent-Length: 2\r\n\r\n{}".utf8)
        let first = try AnsweringVendor(AnsweringVendor.busy)
        defer { first.stop() }
        let second = try AnsweringVendor(answer)
        defer { second.stop() }
        let gateway = try TestGateway(chain: [first.port, second.port], each: "")
        defer { gateway.stop() }
        let mine = "x-codex-turn-state: mine\r\n"
        for state in [mine, ""] {
            // Another client each time: none is given what another showed.
            let client = try RawConnection(port: gateway.port)
            let response = try client.exchange(
                Self.post("/v1/responses", state, "{\"model\":\"gpt-5\"}"))
            #expect(response["x-codex-turn-state"] == "NAME==")
            #expect(response["x-weir-vendor"] == "v1")
        }
        #expect(first.requests.first?.head.contains(mine) ?? false)
        #expect(second.requests.map { $0.head.contains("turn-state") } == [true, false])
        #expect(second.requests.first?.head.contains(mine) ?? false)
    }
}
