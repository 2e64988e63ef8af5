import Testing

@testable import Config

// The table of faults, each with its line, its column and its words.
extension DiagnosticTests {
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
}
