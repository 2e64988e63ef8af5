import Glibc
import JSON
import Support
import Testing

@Suite("weir status, weir reload, weir check")
struct StatusTests {
    private static func toml(_ port: Int, more: String = "") -> String {
        """
        [vendors.first]
        dialect = "openai"
        base_url = "http://127.0.0.1:\(port)/v1"
        credential = "none"
        \(more)
        [[chains]]
        name = "chat"
        targets = [{ vendor = "first" }]

        """
    }

    private static func run(_ arguments: [String]) throws -> (status: Int32, text: String) {
        let process = try ChildProcess(try Binaries.weir, arguments)
        let status = try process.wait(seconds: 60)
        return (status, process.text)
    }

    /// A configuration by which commands find a gateway that listens on a port of the kernel's.
    private static func way(to gateway: GatewayProcess, in folder: TemporaryFolder) throws -> String
    {
        try folder.write(
            "[admin]\nlisten = \"127.0.0.1:\(gateway.adminPort)\"\ntoken = \"canary\"\n",
            to: "way.toml")
    }

    private static let chat =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 32\r\n\r\n"
        + "{\"model\":\"gpt-4o\",\"messages\":[]}"

    @Test("status shows a running gateway, and says where none answers")
    func status() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(Self.toml(vendor.port), adminToken: "canary")
        let way = try Self.way(to: gateway, in: folder)
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        let shown = try Self.run(["status", "--config", way])
        #expect(shown.status == 0, "\(shown.text)")
        for words in ["serving for", "first", "chain chat, openai: first", "record:", "sha256 "] {
            #expect(shown.text.contains(words), "\(words): \(shown.text)")
        }
        #expect(!shown.text.contains("canary"))
        let value = try JSONValue(
            parsing: try Self.run(["status", "--json", "--config", way]).text)
        #expect(value["vendors"]?.elements?.first?["calls"]?.integer == 1)
        #expect(value["vendors"]?.elements?.first?["error_answers"]?.integer == 0)
        let refused = Self.chat.replacing(
            "Content-Length: 32", with: "X-Mock-Status: 400\r\nContent-Length: 32")
        #expect(try RawConnection(port: gateway.port).exchange(refused).status == 400)
        let later = try JSONValue(
            parsing: try Self.run(["status", "--json", "--config", way]).text)
        #expect(later["vendors"]?.elements?.first?["error_answers"]?.integer == 1)
        let wrong = try folder.write(
            "[admin]\nlisten = \"127.0.0.1:\(gateway.adminPort)\"\ntoken = \"wrong\"\n",
            to: "wrong.toml")
        #expect(try Self.run(["status", "--config", wrong]).status == 1)
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        let gone = try Self.run(["status", "--config", way])
        #expect(gone.status == 1 && gone.text.contains("no gateway answers"))
    }

    @Test("reload waits, and prints what changed, or why nothing did")
    func reload() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(Self.toml(vendor.port), adminToken: "canary")
        let way = try Self.way(to: gateway, in: folder)
        let whole = try folder.write(
            "[admin]\nlisten = \"127.0.0.1:\(gateway.adminPort)\"\ntoken = \"canary\"\n",
            to: "whole.toml")
        let same = try Self.run(["reload", "--config", way])
        #expect(same.status == 0 && same.text.contains("nothing has changed"), "\(same.text)")
        let started = gateway.process.text
        try gateway.rewriteKeepingSections(
            Self.toml(vendor.port, more: "first_content = \"9s\"\n"))
        let changed = try Self.run(["reload", "--config", whole])
        #expect(changed.status == 0)
        #expect(
            changed.text.contains("vendors.first.first_content: \"\", now \"9s\""),
            "\(changed.text)")
        let digest = try ChildProcess("/usr/bin/sha256sum", [gateway.configurationPath])
        #expect(try digest.wait() == 0)
        let sum = String(digest.text.prefix(64))
        #expect(changed.text.contains(sum))
        try gateway.process.awaitLine("sha256=\(sum)")
        #expect(!started.contains(sum))
        try gateway.rewriteKeepingSections(Self.toml(vendor.port, more: "terminal = \"maybe\"\n"))
        let refused = try Self.run(["reload", "--config", way])
        #expect(refused.status == 1)
        #expect(refused.text.contains("vendors.first.terminal: \"maybe\" is not known"))
        #expect(try Self.run(["status", "--config", way]).text.contains("not reloaded"))
    }

    @Test("with watch a changed file is read again, and a secret's file, too")
    func watch() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let key = try folder.write("canary-one\n", to: "key")
        let toml = Self.toml(vendor.port).replacing("\"none\"", with: "\"file:\(key)\"")
        let gateway = try GatewayProcess(toml, server: "watch = true")
        try gateway.rewriteKeepingSections(toml + "retries = 1\n")
        try gateway.process.awaitLines(" notice reloaded ", count: 1)
        _ = try folder.write("canary-two\n", to: "key")
        try gateway.process.awaitLines(" notice reloaded ", count: 2)
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        let seen = try vendor.statistics().requests.last?["authorization"]
        #expect(seen == "Bearer canary-two")
    }

    @Test("with drain_delay readyz turns first, and calls are served until it has passed")
    func drainDelay() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(Self.toml(vendor.port), server: "drain_delay = \"1h\"")
        gateway.process.signal(SIGTERM)
        try gateway.process.awaitLine(" draining begins ")
        #expect(try gateway.page("/readyz").status == 503)
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        let short = try GatewayProcess(Self.toml(vendor.port), server: "drain_delay = \"10ms\"")
        let stream = try RawConnection(port: short.port)
        let body = "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[]}"
        try stream.send(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Mock-Chunks: 40\r\n"
                + "X-Mock-Delay: 20\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        _ = try stream.take(through: "\r\n\r\n")
        short.process.signal(SIGTERM)
        try short.process.awaitLine(" draining\n")
        // The listener is closed by then, or in the next turn of its worker.
        try short.await("a closed listener") {
            (try? RawConnection(port: short.port).exchange(Self.chat)) == nil
        }
        #expect(try stream.take(through: "\r\n0\r\n\r\n").contains("[DONE]"))
        #expect(try short.process.wait() == 0)
        let lines = short.process.text.split(separator: "\n").map { $0.dropFirst(24) }
        let begun = lines.firstIndex { $0.contains(" draining begins ") }
        let drained = lines.firstIndex { $0.hasSuffix(" draining") }
        #expect(try #require(begun) < #require(drained))
    }

    @Test("a cooldown is posted to the webhook, once")
    func alert() throws {
        let hook = try MockProcess()
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            """
            [alerts]
            webhook = "http://127.0.0.1:\(hook.port)/v1/chat/completions"
            [vendors.away]
            dialect = "openai"
            base_url = "http://127.0.0.1:9/v1"
            credential = "none"

            """ + Self.toml(vendor.port).replacing("[{", with: "[{ vendor = \"away\" }, {")
                + "[chains.failover]\ncooldown = \"1h\"\ncooldown_after = 1\n")
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        try gateway.await("the alert") { try hook.statistics().requestCount > 0 }
        let seen = try #require(try hook.statistics().requests.last)
        #expect(seen["content-type"] == "application/json" && seen.bodyBytes > 50)
        #expect(try hook.statistics().requestCount == 1)
        // The log and a gauge say so, too, and when it is over: a reload ends every cooldown.
        let line = try gateway.process.awaitLine("a cooldown has begun")
        #expect(line.contains("vendor=away") && line.contains("class=connect"))
        #expect(try gateway.metric("weir_targets_cooling", where: "\"away\"") >= 1)
        gateway.process.signal(SIGHUP)
        try gateway.process.awaitLine("a cooldown is over")
        #expect(try gateway.metric("weir_targets_cooling") == 0)
    }

    @Test("check finds what serve would die of, and what is probably not meant")
    func check() throws {
        let folder = try TemporaryFolder()
        let cases: [(toml: String, status: Int32, words: String)] = [
            ("[prices]\nfile = \"/nowhere\"\n", 2, "prices.file: /nowhere cannot be read"),
            ("[vendors.openai]\nca_file = \"/nowhere\"\n", 2, "vendors.openai.ca_file"),
            ("[server]\nlisten = \"127.0.0.1:9090\"\n", 2, "is one of server.listen, too"),
            (
                "[keys.old]\nexpires = 2020-01-01\ndigest = \"sha256:"
                    + String(repeating: "0", count: 64) + "\"\n", 1, "keys.old.expires: has passed"
            ),
            ("[server]\nworkers = 1000\n", 1, "1000 workers share"),
            ("[log]\npath = \"/proc/nowhere/record\"\n", 1, "log.path: "),
            (
                Self.toml(1) + "[[chains]]\nname = \"late\"\ntargets = [{ vendor = \"first\" }]\n",
                1, "chains.late: no request reaches it, because chain chat"
            ),
            ("[prices.models.x]\ninput = 1\noutput = 1\n", 1, "include_usage"),
            ("[groups.g]\nbudget = \"$1/day\"\n", 1, "groups.g.budget: there are no prices"),
            (
                "[sinks.o]\nkind = \"otlp\"\nurl = \"https://127.0.0.1:1/\"\nca_file = \"/no\"\n",
                1, "sinks.o.ca_file: cannot load certificates from /no"
            ),
            (
                "[sinks.l]\nkind = \"jsonl\"\npath = \"/nowhere/x\"\n", 1,
                "sinks.l.path: /nowhere/x: No such file"
            ),
            (
                "[log]\npath = \"\(folder.path)/r\"\n[sinks.l]\nkind = \"jsonl\"\n"
                    + "path = \"\(folder.path)/r/weir.db\"\n", 1, "weir.db: is the record's own"
            ),
        ]
        for (toml, status, words) in cases {
            let file = try folder.write(toml, to: "config.toml")
            let result = try Self.run(["check", "--strict", "--config", file])
            #expect(result.status == status && result.text.contains(words), "\(result.text)")
            // Without the flag what is only doubtful is no failure.
            if status == 1 { #expect(try Self.run(["check", "--config", file]).status == 0) }
        }
        // A folder that the record makes is there for a sink, too.
        let beside = try folder.write(
            "[log]\npath = \"\(folder.path)/r\"\n[sinks.l]\nkind = \"jsonl\"\n"
                + "path = \"\(folder.path)/r/lines\"\n", to: "config.toml")
        #expect(try !Self.run(["check", "--config", beside]).text.contains("sinks.l.path"))
    }

    /// A folder in which nothing can be recorded, as a call of the system's or two make it.
    private static let unrecordable: [(words: String, make: @Sendable (String) throws -> Void)] = [
        ("is a link to what is not there", { try link("/nowhere/x", $0) }),
        ("/lock is no file of its own", { try folder($0, "\($0)/lock") }),
        ("/segments is no folder of its own", { try file($0, "segments", "x") }),
        ("/weir.db is no database", { try file($0, "weir.db", "junk of more than 16 bytes") }),
        ("/weir.db is no file of its own", { try folder($0, "\($0)/weir.db") }),
        (
            "/weir.db is no file of its own",
            {
                try folder($0)
                try link("/etc/hostname", "\($0)/weir.db")
            }
        ),
        (
            "/weir.db is no file of its own",
            {
                try folder($0)
                try #require(unsafe mkfifo("\($0)/weir.db", 0o600) == 0)
            }
        ),
    ]

    private static func folder(_ paths: String...) throws {
        for path in paths { try #require(unsafe mkdir(path, 0o700) == 0) }
    }

    private static func link(_ target: String, _ path: String) throws {
        try #require(unsafe symlink(target, path) == 0)
    }

    private static func file(_ path: String, _ name: String, _ text: String) throws {
        try folder(path)
        let folder = try TemporaryFolder()
        let draft = try folder.write(text, to: name)
        try #require(unsafe rename(draft, "\(path)/\(name)") == 0)
    }

    @Test(
        "check finds a folder in which serve would record nothing",
        arguments: unrecordable.indices)
    func unrecorded(_ index: Int) throws {
        let vendor = try MockProcess()
        let scratch = try TemporaryFolder()
        let record = "\(scratch.path)/record"
        let (words, make) = Self.unrecordable[index]
        try make(record)
        let toml = "[log]\npath = \"\(record)\"\n"
        let file = try scratch.write(toml, to: "config.toml")
        let strict = try Self.run(["check", "--strict", "--config", file])
        #expect(strict.status == 1, "\(strict.text)")
        #expect(strict.text.contains("here and now calls would not be recorded"), "\(strict.text)")
        #expect(strict.text.contains(words), "\(strict.text)")
        #expect(try Self.run(["check", "--config", file]).status == 0)
        let gateway = try GatewayProcess(Self.toml(vendor.port), recordPath: record)
        #expect(gateway.process.text.contains("exchanges are served and not recorded"))
    }

    @Test("check finds that there is no room for journals, and waits for no pipe")
    func room() throws {
        let scratch = try TemporaryFolder()
        let file = try scratch.write(
            "[server]\nworkers = 1\n[log]\npath = \"/proc/weir\"\n", to: "config.toml")
        let none = try Self.run(["check", "--strict", "--config", file])
        #expect(none.status == 1)
        #expect(none.text.contains("take 64 MiB, and 0 MiB are free"), "\(none.text)")
        let pipe = "\(scratch.path)/pipe"
        try #require(unsafe mkfifo(pipe, 0o600) == 0)
        for toml in [
            "[prices]\nfile = \"\(pipe)\"\n",
            "[server.tls]\ncertificate = \"\(pipe)\"\nkey = \"\(pipe)\"\n",
            "[vendors.openai]\nca_file = \"\(pipe)\"\n",
            "[vendors.openai]\ncredential = \"file:\(pipe)\"\n",
            "[vendors.openai]\ncredential = \"file:/dev/zero\"\n",
            "[access.jwt]\nissuer = \"i\"\naudience = \"a\"\njwks = \"file:\(pipe)\"\n",
        ] {
            let file = try scratch.write(toml, to: "config.toml")
            #expect(try Self.run(["check", "--config", file]).status == 2, "\(toml)")
        }
    }

    @Test("check finds a port in use, and a folder in use by a gateway, whose ports are its own")
    func inUse() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(Self.toml(vendor.port))
        let folder = try TemporaryFolder()
        let ports =
            "[server]\nlisten = \"127.0.0.1:\(gateway.port)\"\n"
            + "[admin]\nlisten = \"127.0.0.1:\(gateway.adminPort)\"\n"
        let other = try folder.write(
            ports + "[log]\npath = \"\(folder.path)/record\"\n", to: "other.toml")
        let busy = try Self.run(["check", "--config", other])
        #expect(busy.status == 0)
        #expect(busy.text.contains("serve would fail: admin.listen"), "\(busy.text)")
        let own = try folder.write(
            ports + "[log]\npath = \"\(gateway.recordPath)\"\n", to: "own.toml")
        let running = try Self.run(["check", "--config", own])
        #expect(running.text.contains("is in use by another gateway"))
        #expect(!running.text.contains("serve would fail: admin.listen"))
    }

    @Test("check --probe shows the key, and says whether it is accepted")
    func probe() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let toml = Self.toml(vendor.port).replacing("\"none\"", with: "\"canary\"")
        let file = try folder.write(toml, to: "config.toml")
        let result = try Self.run(["check", "--probe", "--config", file])
        #expect(result.text.contains("# first: the key is accepted"), "\(result.text)")
        // Vendors that no chain names are not asked.
        #expect(!result.text.contains("# anthropic: "))
        let seen = try vendor.statistics().requests.last
        #expect(seen?["authorization"] == "Bearer canary")
        #expect(!result.text.contains("canary"))
    }

    @Test(
        "check --probe accepts a list of models, in any of its forms, and no page of HTML",
        arguments: [
            (200, "{\"data\":[{\"id\":\"a\"}]}", 0, "the key is accepted: 1 models"),
            (200, "{\"models\":[]}", 0, "the key is accepted: 0 models"),
            (200, "[{\"id\":\"a\"},{\"id\":\"b\"}]", 0, "the key is accepted: 2 models"),
            (200, "{\"object\":\"list\"}", 0, "the key may be right or not"),
            (200, "<html><p>Welcome</p></html>", 1, "what answers is no API"),
            (401, "{}", 1, "the key is refused"), (404, "{}", 0, "it lists no models"),
            (500, "{}", 1, "it fails"),
        ])
    func verdicts(_ status: Int, _ body: String, _ exit: Int32, _ words: String) throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
        defer { vendor.stop() }
        let folder = try TemporaryFolder()
        let toml = Self.toml(vendor.port).replacing("\"none\"", with: "\"canary\"")
        let file = try folder.write(toml, to: "config.toml")
        let result = try Self.run(["check", "--probe", "--config", file])
        #expect(result.status == exit && result.text.contains(words), "\(result.text)")
    }
}
