import ExchangeCore
import Primitives
import Support
import Telemetry
import Testbed
import Testing

@testable import Dialects
@testable import Gateway

/// `terminal = "strict"`: a stream that ends in order but without its marker is a failure.
@Suite("Terminal markers")
struct TerminalTests {
    /// A stream of each kind: where it is asked for, its contents, and its marker.
    struct Stream: Sendable, CustomStringConvertible {
        let path: String
        let contents: String
        let marker: String
        /// What an error event of its dialect holds.
        let error: String

        var description: String { path }
        var dialect: String {
            if path.hasPrefix("/v1/messages") { return "anthropic" }
            return path.contains("beta") ? "gemini" : "openai"
        }
    }

    static let streams = [
        Stream(
            path: "/v1/chat/completions",
            contents: "data: {\"choices\":[{\"delta\":{\"content\":\"Hi [DONE]\"}}]}\n\n",
            marker: "data: [DONE]\n\n", error: "data: {\"error\":"),
        Stream(
            path: "/v1/responses",
            contents: "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n",
            marker: "event: response.completed\ndata: {\"type\":\"response.completed\","
                + "\"response\":{\"status\":\"completed\"}}\n\n",
            error: "data: {\"error\":"),
        Stream(
            path: "/v1/messages",
            contents: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
                + "\"delta\":{\"type\":\"text_delta\",\"text\":\"message_stop\"}}\n\n",
            marker: "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            error: "event: error\ndata: {\"type\":\"error\""),
        Stream(
            path: "/v1beta/models/m:streamGenerateContent?alt=sse",
            contents:
                "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\"}]}}]}\r\n\r\n",
            marker: "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\r\n\r\n",
            error: "data: {\"error\":"),
    ]

    private static func answering(_ body: String) throws -> ByteVendor {
        try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
            try connection.awaitEnd()
        }
    }

    private static func gateway(
        _ stream: Stream, _ ports: [Int], _ terminal: String = "strict"
    ) throws -> TestGateway {
        try TestGateway(
            chain: ports, dialect: stream.dialect, each: "terminal = \"\(terminal)\"")
    }

    private static func response(_ gateway: TestGateway, _ stream: Stream) throws -> RawResponse {
        try RawConnection(port: gateway.port)
            .exchange(Request.chat(stream: true, path: stream.path))
    }

    @Test("that come leave a strict vendor's stream as it was", arguments: streams)
    func there(_ stream: Stream) throws {
        for end in [stream.marker, String(stream.marker.drop(while: \.isNewline).dropLast())] {
            let vendor = try Self.answering(stream.contents + end)
            defer { vendor.stop() }
            let gateway = try Self.gateway(stream, [vendor.port])
            defer { gateway.stop() }
            let response = try Self.response(gateway, stream)
            #expect(response.isWhole && response.text == stream.contents + end)
            try gateway.await("the settlement") { gateway.outcomes(.complete) == 1 }
        }
    }

    @Test("that do not come break a strict vendor's stream off, and no other's", arguments: streams)
    func missing(_ stream: Stream) throws {
        let vendor = try Self.answering(stream.contents)
        defer { vendor.stop() }
        let strict = try Self.gateway(stream, [vendor.port])
        defer { strict.stop() }
        let broken = try Self.response(strict, stream)
        #expect(!broken.isWhole && broken.text.hasPrefix(stream.contents))
        #expect(broken.text.dropFirst(stream.contents.count).hasPrefix(stream.error))
        try strict.await("the settlement") { strict.outcomes(.truncated) == 1 }
        #expect(strict.log.lines.contains { $0.contains("without its terminal marker") })

        let lenient = try Self.gateway(stream, [vendor.port], "lenient")
        defer { lenient.stop() }
        let passed = try Self.response(lenient, stream)
        #expect(passed.isWhole && passed.text == stream.contents)
    }

    @Test("are missed in a stream of unknown length, too, whose end is then left open")
    func chunked() throws {
        let stream = Self.streams[0]
        let length = String(stream.contents.utf8.count, radix: 16)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n"
                    + "\(length)\r\n\(stream.contents)\r\n0\r\n\r\n")
            try connection.awaitEnd()
        }
        defer { vendor.stop() }
        let gateway = try Self.gateway(stream, [vendor.port])
        defer { gateway.stop() }
        let response = try Self.response(gateway, stream)
        #expect(!response.isWhole && response.text.contains("vendor_broke_off"))
    }

    @Test("are not needed after an error event, in plain answers and in streams without one")
    func others() throws {
        let stream = Self.streams[0]
        let error = "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n"
        let vendor = try Self.answering(stream.contents + error)
        defer { vendor.stop() }
        let gateway = try Self.gateway(stream, [vendor.port])
        defer { gateway.stop() }
        let failed = try Self.response(gateway, stream)
        #expect(failed.isWhole && failed.text == stream.contents + error)

        let speech = try Self.answering("data: {\"type\":\"speech.audio.delta\"}\n\n")
        defer { speech.stop() }
        let other = try Self.gateway(stream, [speech.port])
        defer { other.stop() }
        let response = try RawConnection(port: other.port)
            .exchange(Request.chat(stream: true, path: "/v1/audio/speech"))
        #expect(response.isWhole)
    }

    @Test("that are missing while nothing has gone out yet are made good by the next target")
    func held() throws {
        // The last event lacks its blank line, so nothing is let go before the end.
        let stream = Self.streams[0]
        let cut = try Self.answering(String(stream.contents.dropLast()))
        defer { cut.stop() }
        let good = try Self.answering(stream.contents + stream.marker)
        defer { good.stop() }
        let gateway = try Self.gateway(stream, [cut.port, good.port])
        defer { gateway.stop() }
        let response = try Self.response(gateway, stream)
        #expect(response.isWhole && response.text == stream.contents + stream.marker)
        #expect(response["x-weir-attempts"] == "2" && response["x-weir-vendor"] == "v1")

        // And where there is none, what there was is passed on, but not as if it were whole.
        let alone = try Self.gateway(stream, [cut.port, try ByteVendor.closedPort()])
        defer { alone.stop() }
        let last = try Self.response(alone, stream)
        #expect(!last.isWhole && last.text == String(stream.contents.dropLast()))
    }

    @Test("are found however the stream is cut", arguments: streams)
    func splits(_ stream: Stream) throws {
        let dialect = try #require(Dialect(rawValue: stream.dialect))
        for (text, lacks) in [(stream.contents, true), (stream.contents + stream.marker, false)] {
            for pieces in ByteSplits.all(Array(text.utf8)) {
                let watch = EventInspector(dialect: dialect, now: .now())
                for piece in pieces { watch.take(piece.span, now: .now()) }
                watch.end()
                #expect(watch.lacksTerminal == lacks)
            }
        }
    }

    @Test("of one choice do not end a stream in which another goes on")
    func choices() {
        let openAI = [
            #"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#,
            #"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#,
            #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            #"{"choices":[{"index":1,"delta":{"content":"c"}}]}"#,
            #"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#,
            #"{"choices":[],"usage":{"total_tokens":3}}"#,
        ]
        let gemini = [
            #"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#,
            #"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]}}]}"#,
            #"{"candidates":[{"index":1,"finishReason":"STOP"}]}"#,
            #"{"usageMetadata":{"totalTokenCount":3}}"#,
        ]
        for (dialect, events, whole) in [
            (Dialect.openai, openAI, [2, 4, 5]), (.gemini, gemini, [0, 2, 3]),
        ] {
            for end in events.indices {
                let watch = EventInspector(dialect: dialect, now: .now())
                for event in events[...end] {
                    let bytes = Array("data: \(event)\n\n".utf8)
                    watch.take(bytes.span, now: .now())
                }
                watch.end()
                #expect(watch.lacksTerminal == !whole.contains(end), "\(dialect) \(end)")
            }
        }
    }

    @Test("are not asked of an answer without a body, and a break is a reset for HTTP/1.0")
    func bodies() throws {
        let stream = Self.streams[0]
        let vendor = try ByteVendor { connection, _ in
            while true {
                let request = try connection.request()
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                        + "Content-Length: \(stream.contents.utf8.count)\r\n\r\n")
                if !request.head.hasPrefix("HEAD") { try connection.send(stream.contents) }
            }
        }
        defer { vendor.stop() }
        let gateway = try Self.gateway(stream, [vendor.port])
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send("HEAD \(stream.path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try client.response(toHead: true).isWhole)
        try gateway.await("the settlement") { gateway.outcomes(.complete) == 1 }
        let old = try RawConnection(port: gateway.port)
        try old.send("POST \(stream.path) HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        let head = try old.take(through: "\r\n\r\n")
        #expect(!head.lowercased().contains("content-length"))
        _ = try? old.takeToEnd()
        #expect(old.end == .reset)
        try gateway.await("the break") { gateway.outcomes(.truncated) == 1 }
    }

    @Test("of streams that are not checked are not missed")
    func large() {
        let watch = EventInspector(dialect: .openai, now: .now())
        let huge = Array(("data: {\"x\":\"" + String(repeating: "y", count: 2 << 20)).utf8)
        watch.take(huge.span, now: .now())
        watch.end()
        #expect(!watch.lacksTerminal)
    }
}
