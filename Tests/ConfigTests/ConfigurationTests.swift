import Dialects
import Primitives
import Support
import Testing

@testable import Config

@Suite("Configuration")
struct ConfigurationTests {
    static let secrets = SecretSource(
        environment: { ["KEY": "sk-from-environment", "EMPTY": "", "BAD": "a\u{7}b"][$0] },
        file: { ["/run/key": "sk-from-file\n", "/run/empty": "\n"][$0] }
    )

    static func read(_ text: String) throws -> (configuration: Configuration, warnings: [String]) {
        let read = try Configuration.read(text, file: "config.toml", secrets: secrets)
        return (read.configuration, read.warnings.map(\.description))
    }

    /// The faults of a text, one a line.
    static func faults(_ text: String) -> [String] {
        do {
            _ = try Configuration.read(text, file: "config.toml", secrets: secrets)
            return []
        } catch {
            return error.diagnostics.filter { $0.severity == .error }.map(\.description)
        }
    }

    private static let shipped = Repository.text("config.toml")

    @Test("the shipped file spells out exactly the defaults, without a warning")
    func shippedFile() throws {
        let (configuration, warnings) = try Self.read(Self.shipped)
        #expect(warnings.isEmpty)
        #expect(configuration.description == Configuration().description)
    }

    @Test("the chain in the shipped file's comments is right too")
    func shippedComments() throws {
        let (configuration, warnings) = try Self.read(Self.commented(from: "# [[chains]]"))
        #expect(warnings.isEmpty)
        #expect(configuration.chains.count == 1)
        #expect(configuration.chains.first?.clocks == Chain.Clocks())
        #expect(configuration.chains.first?.failover == Chain.Failover())
    }

    /// The commented lines of the shipped file from one on, up to the next that is none.
    static func commented(from first: String) throws -> String {
        let lines = shipped.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix(first) })
        return lines[start...].prefix { $0.hasPrefix("#") }
            .map { $0.dropFirst($0.hasPrefix("# ") ? 2 : 1) }.joined(separator: "\n")
    }

    @Test("the prices and sinks in the shipped file's comments are right too")
    func shippedSinks() throws {
        let prices = try Self.read(Self.commented(from: "# [prices.models")).configuration.prices
        #expect(prices.models.map(\.glob) == ["gpt-4o*"])
        let set = prices.models.first?.prices.map { "\($0.name) \($0.dollars)" } ?? []
        #expect(set.contains("input 2.5") && set.contains("audio_output 80.0"))
        #expect(set.contains("input_above_200k 5.0") && set.contains("output_flex 5.0"))
        let text = try Self.commented(from: "# [sinks.lines]")
            .replacing("env:CLICKHOUSE_PASSWORD", with: "env:KEY")
        let (configuration, warnings) = try Self.read(text)
        #expect(warnings.isEmpty)
        #expect(configuration.sinks.map(\.name) == ["fleet", "lines", "numbers", "traces"])
        #expect(configuration.sinks.map(\.kind) == [.clickhouse, .jsonl, .otlpMetrics, .otlp])
        #expect(configuration.sinks[0].password == Secret("sk-from-environment"))
        #expect(!configuration.description.contains("sk-from-environment"))
        let printed = configuration.description.replacing("<redacted>", with: "env:KEY")
        #expect(try Self.read(printed).configuration.description == configuration.description)
    }

    @Test("the more exact price comes first")
    func priceOrder() throws {
        let models = ["gpt-*", "gpt-4o-mini*", "*", "gpt-4o"].map {
            "[prices.models.\"\($0)\"]\ninput = 1\noutput = 2\n"
        }
        let prices = try Self.read(models.joined()).configuration.prices
        #expect(prices.models.map(\.glob) == ["gpt-4o", "gpt-4o-mini*", "gpt-*", "*"])
    }

    @Test("an empty file is no file")
    func empty() throws {
        let (configuration, warnings) = try Self.read("")
        #expect(configuration.description == Configuration().description)
        #expect(warnings.isEmpty)
        #expect(configuration.vendors.map(\.name) == ["openai", "anthropic", "gemini"])
    }

    @Test("every key of the server, the admin listener and the log is read")
    func scalars() throws {
        let (configuration, warnings) = try Self.read(
            """
            [server]
            listen = "[::1]:1"
            workers = 3
            max_connections = 10
            max_connections_per_address = 7
            max_body = "1KiB"
            replay_limit = "0"
            head_timeout = "1s"
            keepalive_timeout = "2m"
            slow_client_timeout = "250ms"
            drain_timeout = "0"
            [admin]
            listen = ""
            [log]
            path = "elsewhere"
            capture = "none"
            capture_limit = "1B"
            retain = "1h"
            max_size = "2GiB"
            compress = false
            journal_size = "1MiB"
            journal_sync = "1s"
            redact_paths = ["messages.*.content", "$.user", "a[*].b"]
            redact_patterns = ["sk-[a-z]+"]
            [prices]
            file = "prices.json"
            version = "mine"
            """
        )
        let server = configuration.server
        #expect(server.listen == ["[::1]:1"])
        #expect(server.workers == 3)
        #expect(server.maxConnections == 10 && server.maxConnectionsPerAddress == 7)
        #expect(server.maxBodyBytes == 1024)
        #expect(server.replayLimitBytes == 0)
        #expect(server.headTimeout == .seconds(1))
        #expect(server.keepaliveTimeout == .seconds(120))
        #expect(server.slowClientTimeout == .milliseconds(250))
        #expect(server.drainTimeout == .zero)
        #expect(configuration.admin.listen == "")
        #expect(configuration.log.capture == "none")
        #expect(configuration.log.maxSizeBytes == 2 << 30 && !configuration.log.isCompressed)
        #expect(configuration.log.redactPaths.count == 3)
        #expect(configuration.log.redactPatterns == ["sk-[a-z]+"])
        #expect(configuration.prices.file == "prices.json")
        #expect(configuration.prices.version == "mine")
        #expect(warnings == [])
    }

    @Test("vendors keep the order of the file, and join the three that are always there")
    func vendors() throws {
        let (configuration, warnings) = try Self.read(
            """
            [vendors.zebra]
            dialect = "openai"
            base_url = "http://[::1]:8000/v1/"
            credential = "env:KEY"
            headers = { "X-B" = "2", "X-A" = "1" }
            [vendors.anthropic]
            credential = "file:/run/key"
            [vendors."my own"]
            dialect = "gemini"
            base_url = "https://Example.COM"
            credential = "none"
            """
        )
        #expect(warnings.isEmpty)
        #expect(
            configuration.vendors.map(\.name) == [
                "zebra", "anthropic", "my own", "openai", "gemini",
            ])
        let zebra = try #require(configuration.vendor(named: "zebra"))
        #expect(zebra.host == "[::1]" && zebra.port == 8000 && zebra.basePath == "/v1")
        #expect(zebra.baseURL == "http://[::1]:8000/v1")
        #expect(zebra.credential == .own(Secret("sk-from-environment")))
        let anthropic = try #require(configuration.vendor(named: "anthropic"))
        #expect(anthropic.host == "api.anthropic.com")
        #expect(anthropic.credential == .own(Secret("sk-from-file")))
        let own = try #require(configuration.vendor(named: "my own"))
        #expect(own.host == "example.com" && own.port == 443 && own.basePath.isEmpty)
        #expect(own.credential == Vendor.Credential.none)
    }

    @Test("every policy of a vendor is taken without a warning")
    func policies() throws {
        let (configuration, warnings) = try Self.read(
            """
            [vendors.openai]
            on_client_disconnect = "continue"
            terminal = "strict"
            """
        )
        let vendor = try #require(configuration.vendor(named: "openai"))
        #expect(vendor.onClientDisconnect == .continue && vendor.terminal == .strict)
        #expect(warnings.isEmpty)
    }

    @Test("chains of several targets are read whole, and without a warning")
    func chains() throws {
        let (configuration, warnings) = try Self.read(
            """
            [[chains]]
            name = "a"
            targets = [{ vendor = "openai", model = "x" }, { vendor = "gemini" }]
            attempts = 3
            retries = 2
            hold_bytes = "1KiB"
            hold_time = "1s"
            [chains.failover]
            statuses = [500, "4xx"]
            credential = false
            cooldown_after = 9
            """
        )
        #expect(warnings.isEmpty)
        let chain = try #require(configuration.chains.first)
        #expect(chain.targets.map(\.vendor) == ["openai", "gemini"])
        #expect(chain.targets.map(\.model) == ["x", nil])
        #expect(chain.attempts == 3 && chain.retries == 2)
        #expect(chain.holdBytes == 1024 && chain.holdTime == .seconds(1))
        #expect(chain.failover.statuses == ["500", "4xx"])
        #expect(!chain.failover.credential && chain.failover.cooldownAfter == 9)
    }

    @Test("printed, it can be read again, and prints the same; but never a secret")
    func description() throws {
        let text = """
            [server]
            max_body = "100B"
            [vendors.own]
            dialect = "openai"
            base_url = "http://127.0.0.1:1/v1"
            credential = "sk-canary-1"
            headers = { "X-Token" = "sk-canary-2" }
            [[chains]]
            name = "a name"
            models = ["gpt-*", "\\"quoted\\""]
            targets = [{ vendor = "own" }]
            """
        let printed = try Self.read(text).configuration.description
        #expect(!printed.contains("canary"))
        #expect(try Self.read(printed).configuration.description == printed)
    }

    @Test("one address is listened on, or several; each is read, and printed as it was")
    func listen() throws {
        #expect(Configuration().server.listen == ["127.0.0.1:8080"])
        #expect(Configuration().server.maxBodyBytes == 1 << 30)
        for (text, addresses) in [
            ("\"0.0.0.0:80\"", ["0.0.0.0:80"]), ("[\"[::]:80\"]", ["[::]:80"]),
            (
                "[\"127.0.0.1:0\", \"[::1]:0\", \"127.0.0.1:0\"]",
                ["127.0.0.1:0", "[::1]:0", "127.0.0.1:0"]
            ),
        ] {
            let read = try Self.read("[server]\nlisten = \(text)").configuration
            #expect(read.server.listen == addresses)
            #expect(try Self.read(read.description).configuration.server == read.server)
        }
    }

    @Test("the same text is read again with the secrets of that moment")
    func again() throws {
        func credential(_ text: String, _ secret: String) throws -> Vendor.Credential? {
            let secrets = SecretSource(environment: { _ in nil }, file: { _ in secret })
            let read = try Configuration.read(text, file: "config.toml", secrets: secrets)
            return read.configuration.vendor(named: "openai")?.credential
        }
        let text = "[vendors.openai]\ncredential = \"file:/key\"\n"
        #expect(try credential(text, "one") == .own(Secret("one")))
        #expect(try credential(text, "two") == .own(Secret("two")))
        #expect(throws: ConfigurationError.self) { try credential("[vendors", "two") }
    }

    @Test("the sections that differ are named, secrets among what is compared")
    func differences() throws {
        let text = """
            [server]
            workers = 1
            [sinks.a]
            kind = "otlp"
            url = "http://127.0.0.1:1/v1/traces"
            headers = { "X-Key" = "one" }
            """
        let configuration = try Self.read(text).configuration
        func named(_ other: String) throws -> [String] {
            try Self.read(other).configuration.sectionsThatDiffer(from: configuration)
        }
        #expect(try named(text) == [])
        #expect(try named(text + "\n[vendors.openai]\ncredential = \"none\"") == [])
        #expect(try named(text.replacing("workers = 1", with: "workers = 2")) == ["[server]"])
        #expect(try named(text.replacing("\"one\"", with: "\"two\"")) == ["[sinks.a]"])
        #expect(
            try named("[log]\nretain = \"1d\"\n[admin]\nlisten = \"\"\n[prices]\nversion = \"1\"")
                == ["[server]", "[admin]", "[log]", "[sinks.a]"], "a reload applies prices")
    }

    @Test("a literal secret is warned about, and not repeated")
    func literalSecret() throws {
        let (configuration, warnings) = try Self.read(
            "[vendors.openai]\ncredential = \"sk-canary\"\n"
        )
        #expect(configuration.vendors[0].credential == .own(Secret("sk-canary")))
        #expect(warnings.count == 1)
        #expect(!warnings[0].contains("canary"))
        #expect(warnings[0].hasPrefix("config.toml:2:1: warning: vendors.openai.credential"))
    }
}

@Suite("Examples")
struct ExampleTests {
    @Test(
        "are right, without a warning",
        arguments: [
            "own-keys", "local-model", "teams", "failover", "record",
            "agents/claude-code-subscription", "agents/claude-code-key", "agents/codex",
            "agents/opencode", "agents/cline", "agents/jvm", "agents/realtime-voice",
        ])
    func examples(_ name: String) throws {
        let text = Repository.text("examples/\(name).toml")
        try #require(!text.isEmpty)
        let secrets = SecretSource(environment: { _ in "key" }, file: { _ in nil })
        let read = try Configuration.read(text, file: name, secrets: secrets)
        #expect(read.warnings.isEmpty)
        #expect(!read.configuration.vendors.isEmpty)
    }
}
