import HTTP
import Primitives
import Support
import Testing

@Suite("Frames of a WebSocket")
struct WebSocketReaderTests {
    /// What a reader makes of bytes: a word for each finding, messages joined.
    private struct Reading: Equatable {
        var found: [String] = []
        var isBroken = false
    }

    private static func read(_ pieces: [[UInt8]], isMasked: Bool) -> Reading {
        var reader = WebSocketReader(isMasked: isMasked)
        var reading = Reading()
        var message: [UInt8] = []
        for piece in pieces {
            reader.take(piece.span) { finding, bytes in
                let text = bytes.text
                switch finding {
                case .ping: reading.found.append("ping \(text)")
                case .pong: reading.found.append("pong \(text)")
                case .close(let code):
                    reading.found.append("close \(code.map { "\($0)" } ?? "-") \(text)")
                case .piece(let part):
                    if part.isFirst { message = [] }
                    for index in bytes.indices { message.append(bytes[index]) }
                    guard part.isLast else { return }
                    let kind = (part.isText ? "text" : "binary") + (part.isCompressed ? "+" : "")
                    reading.found.append("\(kind) \(String(decoding: message, as: UTF8.self))")
                }
            }
        }
        reading.isBroken = reader.isBroken
        return reading
    }

    static let sequences: [(frames: [WebSocketFrame], found: [String])] = [
        ([.text("hello")], ["text hello"]),
        ([.text("")], ["text "]),
        ([WebSocketFrame(2, [0x61])], ["binary a"]),
        ([WebSocketFrame(1, [0x61], isCompressed: true)], ["text+ a"]),
        (
            [
                WebSocketFrame(1, Array("he".utf8), isFinal: false),
                WebSocketFrame(9, Array("p".utf8)),
                WebSocketFrame(0, [], isFinal: false), WebSocketFrame(10, []),
                WebSocketFrame(0, Array("llo".utf8)), .text("next"),
            ],
            ["ping p", "pong ", "text hello", "text next"]
        ),
        (
            [WebSocketFrame(1, [], isFinal: false), WebSocketFrame(0, []), .close(1000, "bye")],
            ["text ", "close 1000 bye"]
        ),
        ([WebSocketFrame(8, [])], ["close - "]),
        ([WebSocketFrame(8, [3])], ["close - "]),
        (
            [.text(String(repeating: "a", count: 126)), .text("b")],
            ["text \(String(repeating: "a", count: 126))", "text b"]
        ),
    ]

    @Test("read the same however they are cut, masked or not", arguments: sequences)
    func cuts(_ sequence: (frames: [WebSocketFrame], found: [String])) {
        for mask in [nil, [0x12, 0x34, 0xAB, 0x00]] as [[UInt8]?] {
            let bytes = sequence.frames.flatMap { $0.bytes(mask: mask) }
            for pieces in ByteSplits.all(bytes) {
                let reading = Self.read(pieces, isMasked: mask != nil)
                #expect(reading == Reading(found: sequence.found), "\(pieces.map(\.count))")
            }
        }
    }

    @Test(
        "of every kind of length are read whole",
        arguments: [0, 1, 125, 126, 65_535, 65_536, 70_000])
    func lengths(_ length: Int) {
        let frame = WebSocketFrame(1, [UInt8](repeating: 0x78, count: length))
        var generator = RandomSource(seed: UInt64(length))
        for mask in [nil, [1, 2, 3, 4]] as [[UInt8]?] {
            let bytes = frame.bytes(mask: mask) + WebSocketFrame.text("end").bytes(mask: mask)
            let reading = Self.read(
                [bytes], isMasked: mask != nil)
            #expect(reading.found.map(\.utf8.count) == [5 + length, 8])
            let cut = ByteSplits.random(bytes, using: &generator)
            #expect(Self.read(cut, isMasked: mask != nil) == reading)
        }
    }

    /// Bytes that are no frame of a vendor's, and what came before they were seen.
    static let broken: [(name: String, bytes: [UInt8])] = [
        ("a mask where there is none", [0x81, 0x81, 1, 2, 3, 4, 5]),
        ("the second reserved bit", [0xA1, 0x01, 0x61]),
        ("the third reserved bit", [0x91, 0x01, 0x61]),
        ("a reserved opcode", [0x83, 0x01, 0x61]),
        ("a reserved control opcode", [0x8B, 0x00]),
        ("a long ping", [0x89, 126, 0, 126]),
        ("a ping in parts", [0x09, 0x00]),
        ("a compressed ping", [0xC9, 0x00]),
        ("a continuation of nothing", [0x80, 0x01, 0x61]),
        ("a message inside another", [0x01, 0x01, 0x61, 0x81, 0x01, 0x62]),
        ("a compressed continuation", [0x01, 0x01, 0x61, 0xC0, 0x01, 0x62]),
        ("a length of 64 bits", [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ]

    @Test("that are none end the reading, at any cut", arguments: broken)
    func hostile(_ sample: (name: String, bytes: [UInt8])) {
        let good = WebSocketFrame.text("ok").bytes()
        for pieces in ByteSplits.all(good + sample.bytes + good) {
            let reading = Self.read(pieces, isMasked: false)
            #expect(reading.isBroken, "\(sample.name)")
            #expect(reading.found.first == "text ok")
            #expect(reading.found.count == 1, "\(sample.name)")
        }
    }

    @Test("may be anything: no bytes stop the program")
    func noise() {
        var generator = RandomSource(seed: 18)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let pieces = ByteSplits.random(bytes, using: &generator)
            let isMasked = Bool.random(using: &generator)
            #expect(
                Self.read(pieces, isMasked: isMasked).isBroken
                    == Self.read([bytes], isMasked: isMasked).isBroken)
        }
    }

    @Test("change by the extensions that both sides have agreed to")
    func extensions() {
        #expect(!WebSocketExtensions("").isCompressed && WebSocketExtensions("").isKnown)
        let plain = WebSocketExtensions("permessage-deflate; client_max_window_bits=15")
        #expect(plain.isCompressed && plain.clientKeepsContext && plain.vendorKeepsContext)
        let bare = WebSocketExtensions(
            "permessage-deflate;server_no_context_takeover; client_no_context_takeover")
        #expect(bare.isCompressed && !bare.clientKeepsContext && !bare.vendorKeepsContext)
        #expect(!WebSocketExtensions("permessage-deflate, x-other").isKnown)
        #expect(!WebSocketExtensions("permessage-bzip2").isKnown)
    }

    /// The subprotocols of a request, and those that go out beside a credential of ours.
    static let protocols: [(asked: [String], kept: String)] = [
        (
            ["realtime, openai-insecure-api-key.ek_123, openai-beta.realtime-v1"],
            "realtime, openai-beta.realtime-v1"
        ),
        (["realtime"], "realtime"),
        (["openai-insecure-api-key.sk-1"], ""),
        (["OpenAI-Insecure-API-Key.x", "realtime"], "realtime"),
        (["realtime,openai-organization.org-1,openai-project.p"], "realtime"),
        (["base64url.bearer.authorization.k8s.io.abc, v4.channel.k8s.io"], "v4.channel.k8s.io"),
        (["sk-abc, ek_abc, sess-abc,graphql-ws"], "graphql-ws"),
        ([String(repeating: "a", count: 60) + ", mqtt"], "mqtt"),
        ([", ,"], ""),
        ([], ""),
    ]

    @Test(
        "ask for subprotocols, of which those that may be a credential can be left out",
        arguments: protocols)
    func subprotocols(_ sample: (asked: [String], kept: String)) {
        let fields = sample.asked.map { "Sec-WebSocket-Protocol: \($0)\r\n" }.joined()
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n".utf8)
        let parser = RequestParser()
        #expect(parser.parse(bytes.span).progress == .head)
        #expect(parser.withHead { Subprotocols.withoutCredentials(in: $0) } == sample.kept)
    }
}
