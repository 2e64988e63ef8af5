import Codings
import Dialects
import Glibc
import JSON
import Primitives
import Reactor
import Support
import Synchronization
import Testing
import Transfers

@testable import LogStore
@testable import Sinks

/// A server that answers every request as the test says, and remembers what it was sent.
final class Receiver: Sendable {
    struct Seen: Sendable {
        var head: String
        var body: [UInt8]
    }

    private let seen = Mutex<[Seen]>([])
    private let answers = Mutex<[String]>([])
    private let vendor = Mutex<ByteVendor?>(nil)

    var requests: [Seen] { seen.withLock { $0 } }
    var port: Int { vendor.withLock { $0?.port ?? 0 } }

    /// `answers` in turn, the last one for ever.
    init(_ answers: String...) throws {
        self.answers.withLock { $0 = answers }
        let started = try ByteVendor { [self] connection, _ in
            while true {
                let (head, body) = try connection.request()
                seen.withLock { $0.append(Seen(head: head, body: body)) }
                let answer = self.answers.withLock { list in
                    list.count > 1 ? list.removeFirst() : list.first ?? ""
                }
                try connection.send(answer)
            }
        }
        vendor.withLock { $0 = started }
    }

    deinit {
        vendor.withLock { $0?.stop() }
    }

    static func answer(_ status: Int, _ body: String = "", _ fields: String = "") -> String {
        "HTTP/1.1 \(status) X\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}

@Suite("Remote sinks")
struct RemoteSinkTests {
    private static let isPrepared = Curl.initialize()

    private static func remote(_ url: String, timeout: Interval = .seconds(5)) throws -> Remote {
        try #require(isPrepared)
        return try Remote(
            url: url, fields: [("X-Own", Secret("mine"))], timeout: timeout, trust: nil)
    }

    private static func unzip(_ seen: Receiver.Seen) throws -> String {
        #expect(seen.head.contains("Content-Encoding: gzip\r\n"))
        let text = try #require(Gzip.decompress(seen.body))
        return String(decoding: text, as: UTF8.self)
    }

    private static func value(_ attribute: JSONValue) -> JSONValue? {
        guard case .object(let members)? = attribute["value"] else { return nil }
        return members.first?.value
    }

    private static func attributes(_ span: JSONValue) -> [String: JSONValue] {
        var result: [String: JSONValue] = [:]
        for attribute in span["attributes"]?.elements ?? [] {
            result[attribute["key"]?.text ?? ""] = value(attribute)
        }
        return result
    }

    private static func fill(_ scratch: SinkScratch) throws {
        try scratch.fill(1...1) { record in
            record.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            record.dialect = .anthropic
            record.target = "/v1/messages?key=<redacted>"
            record.attempts = [
                Record.Attempt(
                    vendor: "a", beganMicroseconds: 10, failedMicroseconds: 500, status: 529,
                    failure: "status", reason: "overloaded"),
                Record.Attempt(vendor: "anthropic", model: "other", beganMicroseconds: 600),
            ]
            record.answered = 2
            record.answeringModel = "other-1"
            record.isStream = true
            record.contentMicroseconds = 2600
            record.lastByteMicroseconds = 4000
            record.finishReason = "end_turn"
            record.usageState = .reported
            record.usage.input = 100
            record.usage.output = 20
            record.usage.cacheRead = 60
        }
        try scratch.fill(2...2) { record in
            record.outcome = "truncated"
            record.errorMessage = "it broke"
            record.attempts = [Record.Attempt(vendor: "openai")]
            record.answered = 1
        }
    }

    @Test("traces show exchanges and attempts in the words of the conventions")
    func traces() throws {
        let receiver = try Receiver(Receiver.answer(200, "{}"))
        let scratch = try SinkScratch()
        try Self.fill(scratch)
        let servers = VendorServers()
        var sink = TraceSink(
            remote: try Self.remote("http://127.0.0.1:\(receiver.port)/v1/traces"), version: "9",
            servers: servers)
        // A vendor that a later reading of the configuration named is known from then on.
        servers["anthropic"] = TraceSink.Server(address: "api.example", port: 443)
        let delivery = sink.deliver(try scratch.stored())
        #expect(delivery == .delivered)
        let seen = try #require(receiver.requests.first)
        #expect(seen.head.hasPrefix("POST /v1/traces HTTP/1.1\r\n"))
        #expect(seen.head.contains("Content-Type: application/json\r\n"))
        #expect(seen.head.contains("X-Own: mine\r\n"))
        let root = try JSONValue(parsing: try Self.unzip(seen))
        let scope = root["resourceSpans"]?.elements?.first?["scopeSpans"]?.elements?.first
        let spans = try #require(scope?["spans"]?.elements)
        #expect(spans.count == 5)
        #expect(spans[0]["traceId"]?.text == "0af7651916cd43dd8448eb211c80319c")
        #expect(spans[0]["parentSpanId"]?.text == "b7ad6b7169203331")
        #expect(spans[0]["name"]?.text == "POST /v1/messages")
        #expect(spans[0]["status"] == nil)
        #expect(spans[1]["parentSpanId"] == spans[0]["spanId"])
        #expect(spans[1]["status"]?["message"]?.text == "overloaded")
        #expect(spans[2]["name"]?.text == "chat other")
        #expect(spans[2]["startTimeUnixNano"]?.text == "1700000000000601000")
        #expect(spans[2]["endTimeUnixNano"]?.text == "1700000000004001000")
        let answer = Self.attributes(spans[2])
        #expect(answer["gen_ai.provider.name"]?.text == "anthropic")
        #expect(answer["gen_ai.request.model"]?.text == "other")
        #expect(answer["gen_ai.response.model"]?.text == "other-1")
        #expect(answer["gen_ai.usage.input_tokens"]?.text == "100")
        #expect(answer["gen_ai.usage.cache_read.input_tokens"]?.text == "60")
        #expect(answer["gen_ai.response.time_to_first_chunk"]?.double == 0.002)
        #expect(answer["server.address"]?.text == "api.example")
        #expect(answer["gen_ai.usage.reasoning.output_tokens"] == nil)
        #expect(spans[3]["traceId"]?.text == "00000000000000020000000000000002")
        #expect(spans[3]["parentSpanId"] == nil)
        #expect(spans[3]["status"]?["message"]?.text == "it broke")
        let identifiers = Set(spans.compactMap { $0["spanId"]?.text })
        #expect(identifiers.count == 5 && identifiers.allSatisfy { $0.utf8.count == 16 })
    }

    @Test("metrics have the conventions' names, attributes and bounds, and sums of their own")
    func metrics() throws {
        let receiver = try Receiver(Receiver.answer(200, "{}"))
        let scratch = try SinkScratch()
        try Self.fill(scratch)
        let servers = VendorServers()
        servers["anthropic"] = TraceSink.Server(address: "api.example", port: 443)
        var sink = MetricSink(
            remote: try Self.remote("http://127.0.0.1:\(receiver.port)/v1/metrics"),
            version: "9", servers: servers)
        #expect(sink.deliver(try scratch.stored()) == .delivered)
        let seen = try #require(receiver.requests.first)
        #expect(seen.head.hasPrefix("POST /v1/metrics HTTP/1.1\r\n"))
        let root = try JSONValue(parsing: try Self.unzip(seen))
        let scope = root["resourceMetrics"]?.elements?.first?["scopeMetrics"]?.elements?.first
        let metrics = try #require(scope?["metrics"]?.elements)
        #expect(
            metrics.compactMap { $0["name"]?.text } == [
                "gen_ai.client.token.usage", "gen_ai.client.operation.duration",
                "gen_ai.server.time_to_first_token",
            ])
        let points = metrics.map { $0["histogram"]?["dataPoints"]?.elements ?? [] }
        #expect(points.map(\.count) == [2, 2, 1])
        #expect(metrics[0]["histogram"]?["aggregationTemporality"]?.integer == 1)
        let input = points[0][0]
        let names = Self.attributes(input)
        #expect(names["gen_ai.token.type"]?.text == "input")
        #expect(names["gen_ai.provider.name"]?.text == "anthropic")
        #expect(names["gen_ai.request.model"]?.text == "other")
        #expect(names["gen_ai.response.model"]?.text == "other-1")
        #expect(names["server.address"]?.text == "api.example" && names["error.type"] == nil)
        #expect(input["sum"]?.double == 100 && input["count"]?.text == "1")
        let bounds = input["explicitBounds"]?.elements?.compactMap(\.double) ?? []
        #expect(bounds.first == 1 && bounds.last == 67_108_864 && bounds.count == 14)
        // 100 tokens lie between 64 and 256.
        let buckets = input["bucketCounts"]?.elements?.compactMap(\.text) ?? []
        #expect(buckets.count == 15 && buckets.firstIndex(of: "1") == 4)
        let failed = points[1].first { Self.attributes($0)["error.type"]?.text == "truncated" }
        #expect(failed != nil)
    }

    @Test("series are of 64 models at most that have answered, however many names clients invent")
    func modelsOfMetrics() throws {
        let receiver = try Receiver(Receiver.answer(200, "{}"))
        let scratch = try SinkScratch()
        func fill(_ numbers: ClosedRange<Int>, _ status: Int) throws {
            try scratch.fill(numbers) { record in
                record.status = status
                record.attempts = [Record.Attempt(vendor: "openai")]
                record.answered = 1
            }
        }
        try fill(1...50, 404)
        try fill(51...150, 200)
        var sink = MetricSink(
            remote: try Self.remote("http://127.0.0.1:\(receiver.port)/"), version: "9",
            servers: VendorServers())
        let records = try scratch.stored(200)
        for part in [records.prefix(75), records.dropFirst(75)] {
            #expect(sink.deliver(Array(part)) == .delivered)
        }
        var models: Set<String> = []
        for seen in receiver.requests {
            let root = try JSONValue(parsing: try Self.unzip(seen))
            let scope = root["resourceMetrics"]?.elements?.first?["scopeMetrics"]?.elements?.first
            for metric in scope?["metrics"]?.elements ?? [] {
                for point in metric["histogram"]?["dataPoints"]?.elements ?? [] {
                    models.insert(Self.attributes(point)["gen_ai.request.model"]?.text ?? "")
                }
            }
        }
        #expect(models.count == 65 && models.contains("other") && models.contains("m-51"))
        #expect(!models.contains("m-1"))
    }

    @Test("a collector's answers mean what the protocol says")
    func collector() throws {
        let scratch = try SinkScratch()
        try Self.fill(scratch)
        let records = try scratch.stored()
        func delivery(_ answer: String) throws -> Delivery {
            let receiver = try Receiver(answer)
            var sink = TraceSink(
                remote: try Self.remote("http://127.0.0.1:\(receiver.port)/"), version: "9",
                servers: VendorServers())
            return sink.deliver(records)
        }
        #expect(try delivery(Receiver.answer(202)) == .delivered)
        #expect(
            try delivery(Receiver.answer(503, "busy\nnow", "Retry-After: 7\r\n"))
                == .later(reason: "status 503: busy now", after: .seconds(7)))
        for far in ["99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            let answer = Receiver.answer(503, "busy", "Retry-After: \(far)\r\n")
            #expect(
                try delivery(answer) == .later(reason: "status 503: busy", after: .seconds(86_400)))
        }
        #expect(
            try delivery(Receiver.answer(401, "who"))
                == .later(reason: "status 401: who", after: nil))
        #expect(
            try delivery(Receiver.answer(400, "bad")) == .refused(reason: "status 400: bad"))
        // No answer at all: libcurl's name for it is kept.
        guard case .later(let reason, _) = try delivery("") else {
            Issue.record("an answer out of nothing")
            return
        }
        #expect(reason.hasPrefix("CURLE_"))
    }

    @Test("where no server listens, or answers, it says so and can be asked again")
    func unreachable() throws {
        let scratch = try SinkScratch()
        try Self.fill(scratch)
        let port = try ByteVendor.closedPort()
        var sink = TraceSink(
            remote: try Self.remote("http://127.0.0.1:\(port)/"), version: "9",
            servers: VendorServers())
        let refused = sink.deliver(try scratch.stored())
        guard case .later(let reason, _) = refused else {
            Issue.record("\(refused)")
            return
        }
        #expect(reason.hasPrefix("CURLE_COULDNT_CONNECT"))
        let silent = try ByteVendor { connection, _ in _ = try connection.takeToEnd() }
        defer { silent.stop() }
        var waiting = TraceSink(
            remote: try Self.remote(
                "http://127.0.0.1:\(silent.port)/", timeout: .milliseconds(100)),
            version: "9", servers: VendorServers())
        let timedOut = waiting.deliver(try scratch.stored())
        guard case .later(let reason, _) = timedOut else {
            Issue.record("\(timedOut)")
            return
        }
        #expect(reason.hasPrefix("CURLE_OPERATION_TIMEDOUT"))
    }

    private static func clickHouse(_ port: Int) throws -> ClickHouseSink {
        ClickHouseSink(
            remote: try remote("http://127.0.0.1:\(port)"), database: "d", table: "t",
            user: "u", password: Secret("p"), withBodies: true)
    }

    @Test("ClickHouse is sent its table once, and then rows")
    func rows() throws {
        let receiver = try Receiver(Receiver.answer(200))
        let scratch = try SinkScratch()
        try Self.fill(scratch)
        var sink = try Self.clickHouse(receiver.port)
        for _ in 0..<2 {
            let delivery = sink.deliver(try scratch.stored(withBodies: true))
            #expect(delivery == .delivered)
        }
        let requests = receiver.requests
        #expect(requests.count == 3)
        #expect(requests[0].head.contains("query=CREATE%20TABLE%20IF%20NOT%20EXISTS%20d.t"))
        #expect(requests[1].head.contains("query=INSERT%20INTO%20d.t%20FORMAT%20JSONEachRow"))
        #expect(requests[1].head.contains("X-ClickHouse-User: u\r\n"))
        #expect(requests[1].head.contains("X-ClickHouse-Key: p\r\n"))
        let lines = try Self.unzip(requests[1]).split(separator: "\n")
        #expect(lines.count == 2)
        let row = try JSONValue(parsing: String(lines[0]))
        #expect(row["time"]?.integer == 1_700_000_000)
        #expect(row["input_tokens"]?.integer == 100 && row["head_us"] == .null)
        #expect(row["response_body"]?.text == "")
    }

    @Test("ClickHouse's errors separate bad rows from a bad server, in old words and new")
    func errors() throws {
        let scratch = try SinkScratch()
        try Self.fill(scratch)
        let records = try scratch.stored(withBodies: true)
        func delivery(_ status: Int, _ body: String) throws -> Delivery {
            let receiver = try Receiver(Receiver.answer(200), Receiver.answer(status, body))
            var sink = try Self.clickHouse(receiver.port)
            return sink.deliver(records)
        }
        for text in ["Code: 27, e.displayText() = DB", "Code: 131. DB::Exception: x"] {
            #expect(try delivery(500, text) == .refused(reason: "status 500: \(text)"))
        }
        for text in [
            "Code: 516. DB::Exception: password", "Code: 60. no table", "busy",
            "Code: 117. Unknown field",
        ] {
            #expect(
                try delivery(400, text) == .later(reason: "status 400: \(text)", after: nil))
        }
        // A table that cannot be made blames no record.
        let receiver = try Receiver(Receiver.answer(400, "Code: 43. Illegal type"))
        var sink = try Self.clickHouse(receiver.port)
        let made = sink.deliver(records)
        #expect(made == .later(reason: "status 400: Code: 43. Illegal type", after: nil))
    }
}
