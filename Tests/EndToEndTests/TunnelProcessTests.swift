import Glibc
import JSON
import Primitives
import Reactor
import Support
import Synchronization
import Testing

@Suite("Tunnels of a process")
struct TunnelProcessTests {
    private static let handshake =
        "GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
        + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    private static let accepting =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        + "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"

    @Test("after kill -9 are interrupted in the record, with what was seen of their responses")
    func killed() throws {
        let event = "{\"type\":\"response.output_text.delta\",\"delta\":\"Hal\"}"
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    + "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
            _ = try connection.take(6)
            try connection.send(WebSocketFrame.text(event).bytes())
            _ = try connection.takeToEnd()
        }
        defer { vendor.stop() }
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(vendor: vendor.port, folder: folder)
        let client = try RawConnection(port: gateway.port)
        try client.send(Self.handshake)
        _ = try client.take(through: "\r\n\r\n")
        let ask = "{\"type\":\"response.create\",\"model\":\"gpt-5\"}"
        try client.send(WebSocketFrame.text(ask).bytes(mask: [1, 2, 3, 4]))
        _ = try client.take(through: "Hal\"}")
        gateway.process.signal(SIGKILL)
        _ = try gateway.process.wait()
        let next = try GatewayProcess(vendor: vendor.port, folder: folder)
        try next.await("what was left") {
            try RecordTests.logs(next, ["verify"]).text.contains("pending 0")
        }
        next.process.signal(SIGTERM)
        #expect(try next.process.wait() == 0)
        let records = try RecordTests.records(next.recordPath)
        #expect(records.count == 2)
        for record in records { #expect(record["outcome"]?.text == "interrupted") }
        let response = records.first { $0["method"]?.text == "WEBSOCKET" }
        #expect(response?["model"]?.text == "gpt-5")
    }

    @Test("hold 200 MB up in less than a mebibyte, whichever side rests, and carry the other way")
    func memory() throws {
        for restsVendor in [true, false] {
            let isOver = Atomic<Bool>(false)
            let isHeard = Atomic<Bool>(false)
            let vendor = try ByteVendor { connection, _ in
                _ = try connection.request()
                try connection.send(Self.accepting)
                guard restsVendor else {
                    _ = try connection.sendUntilHeldUp(200 << 20)
                    _ = try connection.take(through: "still there")
                    isHeard.store(true, ordering: .relaxed)
                    return try connection.awaitEnd()
                }
                while !isOver.load(ordering: .relaxed), try !connection.isEnded(within: 0.01) {
                    try connection.send("tick")
                }
            }
            defer { vendor.stop() }
            let gateway = try GatewayProcess(vendor: vendor.port, server: "workers = 1")
            // What a tunnel needs once is there from here on.
            let first = try RawConnection(port: gateway.port)
            try first.send(Self.handshake)
            _ = try first.take(through: "\r\n\r\n")
            first.close()
            let before = gateway.process.anonymousBytes
            let client = try RawConnection(port: gateway.port)
            try client.send(Self.handshake)
            _ = try client.take(through: "\r\n\r\n")
            if restsVendor {
                #expect(try client.sendUntilHeldUp(200 << 20) < 64 << 20)
                for _ in 0..<20 { _ = try client.take(through: "tick") }
                isOver.store(true, ordering: .relaxed)
            } else {
                try client.awaitReadable(bytes: 64 << 10)
                try client.send("still there")
                try gateway.await("the vendor to hear") { isHeard.load(ordering: .relaxed) }
            }
            let grown = gateway.process.anonymousBytes - before
            #expect(grown < 1 << 20, "vendor rests: \(restsVendor), \(grown) bytes")
        }
    }

    @Test("are refused where their vendor has not answered the handshake after 15 seconds")
    func silentVendor() throws {
        let isLetGo = Atomic<Bool>(false)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.awaitEnd()
            isLetGo.store(true, ordering: .relaxed)
        }
        defer { vendor.stop() }
        let gateway = try GatewayProcess(vendor: vendor.port)
        let client = try RawConnection(port: gateway.port)
        let began = Instant.now()
        try client.send(Self.handshake)
        let response = try client.response()
        let took = Instant.now() - began
        #expect(response.status == 504)
        #expect(took > .seconds(14) && took < .seconds(25), "\(took)")
        #expect(response.text.contains("vendor_timeout"), "\(response.text)")
        try gateway.await("the vendor to be let go") { isLetGo.load(ordering: .relaxed) }
    }

    @Test("go on through SIGHUP, and on SIGTERM until the drain's time is over")
    func signals() throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(Self.accepting)
            while true {
                let bytes = try connection.take(connection.received.count)
                if !bytes.isEmpty { try connection.send(bytes) }
                guard try connection.receiveMore() else { return }
            }
        }
        defer { vendor.stop() }
        let toml = "[vendors.openai]\nbase_url = \"http://127.0.0.1:\(vendor.port)/v1\"\n"
        let gateway = try GatewayProcess(
            toml, server: "workers = 2\ndrain_timeout = \"10s\"")
        let clients = try (0..<50).map { _ in
            let client = try RawConnection(port: gateway.port)
            try client.send(Self.handshake)
            _ = try client.take(through: "\r\n\r\n")
            return client
        }
        func areAlive() throws {
            for client in clients {
                try client.send("still there")
                #expect(try client.take(through: "still there") == "still there")
            }
        }
        try gateway.reload(toml.replacing("/v1", with: "/v2"))
        try gateway.process.awaitLines(" notice reloaded ", count: 1)
        try areAlive()
        gateway.process.signal(SIGTERM)
        _ = try gateway.process.awaitLine(" notice draining")
        try areAlive()
        for client in clients {
            #expect(try client.takeToEnd().isEmpty)
            #expect(client.end == .reset)
        }
        _ = try gateway.process.wait()
        let records = try RecordTests.records(gateway.recordPath)
        #expect(records.count == 50)
        #expect(records.allSatisfy { $0["outcome"]?.text == "truncated" })
    }

    @Test("that rest, and one that is busy, delay no plain request for long")
    func beside() throws {
        let vendor = try ByteVendor { connection, _ in
            while true {
                let request = try connection.request()
                guard request.head.contains("websocket") else {
                    try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                    continue
                }
                try connection.send(Self.accepting)
                while true {
                    let bytes = try connection.take(connection.received.count)
                    if !bytes.isEmpty { try connection.send(bytes) }
                    guard try connection.receiveMore() else { return }
                }
            }
        }
        defer { vendor.stop() }
        let gateway = try GatewayProcess(vendor: vendor.port, server: "workers = 1")
        func slowest() throws -> Interval {
            let client = try RawConnection(port: gateway.port)
            var times: [Interval] = []
            for _ in 0..<500 {
                let began = Instant.now()
                let answer = try client.exchange(
                    "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
                times.append(Instant.now() - began)
                #expect(answer.status == 200)
            }
            return times.sorted()[495]
        }
        _ = try slowest()
        let alone = try slowest()
        let tunnels = try (0..<60).map { _ in
            let client = try RawConnection(port: gateway.port)
            try client.send(Self.handshake)
            _ = try client.take(through: "\r\n\r\n")
            return client
        }
        let isOver = Atomic<Bool>(false)
        let busy = tunnels[0]
        let talker = try Thread(name: "busy") {
            let frame = WebSocketFrame(2, [UInt8](repeating: 7, count: 1000)).bytes(mask: [
                1, 2, 3, 4,
            ])
            while !isOver.load(ordering: .relaxed) {
                guard (try? busy.send(frame)) != nil, (try? busy.take(frame.count)) != nil else {
                    return
                }
            }
        }
        let beside = try slowest()
        isOver.store(true, ordering: .relaxed)
        talker.join()
        // How much it is on a quiet machine is measured elsewhere; here the busy one has a core's
        // share, and requests must not wait for its frames.
        #expect(beside.seconds < alone.seconds + 0.05, "alone \(alone), beside \(beside)")
        #expect(try gateway.metric("weir_tunnels_total") == 60)
    }
}
