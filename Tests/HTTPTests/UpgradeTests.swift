import HTTP
import Primitives
import Support
import Testing

@Suite("Offers of another protocol")
struct UpgradeTests {
    /// What a request that brings these lines is taken for.
    static let offers: [(isHandshake: Bool, line: String, fields: String)] = [
        (true, "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket"),
        (true, "GET / HTTP/1.1", "Connection: keep-alive, UPGRADE\r\nUpgrade: WebSocket"),
        (true, "GET / HTTP/1.1", "Connection: x\r\nConnection: upgrade\r\nUpgrade: websocket"),
        (true, "GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c, websocket/13"),
        (true, "GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade:\twebsocket\t"),
        (false, "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: h2c"),
        (false, "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websockets, TLS/1.0"),
        (false, "GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade:"),
        (false, "GET / HTTP/1.1", "Upgrade: websocket"),
        (false, "GET / HTTP/1.1", "Connection: upgrades\r\nUpgrade: websocket"),
        (false, "GET / HTTP/1.0", "Connection: Upgrade\r\nUpgrade: websocket"),
        (false, "POST / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket"),
    ]

    @Test("are a WebSocket's handshake, or nothing", arguments: offers)
    func handshakes(_ offer: (isHandshake: Bool, line: String, fields: String)) {
        let bytes = Array("\(offer.line)\r\nHost: a\r\n\(offer.fields)\r\n\r\n".utf8)
        let parser = RequestParser()
        #expect(parser.parse(bytes.span).progress == .head)
        let isHandshake = parser.withHead { $0.isWebSocketHandshake }
        #expect(isHandshake == offer.isHandshake)
    }

    @Test("leave the body and the next request what they are", arguments: [true, false])
    func bodies(_ isChunked: Bool) throws {
        let name = isChunked ? "a JDK's chunks" : "a JDK's POST"
        let first = try #require(LegalRequests.upgrades[name])
        let reading = Reading(first + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(reading.requests.map(\.body) == [Array("hello".utf8), []])
        #expect(reading.requests.map(\.target) == ["/v1/chat/completions", "/next"])
        #expect(reading.requests.allSatisfy { $0.keepsAlive })
    }

    @Test("do not make a tunnel of CONNECT", arguments: ["", "Content-Length: 5\r\n"])
    func connect(_ field: String) {
        let reading = Reading("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\(field)\r\nhello")
        #expect(reading.refusal?.status == 501)
        #expect(reading.requests.isEmpty)
    }
}

@Suite("Chunks beyond a limit")
struct ChunkLimitTests {
    private static func progress(_ chunks: String, limit: Int) -> [RequestParser.Progress] {
        let bytes = Array(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)".utf8)
        let parser = RequestParser()
        parser.bodyBytesMax = limit
        var all: [RequestParser.Progress] = []
        var offset = 0
        while offset < bytes.count {
            let (count, progress) = parser.parse(bytes.span.extracting(offset..<bytes.count))
            offset += count
            all.append(progress)
            if case .malformed = progress { break }
            if progress == .incomplete { break }
        }
        return all
    }

    @Test("are refused when the size's line is read, not when the bytes have come")
    func sizes() {
        let refused = RequestParser.Progress.malformed(
            Malformation(413, "the request body is larger than 10 bytes"))
        #expect(Self.progress("b\r\n", limit: 10) == [.head, refused])
        #expect(Self.progress("b;a=\"b\"\r\n", limit: 10) == [.head, refused])
        #expect(Self.progress("b", limit: 10) == [.head, .incomplete])
        #expect(Self.progress("a\r\n", limit: 10) == [.head, .incomplete])
        #expect(Self.progress("5\r\nhello\r\n6\r\n", limit: 10) == [.head, refused])
        #expect(Self.progress("5\r\nhello\r\n5\r\n", limit: 10) == [.head, .incomplete])
        #expect(Self.progress("7fffffffffffffff\r\n", limit: .max) == [.head, .incomplete])
        let all = Self.progress("5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", limit: 10)
        #expect(all == [.head, .message])
    }

    @Test("count anew for each request of a connection")
    func next() {
        let parser = RequestParser()
        parser.bodyBytesMax = 5
        let bytes = Array(
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "5\r\nhello\r\n0\r\n\r\n").utf8)
        for _ in 0..<3 {
            let (count, progress) = parser.parse(bytes.span)
            #expect(progress == .head)
            let rest = bytes.span.extracting(count..<bytes.count)
            #expect(parser.parse(rest).progress == .message)
            parser.next()
        }
    }
}
