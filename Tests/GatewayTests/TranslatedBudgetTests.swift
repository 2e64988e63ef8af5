import Access
import Dialects
import ExchangeCore
import LogStore
import Support
import Testbed
import Testing

@Suite("A budget's own chain of another dialect")
struct TranslatedBudgetTests {
    private static func gateway(
        _ client: DialectClient, _ vendor: DialectClient, _ port: Int, _ key: String
    ) throws -> TestGateway {
        try TestGateway(
            client.vendor("usual", port: port) + vendor.vendor("other", port: port)
                + """
                [[chains]]
                name = "main"
                targets = [{ vendor = "usual" }]
                [[chains]]
                name = "cheap"
                paths = ["/never"]
                targets = [{ vendor = "other", model = "small" }]
                [prices.models."m-*"]
                input = 1000000
                output = 1000000
                max_output = 64
                [prices.models.small]
                input = 1
                output = 10
                max_output = 64
                [groups.team]
                budget = "$1/month"
                on_budget = { chain = "cheap" }
                \(ClientKeyTests.lines("ci", key, "group = \"team\""))
                """)
    }

    @Test(
        "serves a request that the budget does not cover, at its own prices",
        arguments: TranslatedTests.pairs)
    func diverted(_ pair: TranslatedTests.Pair) throws {
        let (client, vendor) = (pair.client, pair.vendor)
        let scripted = try ScriptedVendor()
        defer { scripted.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try Self.gateway(client, vendor, scripted.port, key)
        let response = try RawConnection(port: gateway.port).exchange(
            client.request(
                "[[mock chunks=5]]", stream: pair.stream, fields: "x-weir-key: \(key)\r\n"))
        #expect(response.status == 200, "\(response.text)")
        #expect(client.text(response) == "The stream passes and is ")
        let translated = response["x-weir-translated"] ?? ""
        #expect(translated.hasPrefix("\(client.form)>\(vendor.form)"))
        try gateway.await("the charge") {
            gateway.ledger.view().allSatisfy { $0.inFlight == 0 }
        }
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect(record.chain == "cheap" && record.vendor == "other")
        let input = try #require(record.usage.input)
        #expect(record.usageState == .reported && record.usage.output == 5)
        // A dollar a million tokens is a thousand nanodollars a token.
        #expect(record.chargedNanodollars == input * 1000 + 5 * 10_000)
        let team = gateway.ledger.view().first { $0.scope.label == "team" }
        #expect(team?.spent == record.chargedNanodollars)
    }
}
