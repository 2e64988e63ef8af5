import Testing

@testable import Config

@Suite("Diagnostics")
struct DiagnosticTests {
    /// A text, and the beginning of each fault that it must show.
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
