import Glibc
import Primitives
import Reactor
import Support
import Synchronization
import Testing

@Suite("Reload")
struct ReloadTests {
    private static func toml(_ ports: [Int], credential: String = "none") -> String {
        let vendors = ports.indices.map { index in
            """
            [vendors.v\(index)]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(ports[index])/v1"
            credential = "\(credential)"
            """
        }
        let targets = ports.indices.map { "{ vendor = \"v\($0)\" }" }.joined(separator: ", ")
        return vendors.joined(separator: "\n")
            + "\n[[chains]]\nname = \"c\"\ntargets = [\(targets)]\n"
    }

    private static func chat(_ fields: String = "", stream: Bool = false) -> String {
        let body = "{\"model\":\"gpt-4o\",\"stream\":\(stream),\"messages\":[]}"
        return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            + "\(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    private static func awaitReloads(_ gateway: GatewayProcess, _ count: Int) throws {
        try gateway.process.awaitLines(" notice reloaded ", count: count)
        #expect(try gateway.metric("weir_config_reloads_total", where: "applied") == count)
    }

    @Test("another chain serves what begins; what is in flight ends where it began")
    func chain() throws {
        let first = try MockProcess()
        let second = try MockProcess()
        let gateway = try GatewayProcess(Self.toml([first.port]), server: "workers = 2")
        let slow = Self.chat("X-Mock-Chunks: 100\r\nX-Mock-Delay: 40\r\n", stream: true)
        let expected = try RawConnection(port: first.port).exchange(slow).body
        let stream = try RawConnection(port: gateway.port)
        try stream.send(slow)
        try gateway.await("the stream to be under way") {
            try gateway.metric("weir_response_bytes_total") > 0
        }
        try gateway.reload(Self.toml([second.port, first.port]))
        try gateway.process.awaitLine(" reloaded ")
        #expect(try gateway.metric("weir_exchanges_in_flight") == 1)
        // Each on a connection of its own, so that both workers are asked.
        for _ in 0..<16 {
            let response = try RawConnection(port: gateway.port).exchange(Self.chat())
            #expect(response.isWhole && response["x-weir-vendor"] == "v0")
        }
        #expect(try second.statistics().requestCount == 16)
        let response = try stream.response()
        #expect(response.isWhole && response.body == expected)
        #expect(try first.statistics().requestCount == 2)
        try gateway.await("the settlements") {
            try gateway.metric("weir_exchanges_total", where: "outcome=\"complete\"") == 17
        }
        #expect(try gateway.metric("weir_exchanges_in_flight") == 0)
        #expect(gateway.process.text.contains("chains=1"))
    }

    @Test("a key in a file that has changed is used from the next request on")
    func credential() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let path = try folder.write("canary-one\n", to: "key")
        let toml = Self.toml([vendor.port], credential: "file:\(path)")
        let gateway = try GatewayProcess(toml)
        let client = try RawConnection(port: gateway.port)
        func seen() throws -> String? {
            #expect(try client.exchange(Self.chat()).isWhole)
            return try vendor.statistics().requests.last?["authorization"]
        }
        #expect(try seen() == "Bearer canary-one")
        _ = try folder.write("canary-two\n", to: "key")
        #expect(try seen() == "Bearer canary-one")
        try gateway.reload(toml)
        try Self.awaitReloads(gateway, 1)
        #expect(try seen() == "Bearer canary-two")
        // Faults beside it, in a URL with a password of its own, repeat no secret either.
        let faulty = toml.replacing("http://", with: "http://me:canary-three@")
        try gateway.reload(faulty.replacing("file:\(path)", with: "canary-four"))
        try gateway.process.awaitLine(" not reloaded: ")
        #expect(gateway.process.text.contains("<redacted>@127.0.0.1"))
        #expect(!gateway.process.text.contains("canary"))
    }

    @Test(
        "what is no configuration at all changes nothing",
        arguments: [
            "", "\n  \n", "\r\n\t# only begun\r\n", "\u{FEFF} # only begun\n", "[vendors",
            "[$name]\n",
            "a = 2024-05-27T:\n", "a = 1\n\0", "a = \"" + String(repeating: "[", count: 100_000),
            "a = " + String(repeating: "[", count: 100_000),
        ])
    func nothing(_ text: String) throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(Self.toml([vendor.port]))
        try gateway.rewrite(text)
        gateway.process.signal(SIGHUP)
        let line = try gateway.process.awaitLine(" not reloaded: ")
        #expect(line.hasSuffix(" faults=1"))
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat()).isWhole)
        #expect(try gateway.metric("weir_config_last_reload_successful") == 0)
    }

    @Test("a pipe is not waited for, nor taken for an empty file")
    func pipe() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/pipe"
        try #require(unsafe mkfifo(path, 0o600) == 0)
        let gateway = try GatewayProcess(Self.toml([vendor.port]))
        try gateway.reload(Self.toml([vendor.port], credential: "file:\(path)"))
        try gateway.process.awaitLines(" not reloaded: ", count: 1)
        #expect(gateway.process.text.contains("credential: the file \(path) cannot be read"))
        let https = Self.toml([vendor.port]).replacing("http://", with: "https://")
        try gateway.reload(
            https.replacing("credential", with: "ca_file = \"\(path)\"\ncredential"))
        try gateway.process.awaitLines(" not reloaded: ", count: 2)
        #expect(gateway.process.text.contains("certificates from \(path)"))
        try gateway.rewrite(nil)
        try #require(unsafe mkfifo(gateway.configurationPath, 0o600) == 0)
        gateway.process.signal(SIGHUP)
        try gateway.process.awaitLines(" not reloaded: ", count: 3)
        #expect(gateway.process.text.contains("read again, or is no regular file"))
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat()).isWhole)
    }

    @Test("a file with faults changes nothing; each is logged with its location")
    func faults() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(Self.toml([vendor.port]))
        try gateway.reload(Self.toml([1]) + "attemps = 2\nretries = \"no\"\n")
        let line = try gateway.process.awaitLine(" not reloaded: ")
        #expect(line.hasSuffix(" faults=2"))
        let text = gateway.process.text
        #expect(text.contains("config.toml:") && text.contains("attemps: unknown key"))
        #expect(text.contains("chains[0].retries"))
        let client = try RawConnection(port: gateway.port)
        #expect(try client.exchange(Self.chat()).isWhole)
        #expect(try gateway.metric("weir_config_last_reload_successful") == 0)
        #expect(try gateway.page("/readyz").status == 200)

        // A bundle that is none stops a start, and so it stops a reload.
        let https = Self.toml([1]).replacing("http://", with: "https://")
            .replacing("credential", with: "ca_file = \"/nowhere.pem\"\ncredential")
        try gateway.reload(https)
        try gateway.process.awaitLines(" not reloaded: ", count: 2)
        #expect(gateway.process.text.contains("/nowhere.pem"))
        #expect(try gateway.metric("weir_config_reloads_total", where: "refused") == 2)
        #expect(try client.exchange(Self.chat()).isWhole)

        try gateway.reload(Self.toml([vendor.port]))
        try Self.awaitReloads(gateway, 1)
        #expect(try gateway.metric("weir_config_last_reload_successful") == 1)
        #expect(try client.exchange(Self.chat()).isWhole)
    }

    @Test("sections that wait for a restart are named at every reload")
    func restart() throws {
        let vendor = try MockProcess()
        let toml = Self.toml([vendor.port])
        let gateway = try GatewayProcess(toml)
        let sink = "[sinks.lines]\nkind = \"jsonl\"\npath = \"/dev/null\"\n"
        for count in 1...2 {
            try gateway.reload(toml, more: "retain = \"1d\"\n" + sink)
            try Self.awaitReloads(gateway, count)
            try gateway.process.awaitLines("changes that wait for a restart", count: count)
        }
        #expect(gateway.process.text.contains("sections=\"[log], [sinks.lines]\""))
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat()).isWhole)
    }

    @Test("a file read a hundred times, edited each time, leaves nothing behind")
    func repeatedly() throws {
        // Some of a kilobyte, so that what is kept of each reading is seen.
        let toml = Self.toml((1...16).map { $0 })
        let gateway = try GatewayProcess(toml, server: "workers = 2")
        var memory = 0
        for count in 1...120 {
            try gateway.reload(toml + "# edited for the \(count)th time\n")
            try Self.awaitReloads(gateway, count)
            if count == 20 { memory = gateway.process.anonymousBytes }
        }
        // To keep the tree of each would take twice as much, and more.
        #expect(gateway.process.anonymousBytes <= memory + 512 << 10)
    }

    @Test("while it drains nothing is reloaded, and the log says so")
    func draining() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(Self.toml([vendor.port]))
        let client = try RawConnection(port: gateway.port)
        try client.send(Self.chat("X-Mock-Delay: 3600000\r\n", stream: true))
        _ = try client.take(through: "data: ")
        gateway.process.signal(SIGTERM)
        try gateway.process.awaitLine(" draining")
        gateway.process.signal(SIGHUP)
        try gateway.process.awaitLine("nothing is reloaded")
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
    }

    @Test("under load every answer stays exact, and nothing is left behind")
    func load() throws {
        let vendors = try [MockProcess(), MockProcess()]
        let ports = vendors.map(\.port)
        let gateway = try GatewayProcess(Self.toml(ports), server: "workers = 2")
        let call = Self.chat("X-Mock-Chunks: 5\r\n", stream: true)
        let expected = try RawConnection(port: ports[0]).exchange(call).body
        let isOver = Atomic<Bool>(false)
        let wrong = Mutex<[String]>([])
        let calls = Atomic<Int>(0)
        let port = gateway.port
        try withLoad(16) {
            guard let client = try? RawConnection(port: port) else { return }
            while !isOver.load(ordering: .relaxed) {
                do {
                    let response = try client.exchange(call)
                    if response.body != expected || !response.isWhole {
                        wrong.withLock { $0.append("\(response.status): \(response.text)") }
                    }
                } catch {
                    return wrong.withLock { $0.append("\(error)") }
                }
                calls.add(1, ordering: .relaxed)
            }
        } while: {
            defer { isOver.store(true, ordering: .relaxed) }
            var descriptors = 0
            for count in 1...60 {
                try gateway.reload(Self.toml(count % 2 == 0 ? ports : ports.reversed()))
                try Self.awaitReloads(gateway, count)
                if count == 20 { descriptors = gateway.process.descriptorCount }
            }
            #expect(gateway.process.descriptorCount <= descriptors + 64)
        }
        #expect(wrong.withLock { $0 } == [])
        #expect(calls.load(ordering: .relaxed) > 500)
        try gateway.await("rest") { try gateway.metric("weir_exchanges_in_flight") == 0 }
        let ended = try gateway.metric("weir_exchanges_total", where: "outcome=\"complete\"")
        #expect(ended == calls.load(ordering: .relaxed))
    }

    /// Runs a load on threads while something else is done, and waits for both.
    private func withLoad(
        _ threads: Int, _ load: @escaping @Sendable () -> Void, while body: () throws -> Void
    ) throws {
        let running = try (0..<threads).map { try Reactor.Thread(name: "load-\($0)", load) }
        defer { for thread in running { thread.join() } }
        try body()
    }
}
