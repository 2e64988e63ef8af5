import Glibc
import JSON
import Support
import Testing

@Suite("Commands")
struct CommandTests {
    private static func run(_ arguments: [String]) throws -> (status: Int32, text: String) {
        let process = try ChildProcess(try Binaries.weir, arguments)
        let status = try process.wait()
        return (status, process.text)
    }

    @Test("print the version and the usage")
    func usage() throws {
        #expect(try Self.run(["--version"]) == (0, "weir 0.1.0\n"))
        let help = try Self.run(["--help"])
        #expect(help.status == 0)
        for command in ["serve", "check", "mock", "demo"] { #expect(help.text.contains(command)) }
        for wrong in [["serv"], ["serve", "--confg", "x"], ["check", "--config"], ["mock", "x"]] {
            let result = try Self.run(wrong)
            #expect(result.status == 2, "\(wrong) \(result)")
            #expect(!result.text.isEmpty)
        }
    }

    @Test("stop with status 2 at a configuration with faults, and name all of them")
    func faults() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("[server]\nlisen = \"x\"\nworkers = true\n", to: "bad.toml")
        for command in ["check", "serve"] {
            let result = try Self.run([command, "--config", file])
            #expect(result.status == 2)
            #expect(
                result.text == """
                    \(file):2:1: server.lisen: unknown key; the nearest known key is "listen"
                    \(file):3:1: server.workers: true or false where a whole number is needed

                    """
            )
        }
        let missing = try Self.run(["serve", "--config", "/nowhere/config.toml"])
        #expect(missing.status == 2)
        #expect(missing.text.contains("/nowhere/config.toml: cannot be read"))
    }

    @Test("check prints the effective configuration, secrets redacted")
    func check() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "[vendors.openai]\ncredential = \"env:WEIR_TEST_KEY\"\n", to: "config.toml"
        )
        let process = try ChildProcess(
            try Binaries.weir, ["check", "--config", file],
            environment: ["WEIR_TEST_KEY": "sk-canary"]
        )
        #expect(try process.wait() == 0)
        #expect(process.text.contains("credential = \"<redacted>\""))
        #expect(!process.text.contains("canary"))
        #expect(try Self.run(["check"]).text.contains("base_url = \"https://api.anthropic.com\""))
    }

    @Test("check tries an agent's contract through the configuration, and ends by what it finds")
    func agents() throws {
        for agent in ["claude-code", "codex", "gemini-cli"] {
            let result = try Self.run(["check", "--agent", agent])
            #expect(result.status == 0, "\(result.text)")
            #expect(result.text.contains(" 0 fail,") && !result.text.contains("FAILS"))
        }
        let folder = try TemporaryFolder()
        let file = try folder.write(
            """
            [vendors.own]
            dialect = "anthropic"
            base_url = "https://api.example.com/base"
            credential = "env:WEIR_TEST_KEY"
            drop_headers = ["anthropic-foo"]
            [[chains]]
            name = "agents"
            prefix = "/team"
            targets = [{ vendor = "own" }]
            [chains.clocks]
            idle = "60s"
            """, to: "config.toml")
        let process = try ChildProcess(
            try Binaries.weir,
            ["check", "--agent", "claude-code", "--prefix", "/team", "--config", file],
            environment: ["WEIR_TEST_KEY": "sk-canary"])
        #expect(try process.wait() == 1)
        let failing = process.text.split(separator: "\n").filter { $0.hasPrefix("FAILS") }
        #expect(failing.count == 2, "\(process.text)")
        #expect(process.text.contains("anthropic-foo: sent \"1\", the vendor got []"))
        #expect(process.text.contains("idle of chain agents is 1m"))
        #expect(!process.text.contains("canary"))
        for wrong in [
            ["--agent", "hal"], ["--agent", "codex", "--url", "http://127.0.0.1:1"], ["--yes"],
        ] {
            let result = try Self.run(["check"] + wrong)
            #expect(result.status == 2, "\(result)")
        }
    }

    @Test(
        "check tries an agent's contract at a running gateway, and at its price only where allowed")
    func runningAgents() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        let url = ["--url", "http://127.0.0.1:\(gateway.port)"]
        let seen = try Self.run(
            ["check", "--agent", "codex", "--mock", "http://127.0.0.1:\(vendor.port)"] + url)
        #expect(seen.status == 0, "\(seen.text)")
        let unseen = try Self.run(["check", "--agent", "codex", "--yes"] + url)
        #expect(unseen.status == 0, "\(unseen.text)")
        #expect(unseen.text.contains("unseen  P2"), "\(unseen.text)")
        gateway.process.signal(SIGTERM)
        _ = try gateway.process.wait()
        let gone = try Self.run(["check", "--agent", "codex", "--yes"] + url)
        #expect(gone.status == 1 && gone.text.contains("no answer"), "\(gone.text)")
    }

    @Test("check --probe says which vendors can be reached")
    func probe() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let good = "[vendors.NAME]\nbase_url = \"http://127.0.0.1:\(vendor.port)\"\n"
        let bad = "[vendors.NAME]\nbase_url = \"http://127.0.0.1:\(try ByteVendor.closedPort())\"\n"
        let reached = try folder.write(
            ["openai", "anthropic", "gemini"].map { good.replacing("NAME", with: $0) }.joined(),
            to: "good.toml"
        )
        let result = try Self.run(["check", "--probe", "--config", reached])
        #expect(result.status == 0, "\(result)")
        #expect(result.text.contains("# openai: reached: HTTP 200"))
        let unreached = try folder.write(
            ["openai", "anthropic"].map { good.replacing("NAME", with: $0) }.joined()
                + bad.replacing("NAME", with: "gemini"), to: "bad.toml"
        )
        let failed = try Self.run(["check", "--probe", "--config", unreached])
        #expect(failed.status == 1)
        #expect(failed.text.contains("# gemini: not reached: CURLE_COULDNT_CONNECT"))
    }

    @Test("serve says why it cannot start, with status 1")
    func cannotStart() throws {
        let gateway = try GatewayProcess("")
        let folder = try TemporaryFolder()
        // Not in the working folder, where another test's gateway may have its record.
        let record = "[log]\npath = \"\(folder.path)/record\"\n"
        let file = try folder.write(
            record + "[server]\nlisten = \"127.0.0.1:0\"\n"
                + "[admin]\nlisten = \"127.0.0.1:\(gateway.adminPort)\"\n",
            to: "taken.toml"
        )
        let taken = try Self.run(["serve", "--config", file])
        #expect(taken.status == 1)
        #expect(taken.text.contains("bind 127.0.0.1:\(gateway.adminPort): Address already in use"))
        let trust = try folder.write(
            record + "[vendors.openai]\nca_file = \"/nowhere.pem\"\n", to: "trust.toml"
        )
        let unusable = try Self.run(["serve", "--config", trust])
        #expect(unusable.status == 1)
        #expect(unusable.text.contains("vendor openai: cannot load certificates from /nowhere.pem"))
        let keys = try folder.write(
            record + "[access.jwt]\nissuer = \"i\"\naudience = \"a\"\n"
                + "jwks = \"file:/nowhere\"\n", to: "keys.toml")
        let unread = try Self.run(["serve", "--config", keys])
        #expect(unread.status == 1)
        #expect(unread.text.contains("cannot start: access.jwt.jwks: /nowhere cannot be read"))
        #expect(!unread.text.contains("not recorded"), "it does not go on")
    }

    @Test("demo shows a stream and its cost, and ends by itself without a terminal")
    func demo() throws {
        let result = try Self.run(["demo", "--listen", "127.0.0.1:0", "--admin", ""])
        #expect(result.status == 0, "\(result)")
        #expect(result.text.contains("The stream passes and is measured, untouched."))
        #expect(result.text.contains("(0 errors)"))
        #expect(result.text.contains("to the first byte: direct "))
        #expect(result.text.contains("curl -N http://127.0.0.1:"))
        #expect(!result.text.contains("is on a page"))
        let page = try Self.run(["demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
        #expect(page.status == 0 && page.text.contains("to be opened: http://127.0.0.1:"))
    }

    @Test("demo opens its page at a terminal with a screen")
    func demoPage() throws {
        let folder = try TemporaryFolder()
        let opened = "\(folder.path)/opened"
        let program = try folder.write("#!/bin/sh\necho \"$1\" > \(opened)\n", to: "xdg-open")
        #expect(unsafe chmod(program, 0o700) == 0)
        let command = "\(try Binaries.weir) demo --listen 127.0.0.1:0 --admin 127.0.0.1:0"
        let demo = try ChildProcess(
            "/usr/bin/script", ["-qefc", command, "/dev/null"],
            environment: [
                "DISPLAY": ":9", "PATH": "\(folder.path):/usr/bin:/bin", "TMPDIR": folder.path,
            ])
        // A terminal ends lines with two signs, which are one character.
        let mark = "which opens now: "
        let text = try demo.awaitLine("\(mark)http")
        let start = text.firstRange(of: mark)?.upperBound ?? text.endIndex
        let address = text[start...].prefix { !$0.isWhitespace }
        #expect(address.hasPrefix("http://127.0.0.1:"))
        let isOpened = Patience.await(everyMilliseconds: 10) {
            Repository.text(at: opened).contains(address)
        }
        #expect(isOpened)
        let port = Int(address.split(separator: ":").last?.prefix { $0.isNumber } ?? "") ?? 0
        let status = try RawConnection(port: port).exchange(
            "GET /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        let number = try JSONValue(parsing: status.text)["process"]?.integer ?? 0
        try #require(number > 1)
        kill(pid_t(number), SIGTERM)
        _ = try demo.wait()
    }
}
