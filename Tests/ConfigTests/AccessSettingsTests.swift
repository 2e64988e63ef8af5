import Config
import Primitives
import Testing

/// `[access]`, `[groups]` and `[keys]`: what they mean, and what is refused.
@Suite("Settings of access")
struct AccessSettingsTests {
    private static func read(_ toml: String) throws -> Configuration {
        let secrets = SecretSource(environment: { _ in nil }, file: { _ in nil })
        return try Configuration.read(toml, file: "test", secrets: secrets).configuration
    }

    private static let chains = """
        [vendors.openai]
        base_url = "http://127.0.0.1:1/v1"
        credential = "none"
        [[chains]]
        name = "cheap"
        targets = [{ vendor = "openai", model = "small" }]

        """

    private static func group(_ lines: String) throws -> LimitSettings {
        let toml = "\(chains)[groups.team]\nbudget = \"$1/day\"\nunpriced = \"allow\"\n\(lines)\n"
        return try #require(try read(toml).groups.first).limits
    }

    @Test("say where requests go that a budget does not cover")
    func budgetChain() throws {
        #expect(try Self.group("").budgetChain == nil)
        #expect(try Self.group("on_budget = \"refuse\"").budgetChain == nil)
        #expect(try Self.group("on_budget = { chain = \"cheap\" }").budgetChain == "cheap")
        for wrong in [
            "\"cheap\"", "{ chain = \"none\" }", "{ chain = \"\" }", "{}", "7",
            "{ chain = \"cheap\", other = 1 }", "{ chain = 7 }",
        ] {
            #expect(throws: ConfigurationError.self, "\(wrong)") {
                try Self.group("on_budget = \(wrong)")
            }
        }
    }

    @Test("say how many requests wait, and how long")
    func queue() throws {
        #expect(try Self.group("queue = { max = 0, wait = \"0\" }").queue == nil)
        let queue = try #require(try Self.group("queue = { max = 100, wait = \"5s\" }").queue)
        #expect(queue.max == 100 && queue.wait == .seconds(5))
        for wrong in [
            "{ max = 1 }", "{ wait = \"5s\" }", "{ max = 1, wait = \"0\" }",
            "{ max = -1, wait = \"5s\" }", "{ max = 1, wait = \"11m\" }", "5",
            "{ max = 1, wait = 5 }", "{ max = 1, wait = \"5s\", fair = true }",
        ] {
            #expect(throws: ConfigurationError.self, "\(wrong)") {
                try Self.group("queue = \(wrong)")
            }
        }
    }

    private static func tokens(_ lines: String) throws -> Configuration {
        try read("[access.jwt]\n\(lines)\n")
    }

    @Test("name an issuer of tokens with all that it needs, or none")
    func tokens() throws {
        let none = try Self.tokens("issuer = \"\"\naudience = \"\"\njwks = \"\"\ngroup = \"\"")
        #expect(none.access.tokens == nil && !none.asksForKeys)
        let whole = "issuer = \"https://id\"\naudience = \"weir\"\n"
        for (jwks, source) in [
            ("file:/keys.json", .file("/keys.json")),
            ("https://id/keys", .url("https://id/keys")),
            ("http://127.0.0.1:9/keys", .url("http://127.0.0.1:9/keys")),
        ] as [(String, TokenSettings.Source)] {
            let read = try Self.tokens("\(whole)jwks = \"\(jwks)\"")
            #expect(read.access.tokens?.keys == source && read.asksForKeys)
        }
        for wrong in [
            whole, "\(whole)jwks = \"\"", "\(whole)jwks = \"http://id/keys\"",
            "\(whole)jwks = \"/keys.json\"", "\(whole)jwks = \"file:\"",
            "\(whole)jwks = \"http://127.0.0.1@id/keys\"",
            "issuer = \"https://id\"\njwks = \"file:/keys.json\"",
            "audience = \"weir\"\njwks = \"file:/keys.json\"", "group = \"teams\"",
            "\(whole)jwks = \"file:/keys.json\"\nskew = \"5s\"",
        ] {
            #expect(throws: ConfigurationError.self, "\(wrong)") { try Self.tokens(wrong) }
        }
    }

    @Test("are printed as they were read")
    func description() throws {
        let toml = """
            \(Self.chains)
            [access.jwt]
            issuer = "https://id"
            audience = "weir"
            jwks = "file:/keys.json"
            group = "teams"
            [groups.team]
            budget = "$1/day"
            unpriced = "allow"
            on_budget = { chain = "cheap" }
            queue = { max = 100, wait = "5s" }
            """
        let first = try Self.read(toml)
        let again = try Self.read(first.description)
        #expect(again.access == first.access && again.groups == first.groups)
        #expect(again.groups.first?.limits.queue?.wait == .seconds(5))
    }
}
