import Glibc
import Reactor
import Support
import Testing

/// The addresses that clients come to, tried on the program.
@Suite("Addresses")
struct ListenTests {
    @Test("all of a list serve, each by what its own address allows")
    func list() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let file = try folder.write(
            """
            [server]
            listen = ["127.0.0.1:0", "[::]:0"]
            workers = 2
            [admin]
            listen = ""
            [log]
            path = "\(folder.path)/record"
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            """, to: "weir.toml")
        let process = try ChildProcess(try Binaries.weir, ["serve", "--config", file])
        let line = try process.awaitLine(" serving ")
        let list = try #require(line.split(separator: "\"").dropFirst().first)
        let addresses = list.split(separator: ", ").map(String.init)
        #expect(addresses.count == 2)
        #expect(addresses[0].hasPrefix("127.0.0.1:") && addresses[1].hasPrefix("[::]:"))
        let ports = addresses.compactMap { Int($0.split(separator: ":").last ?? "") }
        try #require(ports.count == 2)
        // More connections than workers: both of them listen on both.
        for _ in 0..<8 {
            for (host, port, name, status) in [
                ("127.0.0.1", ports[0], "localhost", 200), ("127.0.0.1", ports[0], "evil", 421),
                ("127.0.0.1", ports[1], "localhost", 200), ("127.0.0.1", ports[1], "any", 200),
                ("[::1]", ports[1], "any", 200),
            ] {
                let client = try RawConnection(port: port, host: host)
                let answer = try client.exchange(
                    "GET /v1/models HTTP/1.1\r\nHost: \(name)\r\n\r\n")
                #expect(answer.status == status, "\(host) \(port) \(name)")
            }
        }
        process.signal(SIGTERM)
        #expect(try process.wait() == 0)
    }

    private static func connect(_ path: String) throws -> RawConnection {
        let address = try #require(SocketAddress("unix:\(path)"))
        return RawConnection(descriptor: try Socket.connect(to: address))
    }

    @Test("a socket in the file system serves all workers, outlives a death, and goes with the end")
    func local() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/weir.sock"
        let file = try folder.write(
            """
            [server]
            listen = ["unix:\(path)", "127.0.0.1:0"]
            workers = 2
            [admin]
            listen = ""
            [log]
            path = "\(folder.path)/record"
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            """, to: "weir.toml")
        for signal in [SIGKILL, SIGTERM] {
            let process = try ChildProcess(try Binaries.weir, ["serve", "--config", file])
            let line = try process.awaitLine(" serving ")
            #expect(line.contains("unix:\(path), 127.0.0.1:"))
            for _ in 0..<8 {
                let answer = try Self.connect(path).exchange(
                    "GET /v1/models HTTP/1.1\r\nHost: any\r\n\r\n")
                #expect(answer.status == 200)
            }
            var status = stat()
            #expect(unsafe stat(path, &status) == 0 && status.st_mode & 0o777 == 0o660)
            // A second process finds it taken.
            let second = try folder.write(
                """
                [server]
                listen = "unix:\(path)"
                [admin]
                listen = ""
                [log]
                path = "\(folder.path)/other"
                """, to: "second.toml")
            let other = try ChildProcess(try Binaries.weir, ["serve", "--config", second])
            #expect(try other.wait() == 1)
            #expect(other.text.contains("Address already in use"), "\(other.text)")
            process.signal(signal)
            _ = try process.wait()
        }
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test("a load balancer says whose connection it is; who says nothing there is not heard")
    func proxyProtocol() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            vendor: vendor.port,
            server: "workers = 1\nhead_timeout = \"1s\"\nproxy_protocol = [\"127.0.0.0/8\"]")
        let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]
        let client: [UInt8] = [0x21, 0x11, 0, 12, 192, 0, 2, 7, 10, 0, 0, 1, 0, 80, 0, 80]
        let request = Array("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        let whole = try RawConnection(port: gateway.port)
        try whole.send(signature + client + request)
        #expect(try whole.response().status == 200)
        let slow = try RawConnection(port: gateway.port)
        for byte in signature + client + request { try slow.send([byte]) }
        #expect(try slow.response().status == 200)
        try slow.send(request)
        #expect(try slow.response().status == 200)
        for bytes in [request, signature + [0x21, 0x11, 0, 1, 0], signature] {
            let refused = try RawConnection(port: gateway.port)
            try refused.send(bytes)
            #expect(try refused.takeToEnd().isEmpty)
        }
        try gateway.await("three records") {
            try gateway.metric("weir_records_stored_total") == 3
        }
        let list = try RecordTests.logs(gateway.recordPath, ["list", "--json"]).text
        #expect(list.split(separator: "\n").count == 3)
        #expect(list.split(separator: "\n").allSatisfy { $0.contains("\"192.0.2.7\"") }, "\(list)")
    }
}
