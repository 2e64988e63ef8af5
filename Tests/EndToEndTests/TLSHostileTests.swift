import Glibc
import JSON
import Primitives
import Support
import Testing

/// Clients that do with TLS what none should.
@Suite("TLS from hostile clients")
struct TLSHostileTests {
    private static func failed(_ gateway: GatewayProcess) throws -> Int {
        try gateway.metric("weir_tls_handshakes_total", where: "\"failed\"")
    }

    @Test("renegotiation and early data are refused, and the client is served without")
    func refused() throws {
        let front = try TLSFront(try TLSFront.localhost())
        let seen = try front.client("renegotiate")
        #expect(seen["refused"]?.isTrue == true, "\(seen)")
        let folder = try TemporaryFolder()
        let early = try front.client("early", "session=\(folder.path)/session")
        #expect(early["allowed"]?.isTrue == false && early["accepted"]?.isTrue == false)
        // Once, and never of the early data.
        #expect(early["served"]?.integer == 1 && early["reused"]?.isTrue == true, "\(early)")
        #expect(try front.vendor.statistics().requestCount == 2)
    }

    @Test("a client that changes its keys all the time is cut off, and counted")
    func keyUpdates() throws {
        let front = try TLSFront(try TLSFront.localhost())
        let seen = try front.client("update")
        #expect((seen["sent"]?.integer ?? 0) >= 11 && (seen["sent"]?.integer ?? 0) < 1000)
        try front.gateway.await("the count") {
            try front.gateway.metric("weir_tls_floods_total") == 1
        }
        #expect(try front.client("get")["status"]?.integer == 200)
    }

    @Test("what is no handshake ends its connection, and fills neither log nor record")
    func garbage() throws {
        let front = try TLSFront(
            try TLSFront.localhost(), server: "workers = 1\nhead_timeout = \"2s\"")
        let before = front.gateway.process.text.count
        for _ in 0..<20 {
            let ends = try front.client("garbage")
            #expect(ends["open"]?.elements?.isEmpty == true, "\(ends)")
            #expect(ends["count"]?.integer == 11)
        }
        #expect(try front.client("get")["status"]?.integer == 200)
        #expect(try Self.failed(front.gateway) >= 20 * 8)
        #expect(try front.gateway.metric("weir_records_stored_total") <= 1)
        #expect(front.gateway.process.text.count - before < 500, "\(front.gateway.process.text)")
    }

    @Test("TLS to a port for plain HTTP is refused in words, and fills neither log nor record")
    func onThePlainPort() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port, server: "workers = 1")
        let certificate = try TLSFront.localhost()
        let before = gateway.process.text.count
        for _ in 0..<20 {
            #expect(
                try TLSFront.client("get", gateway.port, certificate.chain)["error"] != nil)
        }
        let greeting = try RawConnection(port: gateway.port)
        try greeting.send([0x16, 0x03, 0x01, 0x00, 0xA5, 0x01])
        let answer = try greeting.response()
        #expect(answer.status == 400 && answer.text.contains("use http://"))
        #expect(try greeting.takeToEnd().isEmpty)
        let count = try gateway.metric(
            "weir_tls_handshakes_total", where: "\"on_plain_port\"")
        #expect(count == 21)
        #expect(try gateway.page("/healthz").status == 200)
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        #expect(gateway.process.text.count - before < 500, "\(gateway.process.text)")
        #expect(try RecordTests.records(gateway.recordPath).isEmpty)
    }

    @Test("handshakes that stop in the middle give way to those that go on")
    func halfOpen() throws {
        let front = try TLSFront(
            try TLSFront.localhost(), server: "workers = 1\nhead_timeout = \"10m\"")
        let folder = try TemporaryFolder()
        let stop = "\(folder.path)/stop"
        let half = try TLSFront.start(
            "open", front.gateway.port, front.certificate.chain,
            ["count=700", "greeting=1", "stop=\(stop)"])
        try half.awaitLine("opened", seconds: 120)
        // None of them would end for ten minutes. What is younger than a second may be honest.
        try front.gateway.await("a client to be served") {
            try front.client("get")["status"]?.integer == 200
        }
        // The client may have been served before the last of them was looked at.
        try front.gateway.await("those that are too many to end") {
            try Self.failed(front.gateway) >= 700 - 512
        }
        try front.gateway.await("no more than may be under way") {
            try front.gateway.metric("weir_connections_open") <= 512 + 2
        }
        _ = try folder.write("", to: "stop")
        #expect(try TLSFront.answer(of: half)["opened"]?.integer == 700)
    }

    @Test("connections that send nothing cost no state of TLS")
    func silent() throws {
        let front = try TLSFront(try TLSFront.localhost())
        #expect(try front.client("get")["status"]?.integer == 200)
        let folder = try TemporaryFolder()
        let count = QuickRun.isOn ? 1000 : 8000
        let before = front.gateway.process.anonymousBytes
        let silent = try TLSFront.start(
            "open", front.gateway.port, front.certificate.chain,
            ["count=\(count)", "stop=\(folder.path)/stop"])
        try silent.awaitLine("opened", seconds: 120)
        try front.gateway.await("all of them") {
            try front.gateway.metric("weir_connections_open") >= count
        }
        let each = (front.gateway.process.anonymousBytes - before) / count
        print("a connection that sends nothing: \(each) bytes")
        #expect(each <= 2048)
        #expect(try front.client("get")["status"]?.integer == 200)
        _ = try folder.write("", to: "stop")
        _ = try TLSFront.answer(of: silent)
    }

    @Test("one address gets so many connections and no more, by its own word or its proxy's")
    func perAddress() throws {
        let front = try TLSFront(
            try TLSFront.localhost(),
            server: """
                workers = 2
                max_connections_per_address = 3
                proxy_protocol = ["127.0.0.2"]
                """)
        let folder = try TemporaryFolder()
        let held = try TLSFront.start(
            "open", front.gateway.port, front.certificate.chain,
            ["count=3", "stop=\(folder.path)/stop"])
        try held.awaitLine("opened")
        try front.gateway.await("three connections") {
            try front.gateway.metric("weir_connections_open") >= 3
        }
        #expect(try front.client("get")["error"] != nil)
        #expect(try front.gateway.metric("weir_connections_turned_away_total") == 1)
        // Clients behind the proxy have addresses of their own.
        #expect(try front.client("get", "proxy=1", "from=127.0.0.2")["status"]?.integer == 200)
        _ = try folder.write("", to: "stop")
        _ = try TLSFront.answer(of: held)
        try front.gateway.await("room") { try front.client("get")["status"]?.integer == 200 }
    }
}
