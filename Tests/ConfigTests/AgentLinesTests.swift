import Config
import Testing

@Suite("The lines for an agent")
struct AgentLinesTests {
    private static func configuration(_ toml: String) throws -> Configuration {
        let secrets = SecretSource(environment: { $0 }, file: { _ in "secret" })
        return try Configuration.read(toml, file: "a", secrets: secrets).configuration
    }

    @Test(
        "name the gateway as the agent reaches it",
        arguments: [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"), ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:8080", "http://127.0.0.1:8080"), ("[::1]:8080", "http://[::1]:8080"),
            ("localhost:8080", "http://localhost:8080"), ("unix:/run/weir.sock", nil),
        ])
    func addresses(_ sample: (listen: String, url: String?)) throws {
        let server = "[server]\nanonymous = true\nlisten = "
        #expect(
            AgentLines.address(try Self.configuration("\(server)\"\(sample.listen)\""))
                == sample.url)
        // A port is what an agent reaches, wherever it stands in the list.
        let both = "\(server)[\"unix:/run/weir.sock\", \"\(sample.listen)\"]\n"
        let tls = "[server.tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n"
        guard let url = sample.url else { return }
        #expect(AgentLines.address(try Self.configuration(both)) == url)
        let secure = url.replacing("http://", with: "https://")
        #expect(AgentLines.address(try Self.configuration(both + tls)) == secure)
    }

    private static let own = "[vendors.anthropic]\ncredential = \"env:KEY\"\n"
    private static let keyed =
        "[keys.ci]\ndigest = \"sha256:" + String(repeating: "ab", count: 32) + "\"\n"

    private static func chain(_ dialect: String) -> String {
        """
        [vendors.a]
        dialect = "\(dialect)"
        base_url = "http://a/v1"
        credential = "env:KEY"
        [[chains]]
        name = "c"
        targets = [{ vendor = "a" }]

        """
    }

    /// A configuration, and the last line for Claude Code.
    static let shown = [
        (own, "export ANTHROPIC_API_KEY=the-gateway-has-the-key"),
        ("", "# ANTHROPIC_API_KEY stays what it is: it goes on to the vendor"),
        // A vendor of another dialect answers it, or one of its own beside the usual one.
        (chain("openai"), "export ANTHROPIC_API_KEY=the-gateway-has-the-key"),
        (chain("anthropic"), "export ANTHROPIC_API_KEY=the-gateway-has-the-key"),
        (own + keyed, "# ANTHROPIC_API_KEY is a key of this gateway's: weir keys new NAME"),
        (
            keyed,
            "# ANTHROPIC_CUSTOM_HEADERS=\"x-weir-key: …\" shows a key of this gateway's"
        ),
    ]

    @Test("say which key the agent shows", arguments: shown)
    func keys(_ toml: String, _ line: String) throws {
        let configuration = try Self.configuration(toml)
        let lines = AgentLines.lines("claude-code", url: "http://a", configuration)
        #expect(lines?.first == "export ANTHROPIC_BASE_URL=http://a")
        #expect(lines?.last == line)
    }

    @Test("name the address for each agent; what a shell would split or run is quoted")
    func addressed() throws {
        for name in AgentLines.names {
            let lines = AgentLines.lines(name, url: "http://gw/team", Configuration())
            #expect(lines?.joined().contains("http://gw/team") ?? false)
        }
        #expect(AgentLines.lines("other", url: "http://a", Configuration()) == nil)
        for (url, word) in [
            ("http://a/b?c=d&e", "'http://a/b?c=d&e'"), ("http://a/$(id)", "'http://a/$(id)'"),
            ("http://a/it's", "'http://a/it'\\''s'"), ("http://[::1]:80", "http://[::1]:80"),
        ] {
            let lines = AgentLines.lines("claude-code", url: url, Configuration())
            #expect(lines?.first == "export ANTHROPIC_BASE_URL=\(word)")
        }
    }
}
