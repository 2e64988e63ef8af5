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
        "of a base_url tell what is wrong with it",
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

    @Test("tell a host or an origin that is none")
    func callers() {
        for line in [
            "hosts = [\"a:80\"]", "hosts = [\"\"]", "hosts = [\"http://a\"]",
            "origins = [\"app.example.com\"]", "origins = [\"https://a/\"]", "anonymous = 1",
        ] { #expect(ConfigurationTests.faults("[server]\n\(line)").count == 1, "\(line)") }
        let fine = "hosts = [\"a.b\", \"*.c\", \"[::2]\"]\norigins = [\"null\", \"*\", \"x://*\"]"
        #expect(ConfigurationTests.faults("[server]\n\(fine)").isEmpty)
    }

    @Test("of bytes that are no text name the line, and read nothing up to there")
    func bytes() throws {
        let good = Array("[server]\nworkers = 1\n".utf8)
        #expect(try ConfigurationReader.text(of: good, file: "f").utf8.count == good.count)
        for (tail, line) in [
            ([0], 3), ([UInt8](repeating: 0, count: 4096), 3), ([0xFF], 3), ([0xC3], 3),
            (Array("a = \"".utf8) + [0xE2, 0x82, 0x0A, 0x61], 3),
            (Array("# é\n# ".utf8) + [0xED, 0xA0, 0x80], 4),
        ] {
            do {
                _ = try ConfigurationReader.text(of: good + tail, file: "f")
                Issue.record("\(tail) is read")
            } catch {
                #expect(error.description.hasPrefix("f:\(line):1: "), "\(error)")
            }
        }
    }

    @Test(
        "of a header that the library would end the process at have their place",
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
    func noHeaders(_ text: String) {
        #expect(KeyPlaces(text).badHeader == nil)
        #expect(!ConfigurationTests.faults(text).contains { $0.contains("no table's name") })
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

    @Test("of TOML itself keep their place", arguments: ["[server", "a = ", "a = 1\na = 2", "= 1"])
    func syntax(_ text: String) {
        let found = ConfigurationTests.faults(text)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("config.toml:") == true)
    }
}

@Suite("Places of keys")
struct KeyPlacesTests {
    @Test("are found through every shape of TOML")
    func places() {
        let places = KeyPlaces(
            """
            # comment with [brackets]
            top = 1
              [a.b]   # comment
            "quoted key" = '''multi
            line = [1]'''
            c.d = { e = 1, f = { g = 2 } }
            text = "an \\" escaped # quote"
            after = 1
            [[list]]
            x = [
              1, # one
              { y = 2 },
            ]
            [list.inner]
            z = 1
            [[list]]
            x = 2
            """
        ).places
        let expected: [(String, Int, Int)] = [
            ("top", 2, 1), ("a.b", 3, 3), ("a.b.quoted key", 4, 1), ("a.b.c.d", 6, 1),
            ("a.b.c.d.e", 6, 9), ("a.b.c.d.f.g", 6, 22), ("a.b.text", 7, 1), ("a.b.after", 8, 1),
            ("list[0]", 9, 1), ("list[0].x[0]", 11, 3), ("list[0].x[1].y", 12, 5),
            ("list[0].inner.z", 15, 1), ("list[1].x", 17, 1),
        ]
        for (path, line, column) in expected {
            #expect(places[path] == KeyPlaces.Place(line: line, column: column), "\(path)")
        }
    }

    @Test(
        "end on any text",
        arguments: ["[", "[[", "=", "a", "a=[", "a={", "\"", "'''", "{}", "]]}}"])
    func termination(_ text: String) {
        _ = KeyPlaces(text)
    }
}
