import Glibc
import JSON
import Support
import Testing

/// What an operator trusts the program with, tried on the program.
@Suite("Trust")
struct TrustTests {
    private static func own(_ port: Int, server: String = "") -> String {
        """
        [server]
        listen = "0.0.0.0:0"
        \(server)
        [admin]
        listen = ""
        [log]
        path = "PATH"
        [vendors.openai]
        base_url = "http://127.0.0.1:\(port)/v1"
        credential = "env:WEIR_TEST_KEY"
        """
    }

    @Test("it does not start with keys of its own where strangers reach it, unless that is meant")
    func exposure() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        for (line, isServed) in [("", false), ("anonymous = true", true)] {
            let text = Self.own(vendor.port, server: line)
                .replacing("PATH", with: "\(folder.path)/record")
            let file = try folder.write(text, to: "weir.toml")
            let process = try ChildProcess(
                try Binaries.weir, ["serve", "--config", file],
                environment: ["WEIR_TEST_KEY": "own-canary"])
            if isServed {
                try process.awaitLine(" serving ")
                process.signal(SIGTERM)
                #expect(try process.wait() == 0)
            } else {
                #expect(try process.wait() == 2)
                #expect(process.text.contains("server.listen: every client that reaches"))
                let check = try ChildProcess(
                    try Binaries.weir, ["check", "--config", file],
                    environment: ["WEIR_TEST_KEY": "own-canary"])
                #expect(try check.wait() == 2)
            }
            #expect(!process.text.contains("own-canary"))
        }
    }

    @Test("nor does it take such keys by a reload")
    func reload() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let client = Self.own(vendor.port).replacing("PATH", with: "\(folder.path)/record")
            .replacing("env:WEIR_TEST_KEY", with: "client")
        let file = try folder.write(client, to: "weir.toml")
        let process = try ChildProcess(
            try Binaries.weir, ["serve", "--config", file],
            environment: ["WEIR_TEST_KEY": "own-canary"])
        try process.awaitLine(" serving ")
        // The file alone may say that it is meant; the address is listened on as it was.
        for line in ["", "anonymous = true"] {
            let text = Self.own(vendor.port, server: line)
                .replacing("PATH", with: "\(folder.path)/record")
            _ = try folder.write(text, to: "weir.toml")
            process.signal(SIGHUP)
            try process.awaitLine(" not reloaded")
        }
        // A file with a tail of zeros stands for nothing.
        _ = try folder.write(client, to: "weir.toml")
        let tail = try ChildProcess(
            "/bin/sh", ["-c", "head -c 4096 /dev/zero >> \(file)"])
        #expect(try tail.wait() == 0)
        process.signal(SIGHUP)
        try process.awaitLine("NUL byte")
        process.signal(SIGTERM)
        #expect(try process.wait() == 0)
    }

    @Test("the operators' pages answer to names of this machine only")
    func operators() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port, server: "hosts = [\"ops.internal\"]")
        for (host, status) in [
            ("127.0.0.1", 200), ("localhost:9", 200), ("ops.internal", 200), ("evil.example", 421),
        ] {
            let response = try RawConnection(port: gateway.adminPort).exchange(
                "GET /metrics HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
            #expect(response.status == status)
        }
    }

    @Test("with capture none a kill leaves no content behind, and says what it does not know")
    func killed() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(
            vendor: vendor.port, log: "capture = \"none\"", folder: folder)
        let body =
            #"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},"#
            + #""messages":[{"role":"user","content":"content-canary"}]}"#
        let clients = try (0..<8).map { _ in
            let client = try RawConnection(port: gateway.port)
            try client.send(
                RecordTests.request(
                    "/v1/chat/completions", body, "X-Mock-Delay: 30\r\nX-Mock-Chunks: 400\r\n"))
            return client
        }
        for client in clients { _ = try client.take(through: "untouched. ") }
        func holding(_ text: String) throws -> Bool {
            let grep = try ChildProcess("/bin/grep", ["-r", "-q", "-a", text, gateway.recordPath])
            return try grep.wait() == 0
        }
        #expect(try !holding("content-canary") && !holding("untouched. "))
        gateway.process.signal(SIGKILL)
        _ = try gateway.process.wait()
        #expect(try !holding("content-canary") && !holding("untouched. "))
        let next = try GatewayProcess(
            vendor: vendor.port, log: "capture = \"none\"", folder: folder)
        try next.await("what was left") {
            try RecordTests.logs(next, ["verify"]).text.contains("pending 0")
        }
        let records = try RecordTests.records(next.recordPath)
        #expect(records.count == 8)
        for record in records {
            #expect(record["outcome"]?.text == "interrupted")
            #expect(record["usage_state"]?.text == "unknown")
        }
        #expect(try !holding("content-canary") && !holding("untouched. "))
    }

    @Test("with capture none no file holds content at any moment of a load, nor after kill -9")
    func searched() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let prompt = String(repeating: "content-canary ", count: 3000)
        let request = RecordTests.request(
            "/v1/chat/completions",
            #"{"model":"gpt-4o","stream":true,"messages":[{"content":"\#(prompt)"}]}"#,
            "X-Mock-Chunks: 8\r\nX-Mock-Delay: 2\r\n")
        var (whole, searches) = (0, 0)
        var path = ""
        func holding() throws -> Bool {
            let grep = try ChildProcess(
                "/bin/grep", ["-r", "-q", "-a", "-e", "content-canary", "-e", "untouched. ", path])
            return try grep.wait() == 0
        }
        for _ in 0..<3 {
            let gateway = try GatewayProcess(
                vendor: vendor.port, log: "capture = \"none\"", folder: folder)
            path = gateway.recordPath
            whole += try RecordFaultTests.load(gateway.port, request, clients: 16, milliseconds: 50)
            {
                for _ in 0..<8 {
                    let isFound = try holding()
                    #expect(!isFound)
                    searches += 1
                }
                gateway.process.signal(SIGKILL)
            }.count
            _ = try gateway.process.wait()
            #expect(try !holding())
        }
        let next = try GatewayProcess(
            vendor: vendor.port, log: "capture = \"none\"", folder: folder)
        try next.await("what was left") {
            try RecordTests.logs(next, ["verify"]).text.contains("pending 0")
        }
        #expect(try !holding())
        // What the search would find is found where content is kept.
        let keeping = try GatewayProcess(vendor: vendor.port)
        path = keeping.recordPath
        #expect(try RawConnection(port: keeping.port).exchange(request).isWhole)
        // It goes from the ring to a segment meanwhile, and a search may have been at neither.
        #expect(try Patience.await { try holding() })
        #expect(whole > 0 && searches == 24)
    }

    @Test("what is printed of a configuration repeats no secret of any URL or field")
    func printed() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            """
            [log]
            path = "\(folder.path)/record"
            [vendors.openai]
            base_url = "https://example.com/v1?api-version=2025-01-01&key=canary-1"
            credential = "env:WEIR_TEST_KEY"
            headers = { "X-Any" = "env:WEIR_TEST_KEY", "Authorization" = "canary-2" }
            [sinks.x]
            kind = "otlp"
            url = "https://me:canary-3@example.com/v1?token=canary-4"
            """, to: "weir.toml")
        let check = try ChildProcess(
            try Binaries.weir, ["check", "--config", file],
            environment: ["WEIR_TEST_KEY": "canary-5"])
        #expect(try check.wait() == 0, "\(check.text)")
        #expect(!check.text.contains("canary"), "\(check.text)")
        #expect(check.text.contains("api-version=2025-01-01"))
    }
}
