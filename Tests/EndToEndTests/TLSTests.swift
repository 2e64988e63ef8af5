import Glibc
import JSON
import Reactor
import Support
import Synchronization
import Testing

@Suite("TLS to vendors")
struct TLSTests {
    /// A certificate for some names, its own authority, and a vendor that shows it.
    private final class Vendor {
        let folder: TemporaryFolder
        let process: ChildProcess
        let port: Int
        var authority: String { "\(folder.path)/certificate.pem" }

        init(names: String) throws {
            folder = try TemporaryFolder()
            let openssl = try ChildProcess(
                "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=weir test", "-addext",
                    "subjectAltName=\(names)", "-keyout", "\(folder.path)/key.pem", "-out",
                    "\(folder.path)/certificate.pem",
                ]
            )
            try #require(try openssl.wait() == 0, "\(openssl.text)")
            process = try ChildProcess(
                "/usr/bin/env",
                [
                    "python3", "\(Repository.root)/Tests/EndToEndTests/TLS/vendor.py",
                    "\(folder.path)/certificate.pem", "\(folder.path)/key.pem",
                ]
            )
            let line = try process.awaitLine("port ")
            port = Int(line.split(separator: " ").last ?? "") ?? 0
        }

        func gateway(host: String = "127.0.0.1", trusts: Bool = true) throws -> GatewayProcess {
            try GatewayProcess(
                toml(host: host, authority: trusts ? authority : ""), server: "workers = 1")
        }

        func toml(host: String = "127.0.0.1", authority: String) -> String {
            """
            [vendors.openai]
            base_url = "https://\(host):\(port)/v1"
            ca_file = "\(authority)"
            """
        }
    }

    private static func get(_ gateway: GatewayProcess, _ path: String) throws -> RawResponse {
        try RawConnection(port: gateway.port).exchange(
            "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
    }

    private static func counts(_ gateway: GatewayProcess) throws -> JSONValue {
        try JSONValue(parsing: try get(gateway, "/v1/count").text)
    }

    @Test("is made with a trusted authority, by address and by name")
    func trusted() throws {
        let vendor = try Vendor(names: "IP:127.0.0.1,DNS:localhost")
        for host in ["127.0.0.1", "localhost"] {
            let gateway = try vendor.gateway(host: host)
            #expect(try Self.get(gateway, "/v1/models").text == "{\"ok\":true}")
        }
    }

    @Test("brings large answers whole to slow clients, over a connection for each")
    func largeAnswers() throws {
        let vendor = try Vendor(names: "IP:127.0.0.1")
        let gateway = try vendor.gateway()
        let port = gateway.port
        let faults = Mutex<[String]>([])
        let threads = try (0..<10).map { number in
            try Reactor.Thread(name: "client-\(number)") {
                do {
                    let client = try RawConnection(
                        port: port, receiveBufferBytes: number % 2 == 0 ? 32 << 10 : nil)
                    for path in ["large", "chunked", "models", "large", "chunked"] {
                        let response = try client.exchange(
                            "GET /v1/\(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        let bytes = path == "models" ? 11 : 4 << 20
                        guard !response.isWhole || response.body.count != bytes else { continue }
                        faults.withLock { $0.append("\(path): \(response.body.count) bytes") }
                    }
                } catch {
                    faults.withLock { $0.append("\(error)") }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(faults.withLock { $0 } == [])
        #expect((try Self.counts(gateway)["handshakes"]?.integer ?? .max) <= 11)
    }

    @Test("carries a thousand WebSockets to a vendor that prefers HTTP/2, none of them over it")
    func sockets() throws {
        let vendor = try Vendor(names: "IP:127.0.0.1")
        let gateway = try vendor.gateway()
        for round in 0..<1000 {
            let client = try RawConnection(port: gateway.port)
            try client.send(
                "GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                    + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            let head = try client.take(through: "\r\n\r\n")
            try #require(head.hasPrefix("HTTP/1.1 101 "), "\(round): \(head)")
            try client.send("there and back")
            #expect(try client.take(through: "back") == "there and back")
            client.close()
        }
        let counts = try Self.counts(gateway)
        #expect(counts["h2"]?.integer == 0)
        #expect((counts["handshakes"]?.integer ?? 0) > 1000)
    }

    @Test("is refused with an authority that is not trusted, and with another's name")
    func refused() throws {
        let vendor = try Vendor(names: "DNS:other.example")
        for trusts in [false, true] {
            let gateway = try vendor.gateway(trusts: trusts)
            let response = try Self.get(gateway, "/v1/models")
            #expect(response.status == 502)
            #expect(response.text.contains("\"vendor_tls\""))
            #expect(response.text.contains("CURLE_PEER_FAILED_VERIFICATION"))
        }
        // Not a byte of a request was sent.
        let trusted = try Vendor(names: "IP:127.0.0.1")
        #expect(try Self.counts(trusted.gateway())["requests"]?.integer == 1)
    }

    @Test("keeps connections, and resumes sessions on new ones")
    func resumption() throws {
        let vendor = try Vendor(names: "IP:127.0.0.1")
        let gateway = try vendor.gateway()
        for _ in 0..<5 { #expect(try Self.get(gateway, "/v1/models").status == 200) }
        #expect(try Self.counts(gateway)["handshakes"]?.integer == 1)
        for _ in 0..<5 { #expect(try Self.get(gateway, "/v1/last").status == 200) }
        let counts = try Self.counts(gateway)
        #expect(counts["handshakes"]?.integer == 6)
        #expect(counts["resumed"]?.integer == 5)
    }

    @Test("with other authorities no connection and no session of the earlier ones is used")
    func reload() throws {
        let vendor = try Vendor(names: "IP:127.0.0.1")
        let other = try Vendor(names: "IP:127.0.0.1")
        let gateway = try vendor.gateway()
        func reload(_ authority: String, _ count: Int) throws {
            try gateway.reload(vendor.toml(authority: authority))
            try gateway.process.awaitLines(" notice reloaded ", count: count)
        }
        #expect(try Self.get(gateway, "/v1/models").status == 200)
        // The same bundle elsewhere is another one; the same at its path is not.
        try reload(vendor.authority, 1)
        #expect(try Self.counts(gateway)["handshakes"]?.integer == 1)
        try reload(other.authority, 2)
        for _ in 0..<3 {
            let response = try Self.get(gateway, "/v1/models")
            #expect(response.status == 502)
            #expect(response.text.contains("CURLE_PEER_FAILED_VERIFICATION"))
        }
        try reload(vendor.authority, 3)
        let counts = try Self.counts(gateway)
        #expect(counts["resumed"]?.integer == 0)
        // The bundle's own content counts, not its name.
        let copy = try ChildProcess("/bin/cp", [other.authority, vendor.authority])
        try #require(try copy.wait() == 0)
        try reload(vendor.authority, 4)
        #expect(try Self.get(gateway, "/v1/models").status == 502)
    }

    @Test("what is in flight when authorities change ends whole, and its connection with it")
    func inFlight() throws {
        let vendor = try Vendor(names: "IP:127.0.0.1")
        let other = try Vendor(names: "IP:127.0.0.1")
        let gateway = try vendor.gateway()
        let slow = try RawConnection(port: gateway.port)
        try slow.send("GET /v1/slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        _ = try slow.take(through: "\r\n\r\n")
        // Another connection, which rests.
        let before = try Self.counts(gateway)
        #expect(before["handshakes"]?.integer == 2)
        let descriptors = gateway.process.descriptorCount
        try gateway.reload(vendor.toml(authority: other.authority))
        try gateway.process.awaitLine(" notice reloaded ")
        try vendor.process.awaitLine("gone 1\n")
        vendor.process.signal(SIGUSR1)
        #expect(try slow.take("{\"ok\":true}".utf8.count) == Array("{\"ok\":true}".utf8))
        try vendor.process.awaitLine("gone 2\n")
        try gateway.await("the descriptors") { gateway.process.descriptorCount < descriptors }
        try gateway.reload(vendor.toml(authority: vendor.authority))
        try gateway.process.awaitLines(" notice reloaded ", count: 2)
        let counts = try Self.counts(gateway)
        #expect(counts["handshakes"]?.integer == 3 && counts["resumed"] == before["resumed"])
    }

    @Test("a connection that the vendor ended at rest costs no request, and no second sending")
    func closeNotify() throws {
        let vendor = try Vendor(names: "IP:127.0.0.1")
        let gateway = try vendor.gateway()
        for number in 1...20 {
            let response = try Self.get(gateway, "/v1/close")
            #expect(response.status == 200)
            #expect(response["x-weir-attempts"] == "1")
            // The gateway has heard of the end, and let go, before the next request.
            try vendor.process.awaitLine("ended \(number)\n")
        }
        #expect(try Self.counts(gateway)["requests"]?.integer == 21)
        #expect(try gateway.metric("weir_stale_retries_total") == 0)
    }

    /// A proxy on a port of this machine that opens tunnels.
    private static func proxy() throws -> (process: ChildProcess, port: Int) {
        let process = try ChildProcess(
            "/usr/bin/env", ["python3", "\(Repository.root)/Tests/EndToEndTests/TLS/proxy.py"])
        let line = try process.awaitLine("port ")
        return (process, Int(line.split(separator: " ").last ?? "") ?? 0)
    }

    @Test("goes through a proxy's tunnel from end to end, and the tunnel is kept")
    func tunnel() throws {
        let vendor = try Vendor(names: "IP:127.0.0.1")
        let proxy = try Self.proxy()
        let credential = "credential = \"sk-canary-of-the-gateway\""
        let gateway = try GatewayProcess(
            vendor.toml(authority: vendor.authority)
                + "\n\(credential)\nproxy = \"http://me:secret@127.0.0.1:\(proxy.port)\"",
            server: "workers = 1")
        for _ in 0..<5 {
            #expect(try Self.get(gateway, "/v1/models").text == "{\"ok\":true}")
        }
        let large = try Self.get(gateway, "/v1/large")
        #expect(large.isWhole && large.body.count == 4 << 20)
        #expect(try Self.counts(gateway)["handshakes"]?.integer == 1)
        // The vendor ends the connection inside of the tunnel: that costs no request.
        for number in 1...5 {
            #expect(try Self.get(gateway, "/v1/close").status == 200)
            try vendor.process.awaitLine("ended \(number)\n")
        }
        let counts = try Self.counts(gateway)
        #expect(counts["handshakes"]?.integer == 6 && counts["resumed"]?.integer == 5)
        try proxy.process.awaitLines("closed ", count: 5)
        let lines = proxy.process.text.split(separator: "\n")
        let tunnels = lines.filter { $0.hasPrefix("tunnel ") }
        #expect(tunnels.count == 6)
        // me:secret
        #expect(tunnels.allSatisfy { $0 == "tunnel 127.0.0.1:\(vendor.port) Basic bWU6c2VjcmV0" })
        #expect(lines.filter { $0.hasPrefix("closed ") }.allSatisfy { $0 == "closed 0" })
    }

    @Test("is refused through a proxy as without one, and what the proxy has is no trusted vendor")
    func tunnelRefused() throws {
        let vendor = try Vendor(names: "DNS:other.example")
        let proxy = try Self.proxy()
        for authority in ["", vendor.authority] {
            let gateway = try GatewayProcess(
                vendor.toml(authority: authority)
                    + "\nproxy = \"http://127.0.0.1:\(proxy.port)\"", server: "workers = 1")
            let response = try Self.get(gateway, "/v1/models")
            #expect(response.status == 502)
            #expect(response.text.contains("CURLE_PEER_FAILED_VERIFICATION"))
            #expect(response["x-should-retry"] == "false")
        }
    }
}
