import Testing

@testable import Config

@Suite("Mistakes")
struct MistakeTests {
    /// Keys of a vendor, and what the warning of them holds; empty where there must be none.
    private static let vendors: [(keys: String, warning: String)] = [
        (
            "base_url = \"https://a.example/v1/chat/completions\"",
            "is \"https://a.example/v1\" meant?"
        ),
        ("base_url = \"https://a.example/v1/models\"", "ends in /models"),
        ("base_url = \"https://a.example\"", "has no path"),
        ("base_url = \"https://a.example/v1\"", ""),
        ("base_url = \"https://a.example/openai/deployments/x\"", ""),
        ("dialect = \"anthropic\"\nbase_url = \"https://a.example/v1\"", "ends in /v1"),
        ("dialect = \"anthropic\"\nbase_url = \"https://a.example\"", ""),
        (
            "dialect = \"anthropic\"\nbase_url = \"https://a.example/v1/messages\"",
            "is \"https://a.example\" meant?"
        ),
        ("dialect = \"gemini\"\nbase_url = \"https://a.example/v1beta\"", "ends in /v1beta"),
        ("base_url = \"http://a.example/v1\"", "without encryption"),
        ("base_url = \"http://203.0.113.7/v1\"", "without encryption"),
        ("base_url = \"http://172.32.0.1/v1\"", "without encryption"),
        ("base_url = \"http://[2001:db8::1]/v1\"", "without encryption"),
        ("base_url = \"http://a.example/v1\"\ncredential = \"none\"", ""),
        (
            "base_url = \"http://a.example/v1?api-key=canary\"\ncredential = \"none\"",
            "without encryption"
        ),
        (
            "base_url = \"http://a.example/v1?api-version=1\"\ncredential = \"none\"", ""
        ),
        (
            "base_url = \"http://a.example/v1\"\ncredential = \"none\"\n"
                + "headers = { X-Api-Key = \"env:KEY\" }", "without encryption"
        ),
        ("base_url = \"http://127.0.0.1:8000/v1\"", ""), ("base_url = \"http://10.1.2.3/v1\"", ""),
        ("base_url = \"http://172.16.0.1/v1\"", ""), ("base_url = \"http://[::1]/v1\"", ""),
        ("base_url = \"http://[fd00::1]/v1\"", ""), ("base_url = \"http://vllm:8000/v1\"", ""),
        ("base_url = \"http://vllm.default.svc/v1\"", ""),
        (
            "base_url = \"https://a.example/v1\"\ncredential = \"env:QUOTED\"",
            "has quotes around it"
        ),
        ("base_url = \"https://a.example/v1\"\ncredential = \"env:NAMED\"", "begins with \"$\""),
        ("base_url = \"https://a.example/v1\"\ncredential = \"env:WRITTEN\"", "name of a variable"),
        ("base_url = \"https://a.example/v1\"\ncredential = \"env:KEY\"", ""),
    ]

    @Test("of a vendor are warned of, and no secret is repeated", arguments: vendors)
    func vendor(_ keys: String, _ warning: String) throws {
        let secrets = SecretSource(
            environment: {
                [
                    "QUOTED": "\"sk-canary\"", "NAMED": "$canary", "KEY": "sk-canary",
                    "WRITTEN": "OPENAI_API_KEY",
                ][$0]
            },
            file: { _ in nil })
        let dialect = keys.contains("dialect") ? "" : "dialect = \"openai\"\n"
        let warnings = try Configuration.read(
            "[vendors.a]\n\(dialect)\(keys)\n", file: "c", secrets: secrets
        ).warnings.map(\.description)
        if warning.isEmpty {
            #expect(warnings.isEmpty, "\(warnings)")
        } else {
            #expect(warnings.count == 1 && warnings[0].contains(warning), "\(warnings)")
        }
        #expect(!warnings.contains { $0.contains("canary") })
    }

    @Test(
        "keys that go unencrypted to a public host are warned of, whatever they are for",
        arguments: [
            ("[alerts]\nwebhook = \"http://hooks.example/canary\"", "alerts.webhook"),
            ("[alerts]\nwebhook = \"https://hooks.example/canary\"", ""),
            ("[alerts]\nwebhook = \"http://[::1]:80/canary\"", ""),
            ("[limits]\nstore = \"redis://:canary@r.example:1\"", "limits.store"),
            ("[limits]\nstore = \"redis://r.example:1\"", ""),
            ("[limits]\nstore = \"rediss://:canary@r.example:1\"", ""),
            (
                "[sinks.a]\nkind = \"otlp\"\nurl = \"http://u@o.example:4318/v1/traces?a=b\"\n"
                    + "headers = { authorization = \"canary\" }",
                "sinks.a.url: sends keys to o.example "
            ),
            ("[sinks.a]\nkind = \"otlp\"\nurl = \"http://o.example:4318/v1/traces\"", ""),
            (
                "[sinks.a]\nkind = \"clickhouse\"\nurl = \"http://c.example\"\n"
                    + "password = \"canary\"", "sinks.a.url"
            ),
            (
                "[sinks.a]\nkind = \"clickhouse\"\nurl = \"http://clickhouse:8123\"\n"
                    + "password = \"canary\"", ""
            ),
        ])
    func openKeys(_ toml: String, _ key: String) throws {
        let warnings = try ConfigurationTests.read(toml + "\n").warnings.map(\.description)
        let open = warnings.filter { $0.contains("without encryption") }
        #expect(open.count == (key.isEmpty ? 0 : 1), "\(warnings)")
        #expect(open.allSatisfy { $0.contains(key) })
        #expect(!warnings.contains { $0.contains("canary") })
    }

    @Test(
        "no text holds a zero byte, and no two sinks write to one file",
        arguments: [
            ("[log]\npath = \"a\\u0000b\"", "log.path: holds a zero byte"),
            ("[server]\nlisten = [\"unix:/a\\u0000b\"]", "server.listen: holds a zero byte"),
            (
                "[server.tls]\ncertificate = [{ certificate = \"a\\u0000\", key = \"b\" }]",
                "certificate: holds a zero byte"
            ),
            ("[alerts]\nwebhook = \"https://a b\"", "alerts.webhook: is no URL"),
            (
                "[sinks.a]\nkind = \"jsonl\"\npath = \"/x\"\n"
                    + "[sinks.b]\nkind = \"jsonl\"\npath = \"/x\"",
                "sinks.b.path: another sink writes to /x already"
            ),
        ])
    func unusable(_ toml: String, _ fault: String) {
        let faults = ConfigurationTests.faults(toml + "\n")
        #expect(faults.contains { $0.contains(fault) }, "\(faults)")
    }

    @Test("of a value are shown with it")
    func quoted() {
        let faults = ConfigurationTests.faults(
            "[server]\nhead_timeout = \"10\"\nmax_body = 64\nbody_budget = \"much\"\n")
        #expect(faults.count == 3)
        #expect(faults[0].contains("\"10\" where a duration"))
        #expect(faults[1].contains("64 where a size"))
        #expect(faults[2].contains("\"much\" where a share"))
    }

    @Test(
        "of an address for operators that clients have are faults",
        arguments: [
            ("127.0.0.1:80", "127.0.0.1:80", true), ("0.0.0.0:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true), ("[::]:80", "127.0.0.1:80", true),
            ("[::1]:80", "[::]:80", true), ("localhost:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false), ("127.0.0.1:80", "127.0.0.2:80", false),
            ("[::1]:80", "0.0.0.0:80", false), ("127.0.0.1:0", "127.0.0.1:0", false),
            ("unix:/run/a:80", "127.0.0.1:80", false), ("127.0.0.1:80", "", false),
        ])
    func shared(_ clients: String, _ operators: String, _ isFault: Bool) {
        let faults = ConfigurationTests.faults(
            "[server]\nlisten = \"\(clients)\"\n[admin]\nlisten = \"\(operators)\"\n")
        #expect(faults.count == (isFault ? 1 : 0), "\(faults)")
        #expect(faults.allSatisfy { $0.contains(":4:1: admin.listen: ") })
    }

    @Test("of a key with its scheme are said as such")
    func scheme() {
        let secrets = SecretSource(environment: { _ in "Bearer sk-canary" }, file: { _ in nil })
        #expect {
            _ = try Configuration.read(
                "[vendors.openai]\ncredential = \"env:KEY\"\n", file: "c", secrets: secrets)
        } throws: { error in
            "\(error)".contains("begins with \"Bearer\"") && !"\(error)".contains("canary")
        }
    }

    @Test("without the vendors that need no entry there must be others")
    func builtinVendors() throws {
        let faults = ConfigurationTests.faults("[server]\nbuiltin_vendors = false\n")
        #expect(faults.count == 1 && faults[0].contains("leaves no vendor"))
        let (configuration, _) = try ConfigurationTests.read(
            """
            [server]
            builtin_vendors = false
            [vendors.openai]
            credential = "env:KEY"
            """)
        #expect(configuration.vendors.map(\.name) == ["openai"])
        let whole = try ConfigurationTests.read("[vendors.openai]\ncredential = \"env:KEY\"\n")
        #expect(whole.configuration.vendors.map(\.name) == ["openai", "anthropic", "gemini"])
    }
}

@Suite("Changes of a configuration")
struct ChangeTests {
    private static let before = """
        [vendors.a]
        dialect = "openai"
        base_url = "https://a.example/v1"
        credential = "env:KEY"
        [vendors.b]
        dialect = "openai"
        base_url = "https://b.example/v1"
        [[chains]]
        name = "chat"
        targets = [{ vendor = "a" }, { vendor = "b" }]
        """

    private static func changes(
        _ edit: (String) -> String, key: String = "sk-1"
    ) throws -> [String] {
        func read(_ text: String, _ key: String) throws -> Configuration {
            let secrets = SecretSource(environment: { _ in key }, file: { _ in nil })
            return try Configuration.read(text, file: "c", secrets: secrets).configuration
        }
        return try ConfigurationChanges.list(
            from: read(before, "sk-1"), to: read(edit(before), key))
    }

    @Test("are named by section and key, with both values")
    func named() throws {
        #expect(try Self.changes { $0 } == [])
        #expect(
            try Self.changes { $0.replacing("https://b.", with: "https://c.") } == [
                "vendors.b.base_url: \"https://b.example/v1\", now \"https://c.example/v1\""
            ])
        #expect(
            try Self.changes { $0 + "\nattempts = 1\n[chains.clocks]\nidle = \"5s\"\n" } == [
                "chains.chat.attempts: 0, now 1", "chains.chat.clocks.idle: \"10m\", now \"5s\"",
            ])
        #expect(
            try Self.changes { $0.replacing("[{ vendor = \"a\" }, ", with: "[") } == [
                "chains.chat.targets: [ { vendor = \"a\" }, { vendor = \"b\" }, ], "
                    + "now [ { vendor = \"b\" }, ]"
            ])
        let added = try Self.changes {
            $0 + "\n[[chains]]\nname = \"rest\"\ntargets = [{ vendor = \"a\" }]\n"
        }
        #expect(added.first == "chains.rest: added")
    }

    @Test("of a secret are said, and not shown")
    func secrets() throws {
        #expect(try Self.changes({ $0 }, key: "sk-2") == ["vendors.a: a secret has changed"])
    }

    @Test("of the order alone are said")
    func order() throws {
        let parts = Self.before.split(separator: "[vendors.b]")
        let middle = parts[1].split(separator: "[[chains]]")
        let swapped =
            "[vendors.b]" + middle[0] + parts[0] + "\n[[chains]]" + middle[1]
        #expect(try Self.changes { _ in swapped } == ["vendors: their order has changed"])
    }
}
