import Testing

@Suite("Keys of 0.1")
struct RenamedKeyTests {
    private static let chain = """
        [[chains]]
        name = "c"
        targets = [{ vendor = "openai" }]
        [chains.failover]

        """

    @Test(
        "are refused with the name they have now",
        arguments: [
            (chain + "bench = \"30s\"", "5:1: chains[0].failover.bench", "\"cooldown\""),
            (
                chain + "bench_after = 3", "5:1: chains[0].failover.bench_after",
                "\"cooldown_after\""
            ),
            (
                "[vendors.openai]\non_client_disconnect = \"drain\"",
                "2:1: vendors.openai.on_client_disconnect", "\"continue\""
            ),
        ]
    )
    func refused(_ text: String, _ key: String, _ name: String) {
        let messages = ConfigurationTests.faults(text)
        #expect(messages.count == 1)
        #expect(messages.first?.hasPrefix("config.toml:\(key): ") == true)
        #expect(messages.first?.contains("has a new name since 0.2: \(name)") == true)
    }
}
