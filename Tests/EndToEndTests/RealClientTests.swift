import Glibc
import JSON
import Support
import Testing

/// Clients as their makers ship them, which no test of ours has taught anything.
@Suite("Real clients")
struct RealClientTests {
    private static let folder = "\(Repository.root)/Tests/EndToEndTests/SDK"

    private static func environment(_ name: String, _ packages: [String]) throws -> String {
        let venv = try ChildProcess(
            "\(folder)/venv", ["\(Repository.root)/.build/\(name)"] + packages)
        try #require(try venv.wait(seconds: 600) == 0, "\(venv.text)")
        return String(venv.text.split(separator: "\n").last ?? "")
    }

    @Test("the JDK's HttpClient, which offers HTTP/2 with every request, is served over HTTP/1.1")
    func jdk() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        let calls = try ChildProcess(
            "/usr/bin/java", ["\(Self.folder)/HTTPClientCall.java", "\(gateway.port)"])
        #expect(try calls.wait(seconds: 300) == 0, "\(calls.text)")
        #expect(calls.text.contains("9 answered"), "\(calls.text)")
    }

    @Test("the JDK's HttpClient reads 100 streams, and its WebSocket speaks through a tunnel")
    func jdkSockets() throws {
        let python = try Self.environment("sockets-venv", ["openai[realtime]", "websockets"])
        let mock = try MockProcess()
        let gateway = try GatewayProcess(vendor: mock.port)
        let echo = try ChildProcess(python, ["\(Self.folder)/echo.py"])
        let line = try echo.awaitLine("port ")
        let port = Int(line.split(separator: " ").last ?? "") ?? 0
        let tunnels = try GatewayProcess(vendor: port)
        let calls = try ChildProcess(
            "/usr/bin/java",
            ["\(Self.folder)/WebSocketCall.java", "\(gateway.port)", "\(tunnels.port)"])
        #expect(try calls.wait(seconds: 300) == 0, "\(calls.text)")
        #expect(calls.text.contains("100 streamed"), "\(calls.text)")
        #expect(calls.text.contains("100 messages"), "\(calls.text)")
        echo.signal(SIGTERM)
    }

    @Test("curl that offers to upgrade to HTTP/2 is served over HTTP/1.1")
    func curl() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        let call = try ChildProcess(
            "/usr/bin/curl",
            [
                "--silent", "--http2", "--write-out", " %{http_code} %{http_version}",
                "--header", "content-type: application/json", "--data", "{\"model\":\"gpt-4o\"}",
                "http://127.0.0.1:\(gateway.port)/v1/chat/completions",
            ])
        #expect(try call.wait(seconds: 60) == 0, "\(call.text)")
        #expect(call.text.hasSuffix(" 200 1.1"), "\(call.text)")
    }

    @Test("OpenAI's SDK uploads a file in parts of 64 MiB")
    func uploads() throws {
        let python = try Self.environment("sdk-venv", [])
        let folder = try TemporaryFolder()
        let port = try ByteVendor.closedPort()
        let gateway = try GatewayProcess(vendor: port)
        let upload = try ChildProcess(
            python, ["\(Self.folder)/uploads.py", "\(port)", "\(gateway.port)", folder.path])
        #expect(try upload.wait(seconds: 300) == 0, "\(upload.text)")
        #expect(
            upload.text.contains("completed, parts of [64, 64, 5] MiB, same: True"),
            "\(upload.text)")
    }

    @Test("Google's SDK uploads files with the gateway's key where it shows it in every request")
    func googleUploads() throws {
        let python = try Self.environment("sdk-venv", [])
        let port = try ByteVendor.closedPort()
        let (key, lines) = try AccessCommandTests.newKey("google")
        let gateway = try GatewayProcess(
            """
            [vendors.gemini]
            base_url = "http://127.0.0.1:\(port)"
            credential = "env:WEIR_TEST_KEY"
            rewrite_urls = true
            [[chains]]
            name = "google"
            targets = [{ vendor = "gemini" }]
            \(lines)
            """, environment: ["WEIR_TEST_KEY": "vendor-key"])
        let upload = try ChildProcess(
            python, ["\(Self.folder)/google_upload.py", "\(port)", "\(gateway.port)", key])
        #expect(try upload.wait(seconds: 120) == 0, "\(upload.text)")
        for line in [
            "by itself: 401; start with vendor-key\n",
            "with the key in every request: files/a; start with vendor-key, "
                + "upload, finalize with vendor-key\n",
        ] {
            #expect(upload.text.contains(line), "\(upload.text)")
        }
    }

    @Test("Python's WebSocket client and OpenAI's SDK speak through tunnels, and are recorded")
    func sockets() throws {
        let python = try Self.environment("sockets-venv", ["openai[realtime]", "websockets"])
        let port = try ByteVendor.closedPort()
        let gateway = try GatewayProcess(vendor: port)
        let calls = try ChildProcess(
            python, ["\(Self.folder)/sockets.py", "\(gateway.port)", "\(port)"])
        #expect(try calls.wait(seconds: 300) == 0, "\(calls.text)")
        for line in [
            "echo deflate 400 same", "echo None 400 same", "rested, alive",
            "closed 1001 session expired",
            "realtime 2", "realtime 4", "realtime 6", "responses 2",
        ] {
            #expect(calls.text.contains(line), "\(calls.text)")
        }
        try Self.expectRecords(ofSocketsOf: gateway)
    }

    /// Each tunnel of `sockets.py` has an exchange with its status and how it was closed, and each
    /// response in it one of its own.
    private static func expectRecords(ofSocketsOf gateway: GatewayProcess) throws {
        try gateway.await("ten records") {
            try gateway.metric("weir_records_stored_total") == 10
        }
        let records = try RecordTests.records(gateway.recordPath)
        #expect(records.allSatisfy { $0["outcome"]?.text == "complete" })
        let closed = "the client closed the WebSocket with 1000"
        let session = "/v1/realtime?model=gpt-realtime"
        let tunnels = records.filter { $0["method"]?.text == "GET" }
        #expect(tunnels.allSatisfy { $0["status"]?.integer == 101 })
        let ends = tunnels.map {
            "\($0["target"]?.text ?? "") \($0["error_message"]?.text ?? "")"
        }
        #expect(
            ends.sorted()
                == [
                    "\(session) \(closed)",
                    "/v1/realtime/bye the vendor closed the WebSocket with 1001: session expired",
                    "/v1/realtime/echo \(closed)", "/v1/realtime/echo \(closed)",
                    "/v1/realtime/rest \(closed)", "/v1/responses \(closed)",
                ].sorted())
        let responses = records.filter { $0["method"]?.text == "WEBSOCKET" }
        #expect(responses.allSatisfy { $0["status"]?.integer == 200 })
        let sums = responses.map {
            "\($0["target"]?.text ?? "") \($0["model"]?.text ?? "") "
                + "\($0["input_tokens"]?.integer ?? 0) \($0["output_tokens"]?.integer ?? 0)"
        }
        #expect(
            sums.sorted()
                == [
                    "\(session) gpt-realtime 1 1", "\(session) gpt-realtime 2 2",
                    "\(session) gpt-realtime 3 3", "/v1/responses gpt-5 1 1",
                ].sorted())
        // Those of a tunnel name it.
        for tunnel in tunnels {
            let id = tunnel["id"]?.text ?? ""
            let named = try responses.filter {
                let shown = try RecordTests.logs(gateway, ["show", $0["id"]?.text ?? ""])
                return shown.text.contains("x-weir-tunnel: \(id)")
            }
            let target = tunnel["target"]?.text
            #expect(named.count == responses.count { $0["target"]?.text == target })
        }
    }

    @Test("Codex with its built-in provider tries WebSocket once, and goes on over HTTP")
    func codex() throws {
        let python = try Self.environment("codex-venv", ["openai-codex"])
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port, server: "tunnels = \"refuse\"")
        let folder = try TemporaryFolder()
        _ = try folder.write(
            "openai_base_url = \"http://127.0.0.1:\(gateway.port)/v1\"\nmodel = \"gpt-5\"\n",
            to: "config.toml")
        let program = try ChildProcess(
            python,
            ["-c", "import codex_cli_bin as c; print(c.__path__[0])"])
        try #require(try program.wait(seconds: 60) == 0, "\(program.text)")
        let path = program.text.split(separator: "\n").last.map(String.init) ?? ""
        let codex = try ChildProcess(
            "/usr/bin/env",
            [
                "CODEX_HOME=\(folder.path)", "CODEX_API_KEY=sk-test", "OPENAI_API_KEY=sk-test",
                "/bin/sh", "-c",
                "cd $CODEX_HOME && exec $0 exec --skip-git-repo-check 'say hi' </dev/null",
                "\(path)/bin/codex",
            ])
        #expect(try codex.wait(seconds: 120) == 0, "\(codex.text)")
        #expect(codex.text.contains("The stream passes and is measured"), "\(codex.text)")
        _ = try gateway.process.awaitLine("websocket_not_served")
        let requests = gateway.process.text.split(separator: "\n").filter {
            $0.contains("websocket_not_served")
        }
        #expect(requests.count == 1, "\(gateway.process.text)")
    }

    /// The interpreter of the environment that an agent is installed in, and the agent's program.
    private static func program(_ agent: String) throws -> (python: String, path: String) {
        let packages = ["aider": "aider-chat", "mini": "mini-swe-agent"]
        if let package = packages[agent] {
            let python = try environment("\(agent)-venv", [package])
            return (
                python,
                python.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/\(agent)"
            )
        }
        let python = try environment(
            "agents-venv", ["claude-agent-sdk", "openai-codex", "websockets"])
        let find = try ChildProcess(
            python, ["-c", "import codex_cli_bin as c; print(c.__path__[0])"])
        try #require(try find.wait(seconds: 60) == 0, "\(find.text)")
        let path = find.text.split(separator: "\n").last.map(String.init) ?? ""
        return (python, "\(path)/bin/codex")
    }

    /// A session of an agent's through the gateway: what it says, and what the two sides of the
    /// gateway differ in.
    ///
    /// `first`: the credential of the first vendor. `rest` follows in the configuration.
    static func session(
        _ agent: String, dialect: String, server: String = "",
        first: String = "env:WEIR_TEST_KEY", rest: String = "", environment: [String: String] = [:]
    ) throws -> (text: String, records: [JSONValue]) {
        let (python, program) = try self.program(agent)
        let ports = [try ByteVendor.closedPort(), try ByteVendor.closedPort()]
        let vendors = ports.enumerated().map { index, port in
            """
            [vendors.v\(index)]
            dialect = "\(dialect)"
            base_url = "http://127.0.0.1:\(port)\(dialect == "openai" ? "/v1" : "")"
            credential = "\(index == 0 ? first : "env:WEIR_TEST_KEY")"

            """
        }
        let gateway = try GatewayProcess(
            vendors.joined() + """
                [[chains]]
                name = "agents"
                targets = [{ vendor = "v0" }, { vendor = "v1" }]
                \(rest)
                """, server: server, environment: ["WEIR_TEST_KEY": "key-of-the-gateway"])
        let run = try ChildProcess(
            python,
            ["\(folder)/agents.py", agent, "\(gateway.port)"] + ports.map { "\($0)" }
                + [program], environment: environment)
        #expect(try run.wait(seconds: 300) == 0, "\(run.text)")
        gateway.process.signal(SIGTERM)
        _ = try gateway.process.wait()
        return (run.text, try RecordTests.records(gateway.recordPath))
    }

    @Test("Claude Code uses a tool twice, the vendor changes in between, and no byte is another")
    func claudeCode() throws {
        let (text, records) = try Self.session("claude", dialect: "anthropic")
        #expect(text.contains("agent: success All is done."), "\(text)")
        #expect(text.contains("calls: 1 2"), "\(text)")
        #expect(text.contains("different: 0") && !text.contains("compared: 0"), "\(text)")
        let turns = records.filter { $0["target"]?.text == "/v1/messages?beta=true" }
        #expect(turns.compactMap { $0["vendor"]?.text }.sorted() == ["v0", "v1", "v1"], "\(turns)")
        #expect(turns.allSatisfy { $0["outcome"]?.text == "complete" })
    }

    @Test("Codex uses a tool twice without WebSocket, the vendor changes, and no byte is another")
    func codexOverHTTP() throws {
        let (text, records) = try Self.session(
            "codex-http", dialect: "openai", server: "tunnels = \"refuse\"")
        #expect(text.contains("agent: 0 ['All is done."), "\(text)")
        #expect(text.contains("calls: 1 2"), "\(text)")
        #expect(text.contains("compared: 3, different: 0"), "\(text)")
        let turns = records.filter { $0["method"]?.text == "POST" }
        #expect(turns.compactMap { $0["vendor"]?.text }.sorted() == ["v0", "v1", "v1"], "\(turns)")
    }

    @Test(
        "aider and mini-swe-agent go on at the next vendor, and no byte is another",
        arguments: [
            ("aider", "agent: 0 made step-2"), ("mini", "agent: 0 Submitted"),
        ])
    func overLiteLLM(_ agent: String, _ said: String) throws {
        let (text, records) = try Self.session(agent, dialect: "openai")
        #expect(text.contains(said), "\(text)")
        #expect(text.contains("calls: 1 2"), "\(text)")
        #expect(text.contains("compared: 3, different: 0"), "\(text)")
        #expect(records.compactMap { $0["vendor"]?.text }.sorted() == ["v0", "v1", "v1"])
        #expect(records.allSatisfy { $0["outcome"]?.text == "complete" }, "\(records)")
    }

    @Test("Codex uses a tool twice through one tunnel, and no byte is another in either direction")
    func codexOverSocket() throws {
        let (text, records) = try Self.session("codex-socket", dialect: "openai")
        #expect(text.contains("agent: 0 ['All is done."), "\(text)")
        #expect(text.contains("different: 0") && text.contains("answers: same"), "\(text)")
        let responses = records.filter { $0["method"]?.text == "WEBSOCKET" }
        // One to warm the connection up, and three turns.
        #expect(responses.count == 4, "\(responses)")
        #expect(responses.allSatisfy { $0["vendor"]?.text == "v0" })
    }
}
