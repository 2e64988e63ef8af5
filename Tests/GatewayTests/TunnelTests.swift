import ExchangeCore
import Gateway
import Glibc
import LogStore
import Primitives
import Reactor
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

@Suite("Tunnels")
struct TunnelTests {
    private static let mask: [UInt8] = [0x11, 0x22, 0x33, 0x44]

    @Test(
        "open by the vendor's word: its head, its first bytes, and nothing of HTTP's",
        arguments: [
            "", "Content-Length: 0\r\n", "Keep-Alive: 5\r\nTE: trailers\r\n",
        ])
    func opening(_ fields: String) throws {
        let hello = WebSocketFrame.text("hello").bytes()
        let vendor = try TunnelVendor(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + TunnelVendor.accepting
                + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            first: hello
        ) { connection in
            try connection.send(try connection.take(8))
            _ = try connection.receiveMore()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        // The client does not wait for the answer.
        let early = WebSocketFrame.text("hi").bytes(mask: Self.mask)
        try client.send(
            Request.handshake(
                "/v1/responses?a=%62",
                fields + "X-Codex: 1\r\n"
                    + "Sec-WebSocket-Extensions: permessage-deflate\r\n"))
        try client.send(early)
        let head = try client.take(through: "\r\n\r\n")
        #expect(try client.take(hello.count) == hello)
        #expect(try client.take(early.count) == early)

        let lines = head.split(separator: "\r\n").map(String.init)
        #expect(lines[0] == "HTTP/1.1 101 Switching Protocols")
        let names = lines.dropFirst().map { $0.prefix { $0 != ":" }.lowercased() }
        #expect(names.filter { $0 == "connection" }.count == 1)
        #expect(lines.contains { $0.lowercased() == "connection: upgrade" })
        #expect(lines.contains("upgrade: websocket"))
        #expect(lines.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        #expect(lines.contains("Sec-WebSocket-Extensions: permessage-deflate"))
        #expect(lines.contains("x-weir-vendor: openai"))
        #expect(!names.contains("content-length") && !names.contains("transfer-encoding"))

        let asked = try #require(vendor.heads.first).split(separator: "\r\n").map(String.init)
        #expect(asked[0] == "GET /v1/responses?a=%62 HTTP/1.1")
        #expect(asked.contains("Connection: Upgrade") && asked.contains("Upgrade: websocket"))
        #expect(asked.contains("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
        #expect(asked.contains("X-Codex: 1"))
        let askedNames = asked.dropFirst().map { $0.prefix { $0 != ":" }.lowercased() }
        #expect(Set(askedNames).count == askedNames.count, "\(asked)")
        for name in ["content-length", "transfer-encoding", "expect", "keep-alive", "te"] {
            #expect(!askedNames.contains(name), "\(asked)")
        }
    }

    @Test("carry every frame both ways, whatever its length and however it is cut")
    func frames() throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.openTunnel()
        var generator = RandomSource(seed: 22)
        for round in 0..<60 {
            var sent: [UInt8] = []
            for _ in 0..<10 {
                let length = Int.random(
                    in: 0...(round % 10 == 0 ? 70_000 : 300), using: &generator)
                let opcode = UInt8([0x01, 0x02, 0x09].randomElement(using: &generator) ?? 1)
                let payload = (0..<(opcode == 9 ? min(length, 125) : length)).map {
                    UInt8(truncatingIfNeeded: $0 &* 31 &+ round)
                }
                sent += WebSocketFrame(opcode, payload).bytes(mask: Self.mask)
            }
            var offset = 0
            while offset < sent.count {
                let end = min(sent.count, offset + Int.random(in: 1...40_000, using: &generator))
                try client.send(Array(sent[offset..<end]))
                offset = end
            }
            #expect(try client.take(sent.count) == sent)
        }
    }

    @Test("hold a client up whose vendor rests, in bounded memory, and carry what the vendor says")
    func restingVendor() throws {
        let isOver = Atomic<Bool>(false)
        let vendor = try TunnelVendor { connection in
            while !isOver.load(ordering: .relaxed), try !connection.isEnded(within: 0.01) {
                try connection.send("tick")
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.openTunnel()
        let sent = try client.sendUntilHeldUp(200 << 20)
        // Kernel buffers of two connections, and ours.
        #expect(sent < 16 << 20)
        for _ in 0..<20 { _ = try client.take(through: "tick") }
        isOver.store(true, ordering: .relaxed)
    }

    @Test("hold a vendor up whose client rests, in bounded memory, and carry what the client says")
    func restingClient() throws {
        let sent = Atomic<Int>(0)
        let isHeard = Atomic<Bool>(false)
        let vendor = try TunnelVendor { connection in
            sent.store(try connection.sendUntilHeldUp(200 << 20), ordering: .relaxed)
            _ = try connection.take(through: "ping")
            isHeard.store(true, ordering: .relaxed)
            _ = try connection.receiveMore()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port, receiveBufferBytes: 16 << 10)
        try client.openTunnel()
        try gateway.await("the vendor to be held up") { sent.load(ordering: .relaxed) > 0 }
        #expect(sent.load(ordering: .relaxed) < 24 << 20)
        try client.send("ping")
        try gateway.await("the client to be heard") { isHeard.load(ordering: .relaxed) }
        _ = try client.take(sent.load(ordering: .relaxed) - client.received.count)
        #expect(client.end == nil)
    }

    // MARK: Ends

    @Test("end with their vendor: its last bytes and its end go on, and then nothing")
    func vendorEnds() throws {
        for isFarewell in [true, false] {
            let last =
                isFarewell
                ? WebSocketFrame.close(1000, "bye").bytes() : WebSocketFrame.text("last").bytes()
            let vendor = try TunnelVendor { connection in
                _ = try connection.take(8)
                try connection.send(last)
            }
            defer { vendor.stop() }
            let gateway = try TestGateway(vendor: vendor.port)
            let client = try RawConnection(port: gateway.port)
            try client.openTunnel()
            try client.send(WebSocketFrame.text("go").bytes(mask: Self.mask))
            #expect(try client.takeToEnd() == last)
            #expect(client.end == .closed)
            client.close()
            gateway.stop()
            let record = try #require(try gateway.record.records().last)
            #expect(record.outcome == (isFarewell ? "complete" : "truncated"))
            #expect(record.status == 101)
            #expect(
                record.errorMessage
                    == (isFarewell
                        ? "the vendor closed the WebSocket with 1000: bye"
                        : "the WebSocket ended without a farewell"))
        }
    }

    @Test("pass a vendor's reset on as one")
    func vendorResets() throws {
        let vendor = try TunnelVendor { connection in
            try connection.send("half a fr")
            _ = try connection.take(2)
            connection.reset()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        let client = try RawConnection(port: gateway.port)
        try client.openTunnel()
        _ = try client.take(through: "half a fr")
        try client.send("go")
        #expect(try client.takeToEnd().isEmpty)
        #expect(client.end == .reset)
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect(record.outcome == "truncated")
        #expect(record.errorMessage.hasPrefix("CURLE_RECV_ERROR"), "\(record.errorMessage)")
    }

    @Test(
        "end with their client: what it sent before goes on first, and a reset at once",
        arguments: ["closes", "says so", "resets", "closes in the middle"])
    func clientEnds(_ way: String) throws {
        let got = Mutex<[UInt8]?>(nil)
        let end = Mutex<RawConnection.End?>(nil)
        let vendor = try TunnelVendor { connection in
            let bytes = try connection.takeToEnd()
            end.withLock { $0 = connection.end }
            got.withLock { $0 = bytes }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        let client = try RawConnection(port: gateway.port)
        try client.openTunnel()
        let length = way == "closes" ? 900_000 : 10
        var sent = WebSocketFrame(2, [UInt8](repeating: 7, count: length)).bytes(mask: Self.mask)
        if way == "says so" { sent += WebSocketFrame.close(1001).bytes(mask: Self.mask) }
        if way == "closes in the middle" { sent.removeLast(3) }
        try client.send(sent)
        if way == "resets" {
            try gateway.await("the bytes to have gone") {
                gateway.metrics.turns.current > 0
            }
            client.reset()
        } else if way == "closes in the middle" {
            client.close()
        } else {
            client.finishSending()
        }
        try gateway.await("the vendor's end") { got.withLock { $0 != nil } }
        if way != "resets" { #expect(got.withLock { $0 } == sent) }
        #expect(end.withLock { $0 } == (way == "resets" ? .reset : .closed))
        let outcome = way == "says so" ? Outcome.complete : .clientCancelled
        try gateway.await("the settlement") { gateway.outcomes(outcome) == 1 }
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect(record.requestBytes == sent.count || way == "resets")
    }

    @Test("end at once when the gateway stops, and are kept while it drains or reads its file anew")
    func stopping() throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let toml = "[vendors.openai]\nbase_url = \"http://127.0.0.1:\(vendor.port)/v1\"\n"
        let gateway = try TestGateway(toml)
        let clients = try (0..<50).map { _ in
            let client = try RawConnection(port: gateway.port)
            try client.openTunnel()
            return client
        }
        try gateway.adopt(toml + "[vendors.other]\ndialect = \"openai\"\nbase_url = \"http://a\"\n")
        gateway.order(.drain)
        for client in clients {
            try client.send("still there")
            #expect(try client.take(through: "still there") == "still there")
        }
        #expect(gateway.metrics.tunnels.current == 50)
        gateway.stop()
        for client in clients {
            #expect(try client.takeToEnd().isEmpty)
            #expect(client.end == .reset)
        }
        #expect(try gateway.record.records().filter { $0.outcome == "truncated" }.count == 50)
    }

    @Test("rest for longer than any of HTTP's clocks, on both sides")
    func resting() throws {
        let vendor = try TunnelVendor.echo()
        defer { vendor.stop() }
        let silent = try ScriptedVendor()
        defer { silent.stop() }
        let gateway = try TestGateway(
            """
            [server]
            keepalive_timeout = "200ms"
            slow_client_timeout = "200ms"
            [vendors.a]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            idle = "200ms"
            [vendors.b]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(silent.port)/v1"
            [[chains]]
            name = "tunnels"
            paths = ["/v1/responses"]
            targets = [{ vendor = "a" }]
            clocks = { content_idle = "200ms" }
            [[chains]]
            name = "others"
            targets = [{ vendor = "b" }]
            clocks = { idle = "1s" }
            """)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.openTunnel()
        // A stream beside it is cut after five times that silence.
        let stream = try RawConnection(port: gateway.port).exchange(
            Request.chat(["Chunks": "2", "Delay": "3600000"], stream: true))
        #expect(!stream.isWhole)
        try client.send("still there")
        #expect(try client.take(through: "still there") == "still there")
    }

    @Test(
        "end for both sides once nothing has passed for as long as tunnel_idle",
        arguments: [false, true])
    func idle(isFull: Bool) throws {
        let isEnded = Atomic<Bool>(false)
        let vendor = try TunnelVendor { connection in
            if isFull { _ = try? connection.sendUntilHeldUp(200 << 20) }
            // A reset is an end, too.
            _ = try? connection.takeToEnd()
            isEnded.store(true, ordering: .relaxed)
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            """
            [vendors.a]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            [[chains]]
            name = "c"
            targets = [{ vendor = "a" }]
            clocks = { tunnel_idle = "300ms" }
            """)
        let client = try RawConnection(port: gateway.port, receiveBufferBytes: 16 << 10)
        try client.openTunnel()
        if !isFull {
            let frame = WebSocketFrame.text("hi").bytes(mask: Self.mask)
            try client.send(frame)
        }
        try gateway.await("the settlement") { gateway.outcomes(.timeoutIdle) == 1 }
        try gateway.await("the vendor's end") { isEnded.load(ordering: .relaxed) }
        // What had gone to the kernel is lost by a reset, which says that something is missing.
        _ = try? client.takeToEnd()
        #expect(client.end == (isFull ? .reset : .closed))
        client.close()
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect(record.outcome == "timeout_idle" && record.errorMessage.contains("tunnel_idle"))
    }

    @Test("end when the key that opened them is none any more; others go on")
    func revokedKey() throws {
        let vendor = try TunnelVendor(TunnelVendor.accepting + "\r\n", first: []) { connection in
            while true { try connection.send(try connection.take(8)) }
        }
        defer { vendor.stop() }
        let keys = (1...2).map(ClientKeyTests.key)
        func toml(_ lines: String) -> String {
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            credential = "env:gateway-secret"
            \(lines)
            """
        }
        let one = ClientKeyTests.lines("one", keys[0], "")
        let gateway = try TestGateway(toml(one + ClientKeyTests.lines("two", keys[1], "")))
        let clients = try keys.map { key in
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.handshake("/v1/responses", "x-weir-key: \(key)\r\n"))
            _ = try client.take(through: "\r\n\r\n")
            return client
        }
        let frame = WebSocketFrame.text("hi").bytes(mask: Self.mask)
        for client in clients {
            try client.send(frame)
            #expect(try client.take(frame.count) == frame)
        }
        try gateway.adopt(toml(one))
        #expect(throws: (any Error).self) { while true { _ = try clients[1].take(1) } }
        try clients[0].send(frame)
        #expect(try clients[0].take(frame.count) == frame)
        clients[0].close()
        gateway.stop()
        let records = try gateway.record.records().filter { $0.key == "two" }
        #expect(records.map(\.outcome) == ["truncated"])
        #expect(records.first?.errorMessage.contains("revoked") == true)
    }
}
