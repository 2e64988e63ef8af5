import Glibc
import JSON
import Reactor
import Support
import Synchronization
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

    /// A header of PROXY protocol for a client of TCP over IPv4.
    private static func header(of address: [UInt8], version: UInt8 = 0x21) -> [UInt8] {
        [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, version, 0x11, 0, 12] + address
            + [10, 0, 0, 1, 0, 80, 0, 80]
    }

    @Test("a header of PROXY protocol that is none ends its connection wherever it is cut")
    func hostileHeaders() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            vendor: vendor.port, server: "workers = 1\nproxy_protocol = [\"127.0.0.0/8\"]")
        let good = Self.header(of: [192, 0, 2, 7])
        let request = Array("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        func changed(_ index: Int, _ byte: UInt8) -> [UInt8] {
            var bytes = good
            bytes[index] = byte
            return bytes
        }
        var hostile = [
            // Version 1, a version and a command that are none, families that are none.
            Array("PROXY TCP4 192.0.2.7 10.0.0.1 80 80\r\n".utf8),
            changed(12, 0x11), changed(12, 0x31), changed(12, 0x22), changed(13, 0x41),
            changed(13, 0x13), changed(13, 0x21),
            // Too short for its family, and longer than any header is.
            changed(15, 11), changed(14, 0x10), changed(14, 0xFF),
        ]
        hostile += (0..<12).map { changed($0, good[$0] ^ 0x20) }
        let step = QuickRun.isOn ? 7 : 1
        for header in hostile {
            let bytes = header + request
            for cut in stride(from: 1, to: header.count, by: step) {
                let client = try RawConnection(port: gateway.port)
                try client.send(Array(bytes[..<cut]))
                // The second part may find the connection reset already.
                try? client.send(Array(bytes[cut...]))
                #expect(try client.takeToEnd().isEmpty, "\(header) at \(cut)")
            }
        }
        // The good one serves, wherever it is cut, and a second header is no request.
        for cut in 1..<good.count {
            let client = try RawConnection(port: gateway.port)
            try client.send(Array(good[..<cut]))
            try client.send(Array(good[cut...]) + request)
            #expect(try client.response().status == 200)
        }
        let twice = try RawConnection(port: gateway.port)
        try twice.send(good + good + request)
        #expect(try twice.response().status == 501)
        try gateway.await("the records") {
            try gateway.metric("weir_records_stored_total") == good.count
        }
        #expect(try vendor.statistics().requestCount == good.count - 1)
    }

    @Test("the client that a proxy names is that of the record, the limit and the vendor's head")
    func namedClient() throws {
        let head = Mutex("")
        let mirror = try ByteVendor { connection, _ in
            let request = try connection.request()
            head.withLock { $0 = request.head }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        }
        defer { mirror.stop() }
        let gateway = try GatewayProcess(
            vendor: mirror.port,
            server: """
                workers = 2
                proxy_protocol = ["127.0.0.0/8"]
                forwarded = "append"
                max_connections_per_address = 2
                """)
        let request =
            "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n"
        func client(_ last: UInt8) throws -> RawConnection {
            let client = try RawConnection(port: gateway.port)
            try client.send(Self.header(of: [192, 0, 2, last]) + Array(request.utf8))
            return client
        }
        let held = [try client(7), try client(7)]
        for client in held { #expect(try client.response().status == 200) }
        #expect(head.withLock { $0 }.contains("x-forwarded-for: 198.51.100.9, 192.0.2.7\r\n"))
        // Of this one there are two. Another one has its first, and the proxy's own do not count.
        #expect(try client(7).takeToEnd().isEmpty)
        #expect(try client(8).response().status == 200)
        for _ in 0..<4 {
            let probe = try RawConnection(port: gateway.port)
            try probe.send(Self.header(of: [0, 0, 0, 0], version: 0x20) + Array(request.utf8))
            #expect(try probe.response().status == 200)
        }
        #expect(try gateway.metric("weir_connections_turned_away_total") == 1)
        held[0].close()
        try gateway.await("room for another") {
            (try? client(7).response().status) == 200
        }
        try gateway.await("the records") {
            try gateway.metric("weir_records_stored_total") == 8
        }
        let records = try RecordTests.records(gateway.recordPath)
        let addresses = records.compactMap { $0["client"]?.text }
        #expect(addresses.filter { $0 == "192.0.2.7" }.count == 3, "\(addresses)")
        #expect(addresses.filter { $0 == "192.0.2.8" }.count == 1, "\(addresses)")
    }

    @Test("a socket in the file system speaks TLS, too, where the others do")
    func localOverTLS() throws {
        let vendor = try MockProcess()
        let certificate = try TLSFront.localhost()
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/weir.sock"
        let file = try folder.write(
            """
            [server]
            listen = "unix:\(path)"
            [server.tls]
            \(TLSFront.pair(certificate))
            [admin]
            listen = ""
            [log]
            path = "\(folder.path)/record"
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            """, to: "weir.toml")
        let process = try ChildProcess(try Binaries.weir, ["serve", "--config", file])
        try process.awaitLine(" serving ")
        let call = try ChildProcess(
            "/usr/bin/curl",
            [
                "--silent", "--unix-socket", path, "--cacert", certificate.chain,
                "--write-out", " %{http_code}", "https://localhost/v1/models",
            ])
        #expect(try call.wait() == 0 && call.text.hasSuffix(" 200"), "\(call.text)")
        process.signal(SIGTERM)
        #expect(try process.wait() == 0)
    }
}
