import Glibc
import JSON
import Primitives
import Reactor
import Support
import Synchronization
import Testing

/// Answers that are under way over TLS while something happens.
@Suite("Streams over TLS")
struct TLSStreamTests {
    private static let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static func chunk(_ text: String) -> String {
        "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
    }

    @Test("a slow client gets all of an answer in order, and then the event that says it broke")
    func slowly() throws {
        let count = 3000
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(Self.head)
            let filler = String(repeating: "x", count: 1000)
            for number in 0..<count {
                try connection.send(Self.chunk("data: #\(number)#\(filler)\n\n"))
            }
            // No last chunk: the answer breaks off.
        }
        defer { vendor.stop() }
        let front = try TLSFront(try TLSFront.localhost(), vendor: vendor.port)
        let seen = try front.client("slowly")
        #expect(seen["error"] == nil && seen["in_order"]?.isTrue == true, "\(seen)")
        #expect(seen["numbers"]?.integer == count && seen["event"]?.isTrue == true, "\(seen)")
        #expect(seen["end"]?.text != "close_notify", "\(seen)")
    }

    @Test("a client that goes without TLS's own end cancels its vendor, and the log is silent")
    func vanished() throws {
        let isGone = Atomic<Bool>(false)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(Self.head + Self.chunk("data: 1\n\n"))
            try connection.awaitEnd()
            isGone.store(true, ordering: .releasing)
        }
        defer { vendor.stop() }
        let certificate = try TestCertificate(names: "DNS:localhost", days: 30)
        let front = try TLSFront(
            certificate, server: "workers = 1\nmax_connections = 100", vendor: vendor.port)
        #expect(try front.client("vanish")["gone"]?.isTrue == true)
        try front.gateway.await("the vendor's end") { isGone.load(ordering: .acquiring) }
        try front.gateway.await("the record") {
            try front.gateway.metric("weir_records_stored_total") == 1
        }
        let record = try #require(try RecordTests.records(front.gateway.recordPath).first)
        #expect(record["outcome"]?.text == "client_cancelled", "\(record)")
        front.gateway.process.signal(SIGTERM)
        #expect(try front.gateway.process.wait() == 0)
        for word in [" error ", " warning "] {
            #expect(!front.gateway.process.text.contains(word), "\(front.gateway.process.text)")
        }
    }

    @Test("a certificate is replaced under load: no call and no stream is cut, new ones see it")
    func replaced() throws {
        let isReplaced = Atomic<Bool>(false)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(Self.head + Self.chunk("data: 1\n\n"))
            while !isReplaced.load(ordering: .acquiring) { poll(nil, 0, 5) }
            try connection.send(Self.chunk("data: 2\n\n") + "0\r\n\r\n")
        }
        defer { vendor.stop() }
        let certificate = try TLSFront.localhost()
        let next = try TestCertificate(names: "DNS:localhost,IP:127.0.0.1", subject: "next")
        let mock = try MockProcess()
        let gateway = try GatewayProcess(
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(mock.port)/v1"
            [vendors.anthropic]
            base_url = "http://127.0.0.1:\(vendor.port)"
            """, server: "workers = 2\n[server.tls]\n\(TLSFront.pair(certificate))")
        let folder = try TemporaryFolder()
        let authorities = try folder.write(
            certificate.chainText + next.chainText, to: "authorities.pem")
        let stream = try TLSFront.start("get", gateway.port, authorities, ["path=/v1/messages"])
        let load = try TLSFront.start(
            "load", gateway.port, authorities,
            ["mark=\(folder.path)/mark", "stop=\(folder.path)/stop"])
        try load.awaitLine("called")
        try gateway.await("the stream") { vendor.connectionCount == 1 }
        func put(_ text: String, _ name: String, _ line: String) throws {
            _ = try certificate.folder.write(text, to: name)
            gateway.process.signal(SIGHUP)
            try gateway.process.awaitLine(line)
        }
        // Half of a pair first, and half of a file.
        try put(next.chainText, "certificate.pem", "certificates refused, those before stay")
        try put(next.keyText, "key.pem", "certificates read")
        _ = try folder.write("", to: "mark")
        isReplaced.store(true, ordering: .releasing)
        let streamed = try TLSFront.answer(of: stream)
        #expect(streamed["whole"]?.isTrue == true && streamed["subject"]?.text == "front")
        try gateway.await("handshakes after it") {
            try gateway.metric("weir_tls_handshakes_total", where: "\"full\"") > 100
        }
        _ = try folder.write("", to: "stop")
        let seen = try TLSFront.answer(of: load)
        #expect(seen["errors"]?.elements?.isEmpty == true, "\(seen)")
        #expect(seen["early"]?.elements?.contains { $0.text == "front" } == true, "\(seen)")
        #expect(seen["late"]?.elements?.map(\.text) == ["next"], "\(seen)")
    }

    @Test("a ticket outlives a change of certificate, and no change of the clients' authorities")
    func tickets() throws {
        let authority = try TestCertificate(names: "DNS:authority", subject: "authority")
        let other = try TestCertificate(names: "DNS:other", subject: "other")
        let client = try TestCertificate(of: authority, subject: "client")
        for version in ["1.2", "1.3"] {
            for changesAuthorities in [false, true] {
                let certificate = try TLSFront.localhost()
                let trusted = try certificate.folder.write(
                    authority.chainText, to: "authorities.pem")
                let front = try TLSFront(
                    certificate,
                    tls: TLSFront.pair(certificate) + "\nclient_ca = \"\(trusted)\"")
                let mark = "\(certificate.folder.path)/mark"
                let carry = try TLSFront.start(
                    "carry", front.gateway.port, certificate.chain,
                    [
                        "mark=\(mark)", "cert=\(client.chain)", "key=\(client.key)",
                        "version=\(version)",
                    ])
                try carry.awaitLine("first")
                // Other bytes that mean the same are a change of the listener's certificate.
                _ =
                    try changesAuthorities
                    ? certificate.folder.write(other.chainText, to: "authorities.pem")
                    : certificate.folder.write(certificate.chainText + "\n", to: "certificate.pem")
                front.gateway.process.signal(SIGHUP)
                try front.gateway.process.awaitLine("certificates read")
                _ = try certificate.folder.write("", to: "mark")
                let seen = try TLSFront.answer(of: carry)
                #expect(seen["first"]?.integer == 200, "\(seen)")
                #expect(seen["second"]?.integer == (changesAuthorities ? nil : 200), "\(seen)")
                if !changesAuthorities { #expect(seen["resumed"]?.isTrue == true, "\(seen)") }
            }
        }
    }
}
