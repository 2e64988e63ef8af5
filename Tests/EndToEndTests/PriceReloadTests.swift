import Glibc
import JSON
import Support
import Testing

/// Prices that change while a gateway serves.
@Suite("Reload of prices")
struct PriceReloadTests {
    private static func list(_ input: String) -> String {
        "{\"gpt-4o\":{\"input_cost_per_token\":\(input),\"output_cost_per_token\":\(input)}}"
    }

    private static func toml(_ vendor: Int, _ prices: String) -> String {
        """
        [vendors.first]
        dialect = "openai"
        base_url = "http://127.0.0.1:\(vendor)/v1"
        credential = "none"
        include_usage = "inject"
        [prices]
        \(prices)
        [[chains]]
        name = "chat"
        targets = [{ vendor = "first" }]

        """
    }

    /// What the latest call cost, in billionths of a dollar; -1 where that is not known.
    private static func cost(_ gateway: GatewayProcess, _ number: Int) throws -> Int {
        let answer = try RawConnection(port: gateway.port).exchange(
            RecordTests.request("/v1/chat/completions", #"{"model":"gpt-4o"}"#))
        #expect(answer.isWhole && answer.status == 200)
        try gateway.await("the record") {
            try RecordTests.records(gateway.recordPath).count == number
        }
        let record = try RecordTests.records(gateway.recordPath).first
        return record?["cost_usd"]?.double.map { Int(($0 * 1e9).rounded()) } ?? -1
    }

    private static func reload(
        _ gateway: GatewayProcess, in folder: TemporaryFolder
    ) throws -> (status: Int32, text: String) {
        let way = try folder.write(
            "[admin]\nlisten = \"127.0.0.1:\(gateway.adminPort)\"\n", to: "way.toml")
        let process = try ChildProcess(try Binaries.weir, ["reload", "--config", way])
        return (try process.wait(), process.text)
    }

    @Test("calls that begin after it cost by the new prices, and the log and the command say so")
    func prices() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let file = try folder.write(Self.list("1e-6"), to: "prices.json")
        let gateway = try GatewayProcess(
            Self.toml(vendor.port, "file = \"\(file)\"\nversion = \"one\""))
        let first = try Self.cost(gateway, 1)
        #expect(first > 0)
        // Another content alone.
        _ = try folder.write(Self.list("3e-6"), to: "prices.json")
        #expect(try Self.cost(gateway, 2) == first, "nothing was reloaded")
        let reloaded = try Self.reload(gateway, in: folder)
        #expect(reloaded.status == 0)
        #expect(
            reloaded.text.contains("\n  prices: other ones, still called one "), "\(reloaded.text)")
        #expect(!reloaded.text.contains("restart"))
        try gateway.process.awaitLine(" reloaded ")
        #expect(gateway.process.text.contains("prices=\"one "), "\(gateway.process.text)")
        #expect(try Self.cost(gateway, 3) == 3 * first)
        let again = try Self.reload(gateway, in: folder)
        #expect(again.text.contains("nothing has changed"), "\(again.text)")
        // A price in the configuration goes before the file's.
        try gateway.rewriteKeepingSections(
            Self.toml(
                vendor.port,
                "file = \"\(file)\"\nversion = \"two\"\n[prices.models.\"gpt-*\"]\n"
                    + "input = 2\noutput = 2"))
        let changed = try Self.reload(gateway, in: folder)
        #expect(changed.status == 0)
        #expect(changed.text.contains("prices.models.\"gpt-*\": added"), "\(changed.text)")
        #expect(changed.text.contains("now two "), "\(changed.text)")
        #expect(try Self.cost(gateway, 4) == 2 * first)
        // What a start would refuse changes nothing.
        unsafe unlink(file)
        let refused = try Self.reload(gateway, in: folder)
        #expect(refused.status == 1)
        #expect(refused.text.contains("prices.file: \(file) cannot be read"), "\(refused.text)")
        #expect(try Self.cost(gateway, 5) == 2 * first)
        try gateway.rewriteKeepingSections(
            Self.toml(vendor.port, "").replacing("[prices]", with: ""))
        #expect(try Self.reload(gateway, in: folder).status == 0)
        #expect(try Self.cost(gateway, 6) == -1)
    }

    @Test("with watch the price file is looked at, too")
    func watch() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let file = try folder.write(Self.list("1e-6"), to: "prices.json")
        let gateway = try GatewayProcess(
            Self.toml(vendor.port, "file = \"\(file)\""), server: "watch = true")
        let first = try Self.cost(gateway, 1)
        _ = try folder.write(Self.list("2e-6"), to: "prices.json")
        try gateway.process.awaitLine(" notice reloaded ")
        #expect(try Self.cost(gateway, 2) == 2 * first)
    }
}
