import Glibc
import Primitives
import Reactor
import Support
import Testbed
import Testing

@Suite("Operation")
struct OperationTests {
    private static func chat(_ fields: String, stream: Bool = true) -> String {
        let body = "{\"model\":\"gpt-4o\",\"stream\":\(stream),\"messages\":[]}"
        return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            + "\(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    @Test("probes and metrics answer, and count what happened")
    func pages() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        #expect(try gateway.page("/healthz").status == 200)
        #expect(try gateway.page("/readyz").text == "ready\n")
        #expect(try gateway.page("/nothing").status == 404)
        let post = try RawConnection(port: gateway.adminPort).exchange(
            "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
        )
        #expect(post.status == 405)
        for _ in 0..<7 {
            let client = try RawConnection(port: gateway.port)
            #expect(try client.exchange(Self.chat("")).isWhole)
        }
        let metrics = try gateway.page("/metrics")
        #expect(metrics["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        try gateway.await("the settlements") {
            try gateway.metric("weir_exchanges_total", where: "outcome=\"complete\"") == 7
        }
        #expect(try gateway.metric("weir_response_head_seconds_count") == 7)
        #expect(try gateway.metric("weir_connections_accepted_total") == 7)
        let check = try ChildProcess(
            try Binaries.weir,
            ["check", "--health", "--config", try TemporaryFolderOf.admin(gateway.adminPort)]
        )
        #expect(try check.wait() == 0)
    }

    @Test("a second gateway on the same address is refused, whatever its folder is")
    func sameAddress() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port, server: "workers = 2")
        let folder = try TemporaryFolder()
        for option in [[], ["--takeover"]] {
            let file = try folder.write(
                "[server]\nlisten = \"127.0.0.1:\(gateway.port)\"\n[admin]\nlisten = \"\"\n"
                    + "[log]\npath = \"\(folder.path)/record\"\n", to: "other.toml")
            let other = try ChildProcess(
                try Binaries.weir, ["serve", "--config", file] + option)
            #expect(try other.wait() == 1)
            #expect(other.text.contains("bind 127.0.0.1:\(gateway.port): "), "\(other.text)")
        }
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat("")).isWhole)
    }

    @Test("SIGTERM under load loses no response in flight, and ends with status 0")
    func drain() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        var streams: [RawConnection] = []
        for number in 0..<64 {
            let client = try RawConnection(port: gateway.port)
            let isStream = number % 2 == 0
            let script =
                isStream
                ? "X-Mock-Chunks: 40\r\nX-Mock-Delay: 20\r\n"
                : "X-Mock-Ttft: \(300 + number * 5)\r\n"
            try client.send(Self.chat(script, stream: isStream))
            streams.append(client)
        }
        try gateway.await("the requests to be in flight") {
            try gateway.metric("weir_exchanges_in_flight") == 64
        }
        gateway.process.signal(SIGTERM)
        try gateway.process.awaitLine(" draining")
        #expect(try gateway.page("/readyz").status == 503)
        #expect(try gateway.page("/healthz").status == 200)
        for client in streams {
            let response = try client.response()
            #expect(response.status == 200 && response.isWhole)
        }
        #expect(try gateway.process.wait() == 0)
        #expect(throws: RawConnection.Failure.self) { try RawConnection(port: gateway.port) }
    }

    @Test(
        "a second signal stops at once, and what broke off looks broken",
        arguments: [SIGTERM, SIGINT])
    func stop(_ signal: Int32) throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        let client = try RawConnection(port: gateway.port)
        try client.send(Self.chat("X-Mock-Delay: 3600000\r\n"))
        _ = try client.take(through: "The ")
        gateway.process.signal(signal)
        try gateway.process.awaitLine(" draining")
        gateway.process.signal(signal)
        #expect(try gateway.process.wait(seconds: 10) == 0)
        let rest = try client.takeToEnd()
        #expect(!String(decoding: rest, as: UTF8.self).contains("0\r\n\r\n"))
        #expect(gateway.process.text.contains("stopping at once"))
    }

    @Test("without descriptors accepting pauses; when there are some again it goes on")
    func descriptors() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            vendor: vendor.port, server: "workers = 1", limits: "-n 54")
        var clients: [RawConnection] = []
        for _ in 0..<150 {
            let client = try RawConnection(port: gateway.port)
            // One that has sent nothing gives way to the next: accepting would go on for ever.
            try? client.send("POST /v1/chat")
            clients.append(client)
        }
        try gateway.process.awaitLine("accepting pauses")
        // It does not spin meanwhile: a handful of pauses a second, not one a turn.
        let pauses = gateway.process.text.components("accepting pauses")
        #expect(pauses < 50)
        for client in clients { client.close() }
        try gateway.await("the connections to be gone") {
            (try? gateway.metric("weir_connections_open")) == 0
        }
        let client = try RawConnection(port: gateway.port)
        #expect(try client.exchange(Self.chat("")).isWhole)
        #expect(try gateway.metric("weir_accept_pauses_total") >= 1)
    }

    @Test("two gigabytes go up in constant memory")
    func hugeUpload() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            vendor: vendor.port, server: "workers = 1\nmax_body = \"4GiB\""
        )
        let total = 2 << 30
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "POST /v1/files HTTP/1.1\r\nHost: [::1]\r\nContent-Length: \(total)\r\n\r\n")
        let piece = [UInt8](repeating: 0x62, count: 1 << 20)
        let before = gateway.process.residentBytes
        var highest = 0
        for number in 0..<(total / piece.count) {
            try client.send(piece)
            if number % 64 == 0 { highest = max(highest, gateway.process.residentBytes) }
        }
        #expect(try client.response().status == 200)
        #expect(highest - before < 8 << 20, "\(before) bytes before, \(highest) at most")
        let seen = try vendor.statistics().requests
        #expect(seen.last?.bodyBytes == total)
    }
}

/// A configuration that names an operators' listener alone, kept as long as the process.
private enum TemporaryFolderOf {
    nonisolated(unsafe) private static var kept: [TemporaryFolder] = []

    static func admin(_ port: Int) throws -> String {
        let folder = try TemporaryFolder()
        unsafe kept.append(folder)
        return try folder.write("[admin]\nlisten = \"127.0.0.1:\(port)\"\n", to: "config.toml")
    }
}

extension String {
    /// How often a text occurs.
    fileprivate func components(_ text: String) -> Int {
        split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}
