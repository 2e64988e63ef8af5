import Config
import Dialects
import ExchangeCore
import JSON
import LogStore
import Primitives
import Routing
import Sinks
import Support
import Synchronization
import Telemetry
import Testing

@testable import Dashboard

/// A gateway with a record, looked at, and a webhook that takes what is found.
@Suite("Alerts to a webhook")
struct AlertWatchTests {
    private static let hour = 3_600_000_000
    private static let toml = """
        [alerts]
        webhook = "http://127.0.0.1:1/"
        [groups.g]
        budget = "$10/day"
        [vendors.a]
        dialect = "openai"
        base_url = "http://127.0.0.1:1/v1"
        credential = "none"
        [[chains]]
        name = "chat"
        targets = [{ vendor = "a" }]
        """

    private static func running(_ folder: String) throws -> GatewayFacts.Running {
        let secrets = SecretSource(environment: { _ in nil }, file: { _ in nil })
        let configuration = try Configuration.read(toml, file: "c", secrets: secrets).configuration
        let routing = RoutingTable(configuration)
        return GatewayFacts.Running(
            configuration, digest: "", routing: routing,
            health: Health(targetCount: routing.targetCount))
    }

    /// Fills a record: a day of calls with prompts from a cache, then an hour without, which costs
    /// more.
    private static func fill(_ folder: String, now: Int) throws {
        let store = try Store(folder: folder)
        var random = RandomSource(seed: 3)
        let records = (0..<50).map { number in
            // Half an hour ago, and each of the hours before.
            let time = now - hour / 2 - (number < 25 ? number * hour : 0)
            let isNew = number == 0 || number >= 25
            var record = Record(
                Identifier.next(using: &random, milliseconds: UInt64(time / 1000)))
            record.journal = "j"
            record.exchange = UInt64(number)
            record.acceptedMicroseconds = time
            record.method = "POST"
            record.target = "/v1/chat/completions"
            record.vendor = "a"
            record.model = "m"
            record.outcome = "complete"
            record.status = 200
            record.usageState = .reported
            record.usage.input = 100_000
            record.usage.cacheRead = isNew ? 10_000 : 90_000
            record.costNanodollars = 1_000_000_000
            return record
        }
        try store.insert(records)
        try store.close()
    }

    @Test("of each kind are found, posted once, and said to be over")
    func all() throws {
        let seen = Mutex<[JSONValue]>([])
        let vendor = try ByteVendor { connection, _ in
            while true {
                let body = try connection.request().body
                let value = try JSONValue(parsing: String(decoding: body, as: UTF8.self))
                seen.withLock { $0.append(value) }
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            }
        }
        defer { vendor.stop() }
        let folder = try ScratchFolder("alerts")
        try Self.fill(folder.path, now: Int(Identifier.wallClockMilliseconds()) * 1000)
        let running = try Self.running(folder.path)
        let plan = running.routing.plans(of: "chat")[0]
        running.health.failed(
            plan.targets[0].health, policy: plan.policy, now: .now(),
            until: .now() + .seconds(60), failure: .timeout)
        let facts = GatewayFacts()
        facts.started(GatewayFacts.Process(), running)
        let records = RecordSource(
            metrics: RecordMetrics(), sinks: [SinkMetrics(name: "fleet")]
        ) { RecordCounts() }
        records.metrics.remember(trouble: "SQLITE_FULL")
        records.sinks[0].remember(trouble: "status 500")
        let limit = LimitMetrics(
            scope: "group", name: "g", inFlight: 0, admitted: 0, refused: 0, tokens: 0,
            nanodollars: 0, spent: 8_500_000_000)
        let watch = AlertWatch(
            running.configuration.alerts, facts: facts, records: records, limits: { [limit] },
            folder: folder.path)
        let hook = try #require(Webhook(Secret("http://127.0.0.1:\(vendor.port)/hook")))
        for alert in watch.look() { #expect(hook.send(AlertWatch.json(alert)) == nil) }
        let posted = seen.withLock { $0 }
        #expect(
            posted.map { $0["kind"]?.text } == [
                "cooldown", "budget", "record", "sink", "spend", "cache",
            ])
        #expect(posted.allSatisfy { $0["state"]?.text == "begun" })
        #expect(posted[1]["subject"]?.text == "group g, 80 %")
        #expect(
            posted[5]["text"]?.text
                == "Weir: 10 % of the last hour's prompts came from vendors' caches, "
                + "90 % of those of the day before")
        #expect(watch.look() == [])
    }
}
