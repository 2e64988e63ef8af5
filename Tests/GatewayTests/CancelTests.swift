import ExchangeCore
import Reactor
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

@Suite("Cancellation")
struct CancelTests {
    /// How a client goes away.
    enum Departure: String, CaseIterable {
        case closes, resets, halfCloses
    }

    static func leave(_ client: RawConnection, _ departure: Departure) {
        switch departure {
        case .closes: client.close()
        case .resets: client.reset()
        case .halfCloses: client.finishSending()
        }
    }

    private static func awaitDisconnect(
        _ gateway: TestGateway, _ vendor: ScriptedVendor, phase: String
    ) throws {
        try gateway.await("the vendor to see it") {
            (try? vendor.statistics().disconnects.contains { $0.phase == phase }) == true
        }
        try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
    }

    @Test(
        "while waiting for the head, plain and streaming", arguments: Departure.allCases,
        [false, true])
    func waiting(_ departure: Departure, _ stream: Bool) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(["Hang": "1"], stream: stream))
        try gateway.await("the request to arrive") {
            (try? vendor.statistics().requestCount) == 1
        }
        Self.leave(client, departure)
        try Self.awaitDisconnect(gateway, vendor, phase: "waiting")
    }

    @Test("while the response streams", arguments: Departure.allCases)
    func streaming(_ departure: Departure) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(["Chunks": "100000", "Delay": "5"], stream: true))
        _ = try client.take(through: "stream ")
        Self.leave(client, departure)
        try Self.awaitDisconnect(gateway, vendor, phase: "streaming")
        // It stopped long before its end.
        #expect((try vendor.statistics().disconnects.first?.chunks ?? .max) < 10_000)
    }

    @Test("while a response of a known length is under way", arguments: Departure.allCases)
    func plainBody(_ departure: Departure) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(["Size": "20000", "Cut": "100"]))
        _ = try client.take(through: "xxxx")
        Self.leave(client, departure)
        try Self.awaitDisconnect(gateway, vendor, phase: "streaming")
    }

    @Test("while a large body goes up", arguments: Departure.allCases)
    func uploading(_ departure: Departure) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "replay_limit = \"1KiB\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "POST /v1/ok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
                + String(repeating: "b", count: 100_000)
        )
        try gateway.await("the request to arrive") {
            (try? vendor.statistics().requestCount) == 1
        }
        Self.leave(client, departure)
        try Self.awaitDisconnect(gateway, vendor, phase: "uploading")
    }

    @Test("while the connection to the vendor is being made", arguments: Departure.allCases)
    func connecting(_ departure: Departure) throws {
        // The TLS handshake never goes on: the vendor has accepted, and waits.
        let hello = Atomic<Bool>(false)
        let ended = Atomic<Bool>(false)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.receiveMore()
            hello.store(true, ordering: .relaxed)
            _ = try connection.takeToEnd()
            ended.store(true, ordering: .relaxed)
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port, chain: "connect = \"1h\"", scheme: "https"
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat())
        try gateway.await("the handshake") { hello.load(ordering: .relaxed) }
        Self.leave(client, departure)
        try gateway.await("the vendor to see it") { ended.load(ordering: .relaxed) }
        try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
    }

    @Test("of requests that wait behind the current one: they never reach the vendor")
    func pipelined() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(["Hang": "1"]) + Request.chat() + Request.chat())
        try gateway.await("the first to arrive") { (try? vendor.statistics().requestCount) == 1 }
        client.close()
        try Self.awaitDisconnect(gateway, vendor, phase: "waiting")
        #expect(try vendor.statistics().requestCount == 1)
    }
}
