import Testing

@testable import Config

@Suite("Names in a configuration")
struct NameTests {
    private static let unfit = [
        "", " a", "a ", "a\\\"b", "a\\\\b", "a'b", "a\\u0007b", "a\\nb", "a\\u007f", "ä", "…",
        String(repeating: "n", count: 65),
    ]

    @Test("that could break a header, a label or a terminal are refused", arguments: unfit)
    func refused(_ name: String) {
        let vendor = ConfigurationTests.faults(
            "[vendors.\"\(name)\"]\ndialect = \"openai\"\nbase_url = \"http://a\"\n")
        #expect(vendor.count == 1)
        #expect(vendor.first?.hasPrefix("config.toml:1:") == true)
        let sink = ConfigurationTests.faults(
            "[sinks.\"\(name)\"]\nkind = \"jsonl\"\npath = \"-\"\n")
        #expect(sink.count == 1)
        let chain = ConfigurationTests.faults(
            "[[chains]]\nname = \"\(name)\"\ntargets = [{ vendor = \"openai\" }]\n")
        #expect(chain.count == 1)
        #expect(chain.first?.hasPrefix("config.toml:2:") == true)
        for fault in vendor + sink + chain {
            #expect(fault.utf8.allSatisfy { 0x20...0x7E ~= $0 })
        }
    }

    @Test(
        "that are printable and short are taken",
        arguments: ["a", "team-a/gpt 4o", "{x}=[y]", String(repeating: "n", count: 64)])
    func taken(_ name: String) {
        #expect(
            ConfigurationTests.faults(
                """
                [vendors."\(name)"]
                dialect = "openai"
                base_url = "http://a"
                [sinks."\(name)"]
                kind = "jsonl"
                path = "-"
                [[chains]]
                name = "\(name)"
                targets = [{ vendor = "\(name)" }]
                """
            ).isEmpty)
    }

    @Test("of a target's model have a bound")
    func models() {
        for (count, faults) in [(256, 0), (257, 1)] {
            let model = String(repeating: "m", count: count)
            let text =
                "[[chains]]\nname = \"c\"\n"
                + "targets = [{ vendor = \"openai\", model = \"\(model)\" }]\n"
            #expect(ConfigurationTests.faults(text).count == faults)
        }
    }

    @Test(
        "shares of the memory",
        arguments: [
            ("25%", 1), ("100%", 1), ("16MiB", 1), ("1GiB", 1), ("0%", 0), ("101%", 0), ("-1%", 0),
            ("+5%", 0), ("2.5%", 0), ("%", 0), ("16", 0), ("15MiB", 0), ("", 0), ("0", 0),
        ])
    func shares(_ text: String, _ isTaken: Int) {
        let faults = ConfigurationTests.faults("[server]\nbody_budget = \"\(text)\"\n")
        #expect(faults.count == 1 - isTaken)
    }
}
