import ExchangeCore
import LogStore
import Primitives
import Support
import Telemetry
import Testbed
import Testing

@Suite("Signs of life")
struct HeartbeatTests {
    private static let event = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
    private static let ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n"
    private static let comment = ": keep-alive\n\n"

    private static func head(_ fields: String = "") -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\(fields)"
            + "Transfer-Encoding: chunked\r\n\r\n"
    }

    private static func chunk(_ text: String) -> String {
        String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n"
    }

    /// A vendor that answers once the gate is open.
    private static func vendor(_ answer: String, _ gate: Gate) throws -> ByteVendor {
        try ByteVendor { connection, _ in
            _ = try connection.request()
            try gate.awaitOpening()
            try connection.send(answer)
            _ = try connection.receiveMore()
        }
    }

    private static let rest = "heartbeat = \"30ms\""
    /// A client's own clock, which must not stand for any other.
    private static let patient = "slow_client_timeout = \"1h\""

    @Test("come before any answer, and the answer that comes then is whole")
    func beforeHead() throws {
        let gate = Gate()
        let vendor = try Self.vendor(
            Self.head() + Self.chunk(Self.event) + Self.chunk("data: [DONE]\n\n") + "0\r\n\r\n",
            gate)
        defer { vendor.stop() }
        let gateway = try TestGateway(
            chain: [vendor.port], each: "", server: Self.patient, rest: Self.rest)
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(stream: true))
        let head = try client.take(through: "\r\n\r\n")
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"))
        #expect(head.contains("x-weir-id: "))
        for _ in 0..<3 { _ = try client.take(through: Self.comment) }
        gate.open()
        let rest = try client.take(through: "0\r\n\r\n")
        #expect(rest.contains(Self.event) && rest.contains("data: [DONE]"))
        #expect(!rest.contains("HTTP/1.1"))
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect(record.outcome == "complete" && record.status == 200)
    }

    @Test("go on while the next target is tried, which alone is seen")
    func failover() throws {
        let gate = Gate()
        let busy = try Self.vendor(
            "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", gate)
        defer { busy.stop() }
        let open = Gate()
        open.open()
        let good = try Self.vendor(
            Self.head() + Self.chunk(Self.event) + Self.chunk("data: [DONE]\n\n") + "0\r\n\r\n",
            open)
        defer { good.stop() }
        let gateway = try TestGateway(
            chain: [busy.port, good.port], each: "", rest: Self.rest)
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(stream: true))
        _ = try client.take(through: Self.comment)
        gate.open()
        let rest = try client.take(through: "0\r\n\r\n")
        #expect(rest.contains(Self.event) && !rest.contains("busy") && !rest.contains("error"))
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect(record.vendor == "v1" && record.attempts.count == 2)
    }

    @Test("put no other clock off: a vendor that says nothing gives way in its time")
    func clocks() throws {
        let never = Gate()
        let silent = try Self.vendor("", never)
        defer { silent.stop() }
        let open = Gate()
        open.open()
        let good = try Self.vendor(
            Self.head() + Self.chunk(Self.event) + Self.chunk("data: [DONE]\n\n") + "0\r\n\r\n",
            open)
        defer { good.stop() }
        let gateway = try TestGateway(
            chain: [silent.port, good.port], each: "", server: Self.patient,
            rest: "\(Self.rest)\n[chains.clocks]\nfirst_content = \"300ms\"")
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(stream: true))
        let text = try client.take(through: Self.event)
        #expect(text.ranges(of: Self.comment).count > 1)
        gateway.stop()
        never.open()
        let record = try #require(try gateway.record.records().last)
        #expect(record.vendor == "v1" && record.attempts.count == 2)
    }

    /// Answers that cannot follow a head of the gateway's.
    static let refusals = [
        "HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nContent-Length: 32\r\n\r\n"
            + "{\"error\":{\"message\":\"too long\"}}",
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "",
    ]

    @Test("end in an event of an error where no target answers with a stream", arguments: refusals)
    func refusal(_ answer: String) throws {
        let gate = Gate()
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try gate.awaitOpening()
            try connection.send(answer)
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(chain: [vendor.port], each: "", rest: Self.rest)
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(stream: true))
        _ = try client.take(through: Self.comment)
        gate.open()
        let rest = String(decoding: try client.takeToEnd(), as: UTF8.self)
        #expect(rest.contains("data: {\"error\":"), "\(rest)")
        // Nothing looks whole: no terminal marker, and no last chunk.
        #expect(!rest.contains("[DONE]") && !rest.hasSuffix("0\r\n\r\n"))
        #expect(!rest.contains("HTTP/1.1"))
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect((record.outcome == "upstream_error") == answer.isEmpty)
        if answer.contains("too long") { #expect(rest.contains("too long")) }
    }

    @Test("are Anthropic's pings, between events alone, after the first content, too")
    func between() throws {
        let gate = Gate()
        let start =
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":"
            + "{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n"
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(Self.head() + Self.chunk(start))
            try gate.awaitOpening()
            try connection.send(Self.chunk("event: content_block_delta\nda"))
            _ = try connection.receiveMore()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            chain: [vendor.port], dialect: "anthropic", each: "", rest: Self.rest)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(stream: true, path: "/v1/messages"))
        _ = try client.take(through: start)
        _ = try client.take(through: Self.ping)
        gate.open()
        _ = try client.take(through: "event: content_block_delta\nda")
        // In the middle of an event there is none, however long it lasts.
        let turns = gateway.metrics.turns.current
        try gateway.await("some more turns") { gateway.metrics.turns.current > turns + 5 }
        #expect(!client.received.contains(UInt8(ascii: "g")))
    }

    @Test(
        "are for streams, and for chains that want them",
        arguments: [
            (true, "heartbeat = \"0\"", ""), (false, rest, ""),
            (true, rest, "Content-Encoding: gzip\r\n"),
        ])
    func unwanted(_ stream: Bool, _ rest: String, _ fields: String) throws {
        let gate = Gate()
        let vendor = try Self.vendor("HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\nno", gate)
        defer { vendor.stop() }
        let gateway = try TestGateway(chain: [vendor.port], each: "", rest: rest)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(stream: stream, extra: fields))
        #expect(try !client.isEnded(within: 0.15))
        gate.open()
        let response = try client.response()
        #expect(response.status == 400 && response.text == "no")
    }

    @Test(
        "are for calls that a stream can answer; to others `stream` means nothing",
        arguments: [
            ("/v1/embeddings", false), ("/v1/moderations", false), ("/v1/files", false),
            ("/v1/responses/compact", false), ("/v1/batches", false), ("/v1/audio/speech", false),
            ("/v1/messages/count_tokens", false), ("/v1/messages/batches", false),
            ("/v1/realtime/client_secrets", false), ("/v1/threads/t/messages", false),
            ("/v1/responses/input_tokens", false), ("/v1/messages", true), ("/v1/responses", true),
            ("/v1//chat/Completions", true), ("/v1/completions", true),
            ("/v1/images/generations", true), ("/v1/threads/t/runs", true),
        ])
    func others(_ path: String, _ mayStream: Bool) throws {
        let gate = Gate()
        let vendor = try Self.vendor(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", gate
        )
        defer { vendor.stop() }
        let vendors = ["openai", "anthropic"].map { name in
            "[vendors.\(name)]\nbase_url = \"http://127.0.0.1:\(vendor.port)\"\n"
                + "credential = \"none\"\n"
        }
        let gateway = try TestGateway(
            vendors.joined() + "[[chains]]\nname = \"c\"\n\(Self.rest)\n"
                + "targets = [{ vendor = \"openai\" }, { vendor = \"anthropic\" }]\n")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: 27\r\n\r\n{\"model\":\"m\",\"stream\":true}")
        if mayStream {
            #expect(
                try client.take(through: "\r\n\r\n").contains("content-type: text/event-stream"))
            gate.open()
            return
        }
        #expect(try !client.isEnded(within: 0.1))
        gate.open()
        let response = try client.response()
        #expect(response.status == 200 && response.text == "{}")
    }
}
