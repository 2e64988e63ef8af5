import Testing

@testable import Config

@Suite("Diagnostics")
struct DiagnosticTests {
    /// A text, and the beginning of each fault that it must show.
    static let faults: [(text: String, faults: [String])] = [
        (
            "[server]\nlisen = \"x\"",
            [
                "config.toml:2:1: server.lisen: unknown key; the nearest known key is \"listen\""
            ]
        ),
        (
            "[sever]\nlisten = \"x\"",
            [
                "config.toml:1:1: sever: unknown key; the nearest known key is \"server\""
            ]
        ),
        (
            "[server]\nworkers = \"two\"",
            [
                "config.toml:2:1: server.workers: text where a whole number is needed"
            ]
        ),
        (
            "[server]\nworkers = -1",
            [
                "config.toml:2:1: server.workers: -1 is out of range; allowed: 0 to 1024"
            ]
        ),
        ("[server]\n  workers = 1.5", ["config.toml:2:3: server.workers: "]),
        ("[server]\nhead_timeout = 10", ["config.toml:2:1: server.head_timeout: "]),
        ("[server]\nhead_timeout = \"10\"", ["config.toml:2:1: server.head_timeout: "]),
        (
            "[server]\nhead_timeout = \"0\"",
            [
                "config.toml:2:1: server.head_timeout: cannot be switched off"
            ]
        ),
        ("[server]\nmax_body = \"64MB\"", ["config.toml:2:1: server.max_body: "]),
        (
            "[vendors.openai]\nproxy = \"socks5://a:1\"",
            ["config.toml:2:1: vendors.openai.proxy: \"socks5://a:1\" must begin with http://"]
        ),
        (
            "[vendors.openai]\nproxy = \"http://u:canary@a\"",
            ["config.toml:2:1: vendors.openai.proxy: \"http://<redacted>@a\" has no port"]
        ),
        (
            "[vendors.openai]\nproxy = \"env:MISSING\"",
            ["config.toml:2:1: vendors.openai.proxy: env:MISSING cannot be read"]
        ),
        ("[vendors.openai]\nproxy = 1", ["config.toml:2:1: vendors.openai.proxy: a whole number"]),
        (
            "[vendors.openai]\ndrop_headers = [\"via\", \"a b\"]",
            ["config.toml:2:24: vendors.openai.drop_headers[1]: \"a b\" is no name of a header"]
        ),
        (
            "[vendors.openai]\ndrop_headers = \"via\"",
            ["config.toml:2:1: vendors.openai.drop_headers: text where a list"]
        ),
        ("[server]\nlisten = []", ["config.toml:2:1: server.listen: is empty"]),
        ("[server]\nlisten = 8080", ["config.toml:2:1: server.listen: a whole number where an"]),
        (
            "[server]\nlisten = [\"127.0.0.1:1\", \"a:1\"]",
            ["config.toml:2:26: server.listen[1]: \"a:1\" is no address"]
        ),
        (
            "[server]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:1\"]",
            [
                "config.toml:2:26: server.listen[1]: \"127.0.0.1:1\" is in the list already"
            ]
        ),
        ("[server]\nlisten = [1]", ["config.toml:2:11: server.listen[0]: "]),
        ("[server]\nmax_body = \"0\"", ["config.toml:2:1: server.max_body: is too small"]),
        (
            "[server]\nlisten = \"localhost\"",
            [
                "config.toml:2:1: server.listen: \"localhost\" is no address"
            ]
        ),
        (
            "[server]\nlisten = \"example.com:80\"",
            [
                "config.toml:2:1: server.listen: \"example.com:80\" is no address"
            ]
        ),
        (
            "[log]\nmax_size = \"1MiB\"",
            ["config.toml:2:1: log.max_size: is less than 64MiB; \"0\" is without a bound"]
        ),
        (
            "[log]\nredact_paths = [\"a..b\"]",
            ["config.toml:2:17: log.redact_paths[0]: \"a..b\" is no path"]
        ),
        (
            "[prices.models.x]\ninput = -1",
            [
                "config.toml:1:1: prices.models.x.output: is required",
                "config.toml:2:1: prices.models.x.input: a whole number where a price",
            ]
        ),
        (
            "[prices.models.x]\ninput = 1\noutput = 2\ninput_above_200K = 2\nimage_inputs = 3",
            [
                "config.toml:4:1: prices.models.x.input_above_200K: unknown key",
                "config.toml:5:1: prices.models.x.image_inputs: unknown key; the nearest known key",
            ]
        ),
        (
            "[prices.models.x]\ninput = 1\noutput = 2\ninput_flex = 0.5\ninput_above_0k = 1",
            [
                "config.toml:4:1: prices.models.x.input_flex: needs output_flex",
                "config.toml:5:1: prices.models.x.input_above_0k: unknown key",
            ]
        ),
        (
            "[prices.models.x]\ninput = 1\noutput = 2\ninput_above_200k = \"2\"\n"
                + "input_flex_above_200k = 1\ninput_above_99999999999999999999k = 1",
            [
                "config.toml:4:1: prices.models.x.input_above_200k: text where a price",
                "config.toml:5:1: prices.models.x.input_flex_above_200k: unknown key",
                "config.toml:6:1: prices.models.x.input_above_99999999999999999999k: unknown key",
            ]
        ),
        (
            "[sinks.a]\nkind = \"kafka\"",
            ["config.toml:2:1: sinks.a.kind: \"kafka\" is not known"]
        ),
        ("[sinks.a]\npath = \"-\"", ["config.toml:1:1: sinks.a.kind: is required"]),
        (
            "[sinks.a]\nkind = \"otlp\"\nurl = \"collector:4318\"\npath = \"x\"",
            [
                "config.toml:3:1: sinks.a.url: \"collector:4318\" is no URL",
                "config.toml:4:1: sinks.a.path: unknown key",
            ]
        ),
        (
            "[sinks.a]\nkind = \"clickhouse\"\nurl = \"http://a\"\ntable = \"a;b\"\n"
                + "password = \"env:NOPE\"",
            [
                "config.toml:4:1: sinks.a.table: \"a;b\" is no name",
                "config.toml:5:1: sinks.a.password: env:NOPE cannot be read",
            ]
        ),
        (
            "[sinks.a]\nkind = \"jsonl\"\n[sinks.b]\nkind = \"jsonl\"",
            ["config.toml:3:1: sinks.b.path: another sink writes to standard output"]
        ),
        (
            "[vendors.anthropic]\ninclude_usage = \"inject\"",
            ["config.toml:2:1: vendors.anthropic.include_usage: \"inject\" is for dialect openai"]
        ),
        ("server = 1", ["config.toml:1:1: server: a whole number where a table is needed"]),
        (
            "[log]\ncapture = \"ful\"",
            [
                "config.toml:2:1: log.capture: \"ful\" is not known; allowed: full, head, none; "
                    + "did you mean \"full\"?"
            ]
        ),
        (
            "[vendors.x]\n",
            [
                "config.toml:1:1: vendors.x.dialect: is required",
                "config.toml:1:1: vendors.x.base_url: is required",
            ]
        ),
        (
            "[vendors.x]\ndialect = \"opnai\"\nbase_url = \"http://a\"",
            [
                "config.toml:2:1: vendors.x.dialect: \"opnai\" is not known; allowed: "
                    + "openai, anthropic, gemini; did you mean \"openai\"?"
            ]
        ),
        (
            "[vendors.openai]\ncredential = \"env:MISSING\"",
            [
                "config.toml:2:1: vendors.openai.credential: the environment has no variable "
                    + "MISSING"
            ]
        ),
        (
            "[vendors.openai]\ncredential = \"env:EMPTY\"",
            ["config.toml:2:1: vendors.openai.credential"]
        ),
        (
            "[vendors.openai]\ncredential = \"env:BAD\"",
            [
                "config.toml:2:1: vendors.openai.credential: holds a byte"
            ]
        ),
        (
            "[vendors.openai]\ncredential = \"file:/run/none\"",
            [
                "config.toml:2:1: vendors.openai.credential: the file /run/none cannot be read"
            ]
        ),
        ("[vendors.openai]\ncredential = true", ["config.toml:2:1: vendors.openai.credential"]),
        (
            "[vendors.openai]\nheaders = { \"Content-Length\" = \"1\" }",
            [
                "config.toml:2:13: vendors.openai.headers.Content-Length: belongs to the connection"
            ]
        ),
        (
            "[vendors.openai]\nheaders = { \"X Y\" = \"1\" }",
            [
                "config.toml:2:13: vendors.openai.headers.X Y: is no name"
            ]
        ),
        (
            "[vendors.openai]\nheaders = { X = \"a\\nb\" }",
            [
                "config.toml:2:13: vendors.openai.headers.X: holds a control byte"
            ]
        ),
        (
            "[vendors.x]\ndialect = \"openai\"\nbase_url = \"https://api.openai.com/v1\"\n"
                + "ca_file = \"/x.pem\"",
            [
                "config.toml:1:1: vendors.openai.ca_file: differs from that of x, which has the"
            ]
        ),
        ("vendors = []", ["config.toml:1:1: vendors: a list where tables"]),
        (
            "[[chains]]\ntargets = [{ vendor = \"openai\" }]",
            [
                "config.toml:1:1: chains[0].name: is required"
            ]
        ),
        ("[[chains]]\nname = \"a\"", ["config.toml:1:1: chains[0].targets: is required"]),
        (
            "[[chains]]\nname = \"a\"\ntargets = [{ vendor = \"opena\" }]",
            [
                "config.toml:3:14: chains[0].targets[0].vendor: \"opena\" is not configured; "
                    + "known: anthropic, gemini, openai; did you mean \"openai\"?"
            ]
        ),
        (
            "[[chains]]\nname = \"a\"\ntargets = [{ vendr = \"openai\" }]",
            [
                "config.toml:3:12: chains[0].targets[0].vendor: is required",
                "config.toml:3:14: chains[0].targets[0].vendr: unknown key",
            ]
        ),
        (
            "[[chains]]\nname = \"a\"\ntargets = [{ vendor = \"openai\" }]\n"
                + "[[chains]]\nname = \"a\"\ntargets = [{ vendor = \"openai\" }]",
            ["config.toml:5:1: chains[1].name: another chain is named \"a\""]
        ),
        (
            "[[chains]]\nname = \"a\"\nprefix = \"x/\"\ntargets = [{ vendor = \"openai\" }]",
            [
                "config.toml:3:1: chains[0].prefix: must begin with a slash"
            ]
        ),
        (
            "[[chains]]\nname = \"a\"\ntargets = [{ vendor = \"openai\" }]\n[chains.failover]\n"
                + "statuses = [200, \"9xx\", 429]",
            [
                "config.toml:5:13: chains[0].failover.statuses[0]: is no status",
                "config.toml:5:18: chains[0].failover.statuses[1]: is no status",
            ]
        ),
    ]

    @Test(
        "say file, line, column, key, what is wrong and what is allowed", arguments: faults.indices)
    func golden(_ index: Int) {
        let (text, expected) = Self.faults[index]
        let found = ConfigurationTests.faults(text)
        #expect(found.count == expected.count, "\(found)")
        for (fault, beginning) in zip(found, expected) {
            #expect(fault.hasPrefix(beginning), "\(fault)\nexpected \(beginning)")
        }
    }

    @Test(
        "of a base_url say what is wrong with it",
        arguments: [
            "api.example.com/v1", "ftp://a", "https://", "https:///v1", "http://a:0",
            "http://a:99999",
            "http://a b", "http://a/v1#x", "http://a/#x", "http://user@a", "http://::1",
            "http://a/ü",
            "http://[::1",
        ]
    )
    func baseURL(_ url: String) {
        let found = ConfigurationTests.faults(
            "[vendors.x]\ndialect = \"openai\"\nbase_url = \"\(url)\"")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("config.toml:3:1: vendors.x.base_url: ") == true, "\(found)")
    }

    @Test("repeat no password of a URL")
    func passwords() {
        for text in [
            "[vendors.openai]\nbase_url = \"https://me:canary@example.com/v1\"",
            "[sinks.x]\nkind = \"otlp\"\nurl = \"ftp://me:canary@example.com/v1\"",
            "[vendors.openai]\nbase_url = \"me:canary@example.com\"",
            "[vendors.openai]\nbase_url = \"me:canary@https://x@example.com\"",
            "[vendors.openai]\nbase_url = \"https://me@example.com/v1?key=canary\"",
        ] {
            let found = ConfigurationTests.faults(text)
            #expect(found.contains { $0.contains("<redacted>@example.com") })
            #expect(!found.contains { $0.contains("canary") })
        }
    }

    @Test("stop a start at which strangers would spend the gateway's credentials")
    func exposure() {
        let own = "[vendors.openai]\ncredential = \"env:KEY\"\n"
        for (server, vendors, isRefused) in [
            ("listen = \"0.0.0.0:80\"", own, true), ("listen = \"[::]:80\"", own, true),
            ("listen = \"10.1.2.3:80\"", own, true), ("listen = \"127.0.0.1:80\"", own, false),
            ("listen = \"127.9.9.9:80\"", own, false), ("listen = \"[::1]:80\"", own, false),
            ("listen = \"localhost:80\"", own, false), ("", own, false),
            ("listen = \"0.0.0.0:80\"\nanonymous = true", own, false),
            ("listen = [\"127.0.0.1:80\", \"10.1.2.3:80\"]", own, true),
            ("listen = [\"[::]:80\", \"127.0.0.1:80\"]", own, true),
            ("listen = [\"127.0.0.1:80\", \"[::1]:80\"]", own, false),
            ("listen = [\"127.0.0.1:80\", \"[::]:81\"]\nanonymous = true", own, false),
            ("listen = \"0.0.0.0:80\"", "", false),
            ("listen = \"0.0.0.0:80\"", "[vendors.openai]\ncredential = \"none\"\n", false),
            (
                "listen = \"0.0.0.0:80\"",
                "[vendors.openai]\nheaders = { \"X-Any\" = \"env:KEY\" }\n", true
            ),
            (
                "listen = \"0.0.0.0:80\"",
                "[vendors.openai]\nheaders = { \"X-Any\" = \"plain\" }\n", false
            ),
            (
                "listen = \"0.0.0.0:80\"",
                "[vendors.openai]\nbase_url = \"https://a/v1?key=secret\"\n", true
            ),
            (
                "listen = \"0.0.0.0:80\"",
                "[vendors.openai]\nbase_url = \"https://a/v1?api-version=1\"\n", false
            ),
        ] {
            let found = ConfigurationTests.faults("[server]\n\(server)\n\(vendors)")
            #expect(found.contains { $0.contains("anonymous = true") } == isRefused, "\(found)")
            #expect(found.isEmpty == !isRefused, "\(found)")
        }
    }

    @Test("name a host or an origin that is none")
    func callers() {
        for line in [
            "hosts = [\"a:80\"]", "hosts = [\"\"]", "hosts = [\"http://a\"]",
            "origins = [\"app.example.com\"]", "origins = [\"https://a/\"]", "anonymous = 1",
        ] { #expect(ConfigurationTests.faults("[server]\n\(line)").count == 1, "\(line)") }
        let fine = "hosts = [\"a.b\", \"*.c\", \"[::2]\"]\norigins = [\"null\", \"*\", \"x://*\"]"
        #expect(ConfigurationTests.faults("[server]\n\(fine)").isEmpty)
    }

    @Test("of bytes that are no text have their location, and nothing is read up to there")
    func bytes() throws {
        let good = Array("[server]\nworkers = 1\n".utf8)
        let secrets = ConfigurationTests.secrets
        let read = try Configuration.read(good, file: "f", secrets: secrets)
        #expect(read.configuration.server.workers == 1)
        for (tail, location) in [
            ([0], "3:1"), ([UInt8](repeating: 0, count: 4096), "3:1"), ([0xFF], "3:1"),
            ([0xC3], "3:1"), (Array("a = \"".utf8) + [0xE2, 0x82, 0x0A, 0x61], "3:6"),
            (Array("# é\n# ".utf8) + [0xED, 0xA0, 0x80], "4:3"),
        ] {
            let error = #expect(throws: ConfigurationError.self) {
                try Configuration.read(good + tail, file: "f", secrets: secrets)
            }
            #expect(error?.description.hasPrefix("f:\(location): ") == true, "\(error)")
        }
    }

    @Test(
        "of a header whose name begins with what no name does have their location",
        arguments: [
            ("[=", 1, 2), ("[$name]\n", 1, 2), ("a = 1\n[[ é ]]", 2, 4), ("[.a]", 1, 2),
            ("[\n", 1, 2), ("[\r\n", 1, 2), ("x = [\n[{}],\n]\n\t[#", 4, 3), ("[[,", 1, 3),
        ])
    func headers(_ text: String, _ line: Int, _ column: Int) {
        let found = ConfigurationTests.faults(text)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("config.toml:\(line):\(column): no table's name") == true)
    }

    @Test(
        "are not found in what only looks like a header",
        arguments: [
            "a = [\n[{}],\n]", "a = \"\"\"\n[$]\n\"\"\"", "a = '''\n[=\n'''", "# [=",
            "a = '''say 'hi''''\nb = ['[^0-9]']\nc = \"\"\"x\"\"\"\"\"\nd = ['[']",
        ])
    func noHeaders(_ text: String) throws {
        _ = try TOMLTree.read(text)
    }

    @Test("come all at once, in the order of the file")
    func together() {
        let found = ConfigurationTests.faults(
            "[server]\nworkers = true\nx = 1\n[admin]\nlisten = 5\n[[chains]]\nname = 1"
        )
        #expect(found.count >= 5)
        let lines = found.compactMap { Int($0.split(separator: ":")[1]) }
        #expect(lines == lines.sorted())
    }

    @Test(
        "of TOML itself have their location, and nothing is read from such a text",
        arguments: [
            ("[server", ["1:8: ] is needed"]), ("a = ", ["1:5: a value is needed"]),
            ("a = 1\na = 2", ["2:1: \"a\" is set twice"]), ("= 1", ["1:1: a key is needed"]),
            (
                "[server]\nlisen = localhost\nworkers = 01\n[server]",
                [
                    "2:9: no value begins like this; text stands in quotes",
                    "3:11: no 0 may stand before the other digits", "4:1: the table \"server\"",
                ]
            ),
        ])
    func syntax(_ text: String, _ expected: [String]) {
        let found = ConfigurationTests.faults(text)
        #expect(found.count == expected.count, "\(found)")
        for (fault, beginning) in zip(found, expected) {
            #expect(fault.hasPrefix("config.toml:\(beginning)"), "\(fault)")
        }
    }

    @Test("of names that hold dots and brackets have the location of those names")
    func dottedNames() {
        let text =
            "[vendors.a]\ndialect = \"openai\"\nbase_url = \"http://a\"\n"
            + "[vendors.\"a.b[0]\"]\ndialect = \"openai\"\nbase_url = \"http://b\"\nx = 1\n"
            + "[vendors.\"a.b[0]\".headers]\nHost = \"x\"\n\"X-A\" = 1\n"
        #expect(
            ConfigurationTests.faults(text).map { $0.prefix(46) } == [
                "config.toml:7:1: vendors.a.b[0].x: unknown key",
                "config.toml:9:1: vendors.a.b[0].headers.Host: ",
                "config.toml:10:1: vendors.a.b[0].headers.X-A: ",
            ])
    }

    @Test("of thousands of keys are found without comparing each with each")
    func thousands() {
        let names = (0..<5000).map { "X-\($0) = \"a\"\n" }.joined()
        let headers = "[vendors.openai.headers]\n\(names)"
        #expect(ConfigurationTests.faults(headers).isEmpty)
        let unknown = (0..<5000).map { "k\($0) = 1\n" }.joined()
        #expect(ConfigurationTests.faults("[server]\n\(unknown)").count == 5000)
        let long = String(repeating: "k", count: 100_000)
        #expect(ConfigurationTests.faults("[server]\n\(long) = 1").count == 1)
    }
}
