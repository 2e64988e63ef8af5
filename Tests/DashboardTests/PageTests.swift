import Config
import Dialects
import ExchangeCore
import HTTP
import JSON
import LogStore
import Primitives
import Routing
import Telemetry
import Testing

@testable import Dashboard

@Suite("What the page is asked")
struct PageQuestionTests {
    private static let now = 1_700_000_000_000_000

    private static func question(_ target: String, readsContent: Bool = false) throws
        -> PageQuestion?
    {
        let parts = target.split(separator: "?", maxSplits: 1)
        let query = parts.count > 1 ? Array(parts[1].utf8) : []
        return try PageQuestion(
            path: String(parts[0]), PageParameters(query.span), now: now,
            readsContent: readsContent)
    }

    @Test("is read from path and query")
    func reading() throws {
        var filter = RecordFilter()
        filter.vendor = "a b"
        filter.since = Self.now - 3_600_000_000
        #expect(
            try Self.question("/calls?vendor=a+b&since=1h&limit=7") == .calls(filter, limit: 7))
        var failed = RecordFilter()
        failed.failedAt = "openai"
        failed.until = 1_699_999_999_999_999
        let older = "/calls?failed_at=openai&until=1699999999999999"
        #expect(try Self.question(older) == .calls(failed, limit: 100))
        #expect(try Self.question("/calls/01ABCDEF") == .call("01ABCDEF"))
        #expect(
            try Self.question("/calls/01ABCDEF/response?raw=1")
                == .body("01ABCDEF", isRequest: false, isRaw: true))
        #expect(try Self.question("/session?name=%2Fx%26y") == .session("/x&y"))
        #expect(try Self.question("/now") == .now)
        for unknown in ["/", "/calls/x/y/z", "/calls/01ABCDEF/else", "/nothing"] {
            #expect(try Self.question(unknown) == nil, "\(unknown)")
        }
    }

    @Test(
        "is refused where it is none",
        arguments: [
            "/calls?limit=0", "/calls?limit=501", "/calls?limit=x", "/calls?since=yesterday",
            "/calls?status=4", "/calls?status=4xy", "/calls?status=5000", "/stats?by=colour",
            "/calls/ab", "/calls/a%2Fb'", "/session", "/calls?text=secret",
        ])
    func refusal(_ target: String) {
        #expect(throws: PageParameters.Fault.self) { try Self.question(target) }
    }

    @Test("of a text in bodies is answered only where these are shown")
    func content() throws {
        var filter = RecordFilter()
        filter.text = "x"
        #expect(
            try Self.question("/calls?text=x", readsContent: true) == .calls(filter, limit: 100))
    }

    @Test("never traps, whatever it is")
    func hostile() {
        var random = SystemRandomNumberGenerator()
        let letters = Array("&=%+a1?/\u{0}é".utf8)
        for _ in 0..<2000 {
            let bytes = (0..<20).map { _ in letters.randomElement(using: &random) ?? 0 }
            _ = PageParameters(bytes.span)
            _ = try? Self.question("/calls?" + String(decoding: bytes, as: UTF8.self))
        }
    }
}

@Suite("Visitors")
struct PageVisitorTests {
    private static func isKnown(
        _ visitors: PageVisitors, _ fields: String, host: String = "localhost"
    ) throws -> Bool {
        asking(host, fields) { visitors.isKnown($0) }
    }

    /// The head of a request, for one that is read with it.
    static func asking<Answer>(
        _ host: String, _ fields: String = "", _ read: (borrowing RequestHead) -> Answer
    ) -> Answer {
        let parser = RequestParser()
        let text = Array("GET / HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n".utf8)
        #expect(parser.parse(text.span).progress == .head)
        return parser.withHead(read)
    }

    @Test("have a cookie for each port, as two gateways on one machine have")
    func ports() throws {
        var visitors = PageVisitors(token: Secret("t"), isOnLoopback: true, isEncrypted: false)
        for (host, name) in [
            ("localhost:9090", "weir_visitor_9090"), ("[::1]:9091", "weir_visitor_9091"),
            ("localhost", "weir_visitor"), ("[::1]", "weir_visitor"),
        ] {
            let given = Self.asking(host) { visitors.letIn(showing: "t", in: $0) }
            let pair = try #require(given).split(separator: ";")[0]
            #expect(pair.hasPrefix("\(name)="), "\(pair)")
            #expect(try Self.isKnown(visitors, "Cookie: \(pair)\r\n", host: host))
            let isKnown = try Self.isKnown(visitors, "Cookie: \(pair)\r\n", host: "localhost:9")
            #expect(!isKnown)
        }
    }

    @Test("show the token, or the cookie that it was changed for")
    func cookie() throws {
        var visitors = PageVisitors(
            token: Secret("canary"), isOnLoopback: false, isEncrypted: true)
        #expect(visitors.hasPage)
        #expect(try !Self.isKnown(visitors, ""))
        #expect(try Self.isKnown(visitors, "Authorization: Bearer canary\r\n"))
        #expect(try !Self.isKnown(visitors, "Authorization: Bearer canarx\r\n"))
        for wrong in ["wrong", ""] {
            let cookie = Self.asking("localhost") { visitors.letIn(showing: wrong, in: $0) }
            #expect(cookie == nil)
        }
        let given = Self.asking("localhost") { visitors.letIn(showing: "canary", in: $0) }
        let cookie = try #require(given)
        for word in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
            #expect(cookie.contains(word))
        }
        #expect(!cookie.contains("canary"))
        let pair = cookie.split(separator: ";")[0]
        #expect(try Self.isKnown(visitors, "Cookie: a=b; \(pair)\r\n"))
        #expect(try !Self.isKnown(visitors, "Cookie: \(pair)x\r\n"))
        #expect(try !Self.isKnown(visitors, "Cookie: weir_visitor=\r\n"))
        let ended = Self.asking("localhost") { visitors.forgetAll($0) }
        #expect(ended.contains("Max-Age=0"))
        #expect(try !Self.isKnown(visitors, "Cookie: \(pair)\r\n"))
    }

    @Test("of a whole network have no page without a token")
    func open() throws {
        let open = PageVisitors(token: nil, isOnLoopback: false, isEncrypted: false)
        #expect(!open.hasPage)
        let near = PageVisitors(token: nil, isOnLoopback: true, isEncrypted: false)
        #expect(try near.hasPage && Self.isKnown(near, ""))
    }
}

@Suite("The gateway's status")
struct GatewayStatusTests {
    private static let toml = """
        [vendors.a]
        dialect = "openai"
        base_url = "https://a.example/v1"
        credential = "env:KEY"
        [vendors.b]
        dialect = "openai"
        base_url = "https://b.example/openai/v1"
        credential = "env:KEY"
        [vendors.c]
        dialect = "anthropic"
        base_url = "https://c.example"
        [groups.team]
        budget = "$10/day"
        [[chains]]
        name = "chat"
        models = ["gpt-*"]
        targets = [{ vendor = "a" }, { vendor = "b", model = "big" }, { vendor = "c" }]
        """

    private static func running() throws -> GatewayFacts.Running {
        let secrets = SecretSource(environment: { _ in "sk-canary" }, file: { _ in nil })
        let configuration = try Configuration.read(toml, file: "c", secrets: secrets).configuration
        let routing = RoutingTable(configuration)
        return GatewayFacts.Running(
            configuration, digest: "abc", routing: routing,
            health: Health(targetCount: routing.targetCount))
    }

    @Test("has vendors with their counts and health, and no secret")
    func vendors() throws {
        let running = try Self.running()
        let facts = GatewayFacts()
        facts.started(GatewayFacts.Process(), running)
        let worker = WorkerMetrics(vendors: ["a", "b", "c"])
        worker.vendors[0].started.add(5)
        worker.vendors[0].outcomes[Outcome.complete.rawValue].add(3)
        worker.vendors[0].movedOn.add()
        let now = Instant.now()
        let target = running.routing.plans(of: "chat")[0].targets[0]
        running.health.failed(
            target.health, policy: running.routing.plans(of: "chat")[0].policy, now: now,
            until: now + .seconds(30), failure: .timeout)
        let limits = LimitMetrics(
            scope: "group", name: "team", inFlight: 0, admitted: 0, refused: 0, tokens: 0,
            nanodollars: 0, spent: 8_000_000_001)
        let status = GatewayStatus(facts: facts, workers: [worker]) { [limits] }.json(now: now)
        let text = "\(status)"
        #expect(!text.contains("canary"))
        let vendors = try #require(status["vendors"]?.elements)
        #expect(vendors.prefix(3).map { $0["name"]?.text } == ["a", "b", "c"])
        #expect(vendors[0]["in_flight"]?.integer == 1)
        #expect(vendors[0]["failure"]?.text == "timeout")
        #expect(vendors[0]["cools_until"]?.text != nil)
        #expect(vendors[1]["state"]?.text == "well")
        let chain = try #require(status["chains"]?.elements?.first)
        let plan = try #require(chain["plans"]?.elements?.first)
        #expect(plan["targets"]?.elements?.count == 2)
        #expect(plan["targets"]?.elements?[0]["state"]?.text == "cooldown")
        #expect(plan["never"]?.elements?.first?["vendor"]?.text == "c")
        let limit = try #require(status["limits"]?.elements?.first)
        #expect(limit["spent_usd"] == .number("8.000000001"))
        #expect(limit["budget_usd"] == .number("10.000000000"))
        #expect(limit["period"]?.text == "day")
    }

    @Test("says what would happen to a request, without sending it")
    func route() throws {
        let running = try Self.running()
        func answer(_ query: String) throws -> JSONValue {
            try RouteView.json(PageParameters(Array(query.utf8).span), running)
        }
        let served = try answer("path=/v1/chat/completions&model=gpt-4o")
        #expect(served["chain"]?.text == "chat")
        let targets = try #require(served["targets"]?.elements)
        #expect(targets.map { $0["vendor"]?.text } == ["a", "b"])
        #expect(targets[1]["url"]?.text == "https://b.example/openai/v1/chat/completions")
        #expect(targets[1]["model"]?.text == "big")
        #expect(targets[0]["key"]?.text == "the gateway's")
        #expect(try answer("path=/v1/chat/completions&model=o1")["served"] == .bool(true))
        #expect(try answer("path=/nowhere&model=gpt-4o")["served"] == .bool(false))
        for hostile in [
            "path=x", "path=/a%20b", "path=/%0d%0aHost:%20x", "method=get", "field=cookie",
        ] {
            #expect(throws: PageParameters.Fault.self, "\(hostile)") { try answer(hostile) }
        }
    }
}
