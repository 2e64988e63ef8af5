import Codings
import Dialects
import ExchangeCore
import LogStore
import Primitives
import Support
import Telemetry
import Testing

@Suite("The record of a tunnel")
struct TunnelRecordTests {
    private static let mask: [UInt8] = [0xA1, 0xB2, 0xC3, 0xD4]

    private static let deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n"

    private static func usage(_ input: Int, _ output: Int) -> String {
        "\"usage\":{\"input_tokens\":\(input),\"output_tokens\":\(output),"
            + "\"total_tokens\":\(input + output)}"
    }

    private static func completed(_ id: String, _ input: Int, _ output: Int) -> String {
        "{\"type\":\"response.completed\",\"response\":{\"id\":\"\(id)\",\"object\":\"response\","
            + "\"model\":\"gpt-5-x\",\"status\":\"completed\",\(usage(input, output))}}"
    }

    /// Runs one tunnel: for each request of the client's, the vendor's frames.
    private static func run(
        _ turns: [(ask: WebSocketFrame, answer: [WebSocketFrame])], path: String = "/v1/responses",
        extensions: String = "", server: String = "", cut: Int? = nil,
        close: WebSocketFrame = .close(1000), vendorName: String = "openai"
    ) throws -> [Record] {
        let answers = turns.map { turn in
            (turn.ask.bytes(mask: mask).count, turn.answer.map { $0.bytes() })
        }
        let vendor = try TunnelVendor("\(TunnelVendor.accepting)\(extensions)\r\n") { connection in
            for (length, frames) in answers {
                _ = try connection.take(length)
                let bytes = frames.flatMap { $0 }
                guard let cut else {
                    try connection.send(bytes)
                    continue
                }
                for start in stride(from: 0, to: bytes.count, by: cut) {
                    try connection.send(Array(bytes[start..<min(start + cut, bytes.count)]))
                }
            }
            try connection.send(close.bytes())
        }
        defer { vendor.stop() }
        let gateway =
            vendorName == "openai"
            ? try TestGateway(vendor: vendor.port, server: server)
            : try TestGateway(
                "[vendors.\(vendorName)]\nbase_url = \"http://127.0.0.1:\(vendor.port)\"\n")
        let client = try RawConnection(port: gateway.port)
        try client.openTunnel(path, "session-id: s-1\r\n")
        for (index, turn) in turns.enumerated() {
            try client.send(turn.ask.bytes(mask: mask))
            let expected = answers[index].1.flatMap { $0 }
            #expect(try client.take(expected.count) == expected)
        }
        _ = try client.takeToEnd()
        gateway.stop()
        return try gateway.record.records()
    }

    private static func create(_ fields: String) -> WebSocketFrame {
        .text("{\"type\":\"response.create\",\(fields)}")
    }

    @Test(
        "has one exchange for the tunnel, and one for each response in it", arguments: [nil, 1, 7])
    func responses(_ cut: Int?) throws {
        let records = try Self.run(
            [
                (
                    Self.create("\"model\":\"gpt-5\",\"generate\":false,\"input\":[]"),
                    [
                        .text("{\"type\":\"response.created\",\"response\":{\"id\":\"r0\"}}"),
                        .text(Self.completed("r0", 0, 0)),
                    ]
                ),
                (
                    Self.create("\"model\":\"gpt-5\",\"input\":\"hi\""),
                    [
                        .text("{\"type\":\"codex.rate_limits\"}"),
                        .text("{\"type\":\"response.created\",\"response\":{\"id\":\"r1\"}}"),
                        WebSocketFrame(9, Array("p".utf8)),
                        WebSocketFrame(
                            1, Array("{\"type\":\"response.output_text.delta\",".utf8),
                            isFinal: false),
                        WebSocketFrame(0, Array("\n\"delta\":\"Hello\"}".utf8)),
                        .text(Self.completed("r1", 70, 30)),
                    ]
                ),
            ], cut: cut)
        let tunnel = try #require(records.first { $0.method == "GET" })
        #expect(tunnel.outcome == "complete" && tunnel.status == 101)
        #expect(tunnel.errorMessage == "the vendor closed the WebSocket with 1000")
        #expect(tunnel.requestBody.bytes.isEmpty && tunnel.responseBody.bytes.isEmpty)
        #expect(tunnel.responseBytes > 300 && tunnel.requestBytes > 100)
        let responses = records.filter { $0.method == "WEBSOCKET" }
        #expect(responses.count == 2 && records.count == 3)
        for response in responses {
            #expect(response.outcome == "complete" && response.status == 200)
            #expect(response.model == "gpt-5" && response.answeringModel == "gpt-5-x")
            #expect(response.vendor == "openai" && response.target == "/v1/responses")
            #expect(response.requestFields.contains("session-id: s-1"))
            #expect(response.requestFields.contains("x-weir-tunnel: \(tunnel.identifier)"))
            #expect(response.finishReason == "completed" && response.isStream)
        }
        let turn = try #require(responses.last)
        #expect(turn.usage.input == 70 && turn.usage.output == 30)
        #expect(turn.usageState == .reported)
        let asked = String(decoding: turn.requestBody.bytes, as: UTF8.self)
        #expect(asked == "{\"type\":\"response.create\",\"model\":\"gpt-5\",\"input\":\"hi\"}")
        let answered = String(decoding: turn.responseBody.bytes, as: UTF8.self)
        #expect(answered.contains("data: {\"type\":\"response.output_text.delta\", \"delta\":"))
        #expect(!answered.contains("rate_limits"))
    }

    @Test(
        "is the same however messages are cut, and wherever they say what they are",
        arguments: [6000, 100_000], [nil, 100, 4000, 4101, 4200, 70_000])
    func cuts(_ length: Int, _ cut: Int?) throws {
        let long = String(repeating: "s", count: length)
        let created = "{\"response\":{\"id\":\"r1\"},\"type\":\"response.created\"}"
        let done =
            "{\"response\":{\"id\":\"r1\",\"model\":\"gpt-v\",\"status\":\"completed\","
            + "\"instructions\":\"\(long)\",\(Self.usage(11, 7))},\"type\":\"response.completed\"}"
        let ask = "{\"input\":\"\(long)\",\"model\":\"m\",\"type\":\"response.create\"}"
        // The same bytes in fragments of a message are one message, too.
        let halves = [
            WebSocketFrame(1, Array(done.utf8.prefix(4200)), isFinal: false),
            WebSocketFrame(0, Array(done.utf8.dropFirst(4200))),
        ]
        for answer in [[WebSocketFrame.text(done)], halves] {
            let records = try Self.run([(.text(ask), [.text(created)] + answer)], cut: cut)
            let responses = records.filter { $0.method == "WEBSOCKET" }
            let response = try #require(responses.last)
            #expect(responses.count == 1 && response.outcome == "complete")
            #expect(response.usage.input == 11 && response.usage.output == 7)
            #expect(response.answeringModel == "gpt-v" && response.model == "m")
            #expect(String(decoding: response.requestBody.bytes, as: UTF8.self) == ask)
        }
    }

    @Test("counts the messages that are too long to say what they are")
    func tooLong() throws {
        let long = String(repeating: "s", count: 1 << 20)
        let ask = "{\"input\":\"\(long)\",\"type\":\"response.create\"}"
        let records = try Self.run([(.text(ask), [.text("{\"type\":\"response.created\"}")])])
        let tunnel = try #require(records.first { $0.method == "GET" })
        #expect(tunnel.errorMessage.contains("1 messages were too long"), "\(tunnel.errorMessage)")
    }

    @Test(
        "has what a session of Gemini's was asked, in either spelling",
        arguments: [
            #"{"client_content":{"turns":[],"turn_complete":true}}"#,
            #"{"clientContent":{"turns":[],"turnComplete":true}}"#,
            #"{"tool_response":{"function_responses":[]}}"#,
            #"{"realtime_input":{"text":"hi"}}"#, #"{"realtimeInput":{"text":"hi"}}"#,
        ])
    func gemini(_ ask: String) throws {
        let records = try Self.run(
            [
                (.text(#"{"setup":{"model":"models/m-live"}}"#), [.text(#"{"setupComplete":{}}"#)]),
                (
                    .text(ask),
                    [
                        .text(#"{"serverContent":{"modelTurn":{"parts":[{"text":"a"}]}}}"#),
                        .text(
                            #"{"serverContent":{"turnComplete":true},"usageMetadata":{"#
                                + #""promptTokenCount":5,"responseTokenCount":7}}"#),
                    ]
                ),
            ],
            path: "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
            vendorName: "gemini")
        let responses = records.filter { $0.method == "WEBSOCKET" }
        let response = try #require(responses.last)
        #expect(responses.count == 1 && response.outcome == "complete")
        #expect(String(decoding: response.requestBody.bytes, as: UTF8.self) == ask)
        #expect(response.usage.input == 5)
    }

    @Test("has a vendor's error as that of its response, and the session goes on")
    func errors() throws {
        let records = try Self.run([
            (
                Self.create("\"model\":\"gpt-5\""),
                [
                    .text(
                        "{\"type\":\"error\",\"status\":429,\"error\":"
                            + "{\"type\":\"usage_limit_reached\",\"message\":\"slow\"}}")
                ]
            ),
            (Self.create("\"model\":\"gpt-5\""), [.text(Self.completed("r", 1, 2))]),
        ])
        let responses = records.filter { $0.method == "WEBSOCKET" }
        #expect(responses.map(\.status) == [429, 200])
        #expect(responses.first?.errorKind == "usage_limit_reached")
        #expect(responses.last?.usage.output == 2)
        #expect(records.first { $0.method == "GET" }?.outcome == "complete")
    }

    @Test("keeps lanes apart that go side by side")
    func lanes() throws {
        func event(_ type: String, _ lane: String, _ rest: String = "") -> WebSocketFrame {
            .text("{\"type\":\"\(type)\",\"stream_id\":\"\(lane)\"\(rest)}")
        }
        let usage = { (count: Int) in
            ",\"response\":{\"status\":\"completed\",\(Self.usage(count, count))}"
        }
        let records = try Self.run([
            (Self.create("\"model\":\"a\",\"stream_id\":\"one\""), []),
            (
                Self.create("\"model\":\"b\",\"stream_id\":\"two\""),
                [
                    event("response.created", "two"), event("response.created", "one"),
                    event("response.completed", "two", usage(2)),
                    event("response.completed", "one", usage(1)),
                ]
            ),
        ])
        let responses = records.filter { $0.method == "WEBSOCKET" }
        #expect(Set(responses.map { "\($0.model) \($0.usage.input ?? -1)" }) == ["a 1", "b 2"])
    }

    @Test("sums nothing up: each of a session's responses has its own usage")
    func realtime() throws {
        let done = { (count: Int) in
            WebSocketFrame.text(
                "{\"type\":\"response.done\",\"response\":{\"object\":\"realtime.response\","
                    + "\"status\":\"completed\",\(Self.usage(count, count))}}")
        }
        let created = WebSocketFrame.text(
            "{\"type\":\"response.created\",\"response\":{\"id\":\"x\"}}")
        let records = try Self.run(
            [
                (
                    .text("{\"type\":\"input_audio_buffer.append\",\"audio\":\"AAAA\"}"),
                    // The session begins one by itself, where the speaker pauses.
                    [.text("{\"type\":\"session.created\"}"), created, done(5)]
                ),
                (.text("{\"type\":\"response.create\"}"), [created, done(6)]),
                (.text("{\"type\":\"response.create\"}"), [created, done(7)]),
            ], path: "/v1/realtime?model=gpt-realtime", close: .close(1001, "session expired"))
        let responses = records.filter { $0.method == "WEBSOCKET" }
        #expect(responses.map(\.usage.input) == [5, 6, 7])
        #expect(
            records.first { $0.method == "GET" }?.errorMessage
                == "the vendor closed the WebSocket with 1001: session expired")
        #expect(responses.allSatisfy { $0.model == "gpt-realtime" })
        #expect(records.first { $0.method == "GET" }?.model == "gpt-realtime")
    }

    @Test("has a record for each transcript of what was said", arguments: [nil, 1])
    func transcripts(_ cut: Int?) throws {
        let spoken = { (usage: String) in
            WebSocketFrame.text(
                "{\"type\":\"conversation.item.input_audio_transcription.completed\","
                    + "\"item_id\":\"i\",\"transcript\":\"Hello\",\"usage\":\(usage)}")
        }
        let records = try Self.run(
            [
                (
                    .text(
                        "{\"type\":\"session.update\",\"session\":{\"audio\":{\"input\":"
                            + "{\"transcription\":{\"model\":\"gpt-4o-transcribe\"}}}}}"),
                    [.text("{\"type\":\"session.updated\",\"session\":{}}")]
                ),
                (
                    .text("{\"type\":\"response.create\"}"),
                    [
                        .text("{\"type\":\"response.created\",\"response\":{\"id\":\"x\"}}"),
                        spoken(
                            "{\"type\":\"tokens\",\"total_tokens\":48,\"input_tokens\":38,"
                                + "\"input_token_details\":{\"text_tokens\":10,"
                                + "\"audio_tokens\":28},\"output_tokens\":10}"),
                        .text(
                            "{\"type\":\"response.done\",\"response\":{\"id\":\"x\","
                                + "\"status\":\"completed\",\(Self.usage(5, 6))}}"),
                        spoken("{\"type\":\"duration\",\"seconds\":3}"),
                    ]
                ),
            ], path: "/v1/realtime?model=gpt-realtime", cut: cut)
        let spokens = records.filter { $0.method == "WEBSOCKET" && $0.model == "gpt-4o-transcribe" }
        #expect(spokens.count == 2 && records.count == 4)
        let tokens = try #require(spokens.first)
        #expect(tokens.usage.input == 38 && tokens.usage.output == 10)
        #expect(tokens.usage.audioInput == 28 && tokens.usageState == .reported)
        #expect(tokens.outcome == "complete" && tokens.requestBody.bytes.isEmpty)
        // A length of time is no number of tokens, and is kept as it came.
        let time = try #require(spokens.last)
        #expect(time.usageText.contains("\"seconds\":3") && time.usage.input == nil)
        let answer = try #require(
            records.first {
                $0.model == "gpt-realtime" && $0.method != "GET"
            })
        #expect(answer.usage.input == 5 && answer.usage.output == 6)
    }

    /// A compressed message whose block is stored as it is: deflate without compression.
    private static func stored(_ text: String) -> WebSocketFrame {
        let bytes = Array(text.utf8)
        let length = [UInt8(bytes.count & 0xFF), UInt8(bytes.count >> 8)]
        return WebSocketFrame(
            1, [0] + length + length.map { ~$0 } + bytes + [0], isCompressed: true)
    }

    @Test("reads compressed messages, and what it cannot read is unknown")
    func compression() throws {
        let turns = [
            (
                Self.stored("{\"type\":\"response.create\",\"model\":\"gpt-5\"}"),
                [Self.stored(Self.completed("r", 3, 4))]
            )
        ]
        let read = try Self.run(turns, extensions: Self.deflate).filter { $0.method == "WEBSOCKET" }
        #expect(read.count == 1 && read.first?.usage.output == 4)
        // An extension that is not known here changes what frames mean.
        let records = try Self.run(
            turns, extensions: "Sec-WebSocket-Extensions: x-unknown\r\n")
        #expect(records.map(\.method) == ["GET"])
        #expect(records.first?.errorMessage.contains("not all of its messages") ?? false)
    }

    @Test("has what came until the tunnel broke off")
    func brokenOff() throws {
        let records = try Self.run([
            (
                Self.create("\"model\":\"gpt-5\""),
                [.text("{\"type\":\"response.output_text.delta\",\"delta\":\"Hal\"}")]
            )
        ])
        let response = try #require(records.first { $0.method == "WEBSOCKET" })
        #expect(response.outcome == "truncated")
        #expect(String(decoding: response.responseBody.bytes, as: UTF8.self).contains("Hal"))
        #expect(response.usageState == .unknown)
    }

    @Test("reads the usage of a 40th message that earlier ones are needed for")
    func context() throws {
        // 258 bytes; the messages behind it are five bytes that repeat what was 258 bytes before.
        let start = "{\"type\":\"response.output_text.delta\",\"delta\":\""
        let delta = start + String(repeating: "x", count: 258 - start.utf8.count - 2) + "\"}"
        let again = WebSocketFrame(1, [0x1A, 0x0D, 0x01, 0x00, 0x00], isCompressed: true)
        let messages =
            [Self.stored(delta)] + (0..<38).map { _ in again }
            + [Self.stored(Self.completed("r", 40, 41))]
        let ask = Self.stored("{\"type\":\"response.create\",\"model\":\"gpt-5\"}")
        for cut in [nil, 1, 3] {
            let records = try Self.run([(ask, messages)], extensions: Self.deflate, cut: cut)
            let response = try #require(records.first { $0.method == "WEBSOCKET" })
            #expect(response.usage.input == 40 && response.usage.output == 41)
            let body = String(decoding: response.responseBody.bytes, as: UTF8.self)
            #expect(body.ranges(of: "data: \(delta)\n").count == 39)
        }
        // Without a context a message cannot refer to another: the rest of this side is unknown.
        let alone = try Self.run(
            [(ask, messages)],
            extensions: "Sec-WebSocket-Extensions: permessage-deflate; "
                + "server_no_context_takeover\r\n")
        let unread = try #require(alone.first { $0.method == "WEBSOCKET" })
        #expect(unread.usageState == .unknown && unread.usage.input == nil)
        let tunnel = try #require(alone.first { $0.method == "GET" })
        #expect(tunnel.errorMessage.contains("not all of its messages could be read"))
    }

    @Test("does not read on behind a message that is too large to be looked into, and says so")
    func bound() throws {
        let start = "{\"type\":\"response.output_text.delta\",\"delta\":\""
        let text = Array(start.utf8) + [UInt8](repeating: 0x78, count: 65 << 20) + Array("\"}".utf8)
        let zlib = try #require(Gzip.compress(text, isWrapped: false))
        let large = WebSocketFrame(1, Array(zlib[2..<(zlib.count - 4)]), isCompressed: true)
        let records = try Self.run(
            [
                (
                    Self.stored("{\"type\":\"response.create\",\"model\":\"gpt-5\"}"),
                    [large, Self.stored(Self.completed("r", 3, 4))]
                )
            ], extensions: Self.deflate)
        let response = try #require(records.first { $0.method == "WEBSOCKET" })
        #expect(response.usageState == .unknown && response.usage.input == nil)
        let tunnel = try #require(records.first { $0.method == "GET" })
        #expect(tunnel.errorMessage.contains("not all of its messages could be read"))
    }
}
