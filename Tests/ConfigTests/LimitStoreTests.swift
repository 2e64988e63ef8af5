import Primitives
import Testing

@testable import Config

@Suite("The store of shared limits")
struct LimitStoreTests {
    private static func read(_ toml: String) throws -> (Configuration, [Diagnostic]) {
        let secrets = SecretSource(
            environment: { $0 == "URL" ? "rediss://ann:env-canary@[::1]:7000/3" : nil },
            file: { _ in nil })
        return try Configuration.read(toml, file: "test", secrets: secrets)
    }

    private static func store(_ text: String) throws -> StoreAddress? {
        try read("[limits]\nstore = \"\(text)\"\n").0.limits.store
    }

    @Test(
        "is named by a URL, and shown without its password",
        arguments: [
            ("redis://localhost", "redis://localhost:6379/0"),
            ("redis://Redis.Internal:7000/", "redis://redis.internal:7000/0"),
            ("rediss://10.0.0.7:6380/15", "rediss://10.0.0.7:6380/15"),
            ("redis://[::1]", "redis://[::1]:6379/0"),
            ("redis://:word-canary@h:1", "redis://:<redacted>@h:1/0"),
            ("redis://ann:a%40b%2Fcanary@h", "redis://ann:<redacted>@h:6379/0"),
            ("env:URL", "rediss://ann:<redacted>@[::1]:7000/3"),
        ])
    func addresses(_ text: String, _ shown: String) throws {
        let (configuration, _) = try Self.read("[limits]\nstore = \"\(text)\"\n")
        let store = try #require(configuration.limits.store)
        #expect(store.description == shown)
        #expect(!configuration.description.contains("canary"))
        #expect(!"\(configuration.limits)".contains("canary"))
        #expect(configuration.asksForKeys)
    }

    @Test("has a password without its escapes, which no record may hold")
    func passwords() throws {
        let (configuration, warnings) = try Self.read(
            "[limits]\nstore = \"redis://ann:a%40b%2Fcanary@h\"\n")
        #expect(configuration.limits.store?.password?.reveal() == "a@b/canary")
        #expect(configuration.limits.store?.user == "ann")
        #expect(configuration.ownSecrets.contains { $0.reveal() == "a@b/canary" })
        #expect(warnings.contains { $0.key == "limits.store" })
        #expect(try Self.read("[limits]\nstore = \"env:URL\"\n").1.isEmpty)
    }

    @Test(
        "is refused where the URL is none, and no word of it is repeated",
        arguments: [
            "http://h", "redis:h", "h:6379", "redis://", "redis://:6379", "redis://h:0",
            "redis://h:70000", "redis://h/x", "redis://h/0/1", "redis://h/-1", "redis://h?a=b",
            "redis://canary@h", "redis://ann:@h", "redis://ann:canary@", "redis://a b",
            "redis://::1",
            "redis://:canary%@h", "redis://h/99999", "env:NONE",
        ])
    func malformed(_ text: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.store(text) }
        let fault = error?.diagnostics.first { $0.key == "limits.store" }
        #expect(fault != nil && fault?.message.contains("canary") == false)
    }

    @Test("says what decides without it, and whom its certificate has to be of")
    func outage() throws {
        for outage in LimitStoreSettings.Outage.allCases {
            let limits = try Self.read("[limits]\noutage = \"\(outage.rawValue)\"\n").0.limits
            #expect(limits.outage == outage && limits.store == nil)
        }
        #expect(throws: ConfigurationError.self) { try Self.read("[limits]\noutage = \"no\"\n") }
        #expect(throws: ConfigurationError.self) {
            try Self.read("[limits]\nstore = \"redis://h\"\nca_file = \"x\"\n")
        }
        #expect(
            try Self.read("[limits]\nstore = \"rediss://h\"\nca_file = \"x\"\n").0.limits.caFile
                == "x")
    }
}
