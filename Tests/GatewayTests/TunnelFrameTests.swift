import Dialects
import ExchangeCore
import Glibc
import LogStore
import Primitives
import Reactor
import Support
import Synchronization
import Telemetry
import Testing

@Suite("Frames in tunnels")
struct TunnelFrameTests {
    private static let messages = 5000
    private static let mask: [UInt8] = [0x9A, 0xBC, 0xDE, 0xF1]
    /// Every so many messages of the vendor's a response ends.
    private static let period = 250

    private static func done(_ count: Int) -> [WebSocketFrame] {
        let response =
            "\"response\":{\"object\":\"realtime.response\",\"status\":\"completed\","
            + "\"usage\":{\"input_tokens\":\(count),\"output_tokens\":1,\"total_tokens\":2}}}"
        return [
            .text("{\"type\":\"response.created\",\"response\":{\"id\":\"r\(count)\"}}"),
            .text("{\"type\":\"response.done\",\(response)"),
        ]
    }

    /// The bytes of messages of all lengths: texts and others, whole and in fragments with a ping
    /// between them.
    private static func bytes(seed: UInt64, masked: Bool, _ isVendor: Bool) -> [UInt8] {
        var generator = RandomSource(seed: seed)
        var bytes: [UInt8] = []
        for number in 0..<messages {
            let length = Int.random(in: 0...(number % 100 == 0 ? 70_000 : 300), using: &generator)
            let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
            var frames: [WebSocketFrame]
            if isVendor, number % period == 0 {
                frames = done(number / period)
            } else if number % 7 == 0 {
                let cut = Int.random(in: 0...length, using: &generator)
                frames = [
                    WebSocketFrame(2, Array(payload[..<cut]), isFinal: false),
                    WebSocketFrame(9, Array(payload.prefix(125))),
                    WebSocketFrame(0, Array(payload[cut...])),
                ]
            } else {
                frames = [WebSocketFrame(number % 2 == 0 ? 2 : 1, payload)]
            }
            for frame in frames { bytes += frame.bytes(mask: masked ? mask : nil) }
        }
        return bytes
    }

    private static func send(_ bytes: [UInt8], on descriptor: Int32, seed: UInt64) {
        // A descriptor of its own: the connection's is read meanwhile.
        let connection = RawConnection(descriptor: dup(descriptor))
        var generator = RandomSource(seed: seed)
        var offset = 0
        while offset < bytes.count {
            let end = min(bytes.count, offset + Int.random(in: 1...40_000, using: &generator))
            guard (try? connection.send(Array(bytes[offset..<end]))) != nil else { return }
            offset = end
        }
    }

    @Test("pass by thousands in both directions at once, and each response among them is found")
    func both() throws {
        let fromClient = Self.bytes(seed: 1, masked: true, false)
        let fromVendor = Self.bytes(seed: 2, masked: false, true)
        let isSame = Slot()
        let vendor = try TunnelVendor { connection in
            let descriptor = connection.descriptor
            let sender = try Reactor.Thread(name: "vendor-sender") {
                Self.send(fromVendor, on: descriptor, seed: 3)
            }
            isSame.value = try connection.take(fromClient.count) == fromClient
            sender.join()
            try connection.send(WebSocketFrame.close(1000).bytes())
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        let client = try RawConnection(port: gateway.port)
        try client.openTunnel("/v1/realtime?model=m")
        let descriptor = client.descriptor
        let sender = try Reactor.Thread(name: "client-sender") {
            Self.send(fromClient, on: descriptor, seed: 4)
        }
        #expect(try client.take(fromVendor.count) == fromVendor)
        sender.join()
        #expect(try client.takeToEnd() == WebSocketFrame.close(1000).bytes())
        client.close()
        gateway.stop()
        #expect(isSame.value)
        let records = try gateway.record.records()
        let responses = records.filter { $0.method == "WEBSOCKET" }
        #expect(responses.map(\.usage.input) == Array(0..<Self.messages / Self.period))
        let tunnel = try #require(records.first { $0.method == "GET" })
        #expect(tunnel.requestBytes == fromClient.count)
        #expect(tunnel.responseBytes == fromVendor.count + 4)
    }

    @Test("follow a head that comes byte by byte, or in two pieces, cut anywhere")
    func cutHeads() throws {
        let hello = WebSocketFrame.text("hello").bytes()
        let head = Array("\(TunnelVendor.accepting)\r\n".utf8)
        let bytes = head + hello
        let worker = Mutex<WorkerMetrics?>(nil)
        let vendor = try ByteVendor { connection, number in
            _ = try connection.request()
            let cuts = number == 1 ? Array(1..<bytes.count) : [number - 1]
            var start = 0
            for cut in cuts {
                let turns = worker.withLock { $0?.turns.current ?? 0 }
                try connection.send(Array(bytes[start..<cut]))
                start = cut
                // The worker reads this piece before the next one is there.
                _ = Patience.await(everyMilliseconds: 1) {
                    worker.withLock { $0?.turns.current ?? .max } > turns
                }
            }
            try connection.send(Array(bytes[start...]))
            _ = try connection.receiveMore()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        worker.withLock { $0 = gateway.metrics }
        for cut in 0..<bytes.count {
            let client = try RawConnection(port: gateway.port)
            let answer = try client.openTunnel()
            #expect(answer.contains("\r\nopenai-model: m\r\n"), "\(cut)")
            #expect(try client.take(hello.count) == hello, "\(cut)")
            client.close()
        }
    }

    private final class Slot: @unchecked Sendable {
        // Written on the vendor's thread, and read once the gateway has ended.
        var value = false
    }
}
