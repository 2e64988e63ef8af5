import Codings
import Dialects
import JSON
public import LogStore
import Primitives
import Transfers

/// Records as metrics over OTLP/HTTP in its JSON form: histograms of tokens and times, with the
/// names, attributes and bounds of OpenTelemetry's GenAI conventions.
///
/// Each delivery is a sum of its own (delta temporality), so that nothing needs to be remembered.
public struct MetricSink: Sink {
    /// Bounds that the conventions advise.
    private static let tokenBounds: [Double] = (0...13).map { power in
        (0..<power).reduce(1.0) { product, _ in product * 4 }
    }
    private static let timeBounds: [Double] = (0...13).map { power in
        (0..<power).reduce(0.01) { product, _ in product * 2 }
    }
    private static let firstBounds: [Double] = [
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]

    private let remote: Remote
    private let version: String
    private let servers: VendorServers
    private var names = ModelNames()

    /// A sink into a collector; `servers` are the vendors'.
    public init(remote: Remote, version: String, servers: VendorServers) {
        self.remote = remote
        self.version = version
        self.servers = servers
    }

    /// Sends the records' sums in one request.
    public mutating func deliver(_ records: [StoredRecord]) -> Delivery {
        var tokens = HistogramSeries(bounds: Self.tokenBounds)
        var times = HistogramSeries(bounds: Self.timeBounds)
        var firsts = HistogramSeries(bounds: Self.firstBounds)
        var began = Int.max
        var ended = 0
        for stored in records {
            let spans = ExchangeSpans(stored, servers: servers)
            guard var attributes = spans.metricAttributes else { continue }
            let record = stored.record
            names.bound(&attributes, isAnswered: 200..<400 ~= record.status)
            began = min(began, record.acceptedMicroseconds)
            ended = max(ended, record.acceptedMicroseconds + record.endMicroseconds)
            times.add(Double(record.endMicroseconds) / 1e6, attributes)
            if let content = record.contentMicroseconds, record.status < 400 {
                firsts.add(Double(content) / 1e6, attributes)
            }
            guard record.isBilled, record.usageState == .reported else { continue }
            for (kind, count) in [("input", record.usage.input), ("output", record.usage.output)] {
                guard let count else { continue }
                tokens.add(Double(count), attributes + [("gen_ai.token.type", kind)])
            }
        }
        guard ended > 0 else { return .delivered }
        let period = (began: min(began, ended), ended: ended)
        let metrics = [
            tokens.metric("gen_ai.client.token.usage", "{token}", period),
            times.metric("gen_ai.client.operation.duration", "s", period),
            firsts.metric("gen_ai.server.time_to_first_token", "s", period),
        ]
        return send(metrics.compactMap { $0 })
    }

    private func send(_ metrics: [JSONValue]) -> Delivery {
        let resource = AttributeList { list in
            list.add("service.name", "weir")
            list.add("service.version", version)
        }
        let scope = JSONValue.object([
            .member("scope", .object([.member("name", .string("weir"))])),
            .member("metrics", .array(metrics)),
        ])
        let body = JSONValue.object([
            .member(
                "resourceMetrics",
                .array([
                    .object([
                        .member("resource", .object([.member("attributes", resource.value)])),
                        .member("scopeMetrics", .array([scope])),
                    ])
                ]))
        ])
        return remote.sendOTLP(body)
    }
}

/// The names of models that have series of their own: names come from clients, and each series is a
/// burden to every collector for good.
private struct ModelNames {
    private static let namesMax = 64
    private static let bytesMax = 100
    private static let keys: Set<String> = ["gen_ai.request.model", "gen_ai.response.model"]

    private var known: Set<String> = []

    /// Writes `other` instead of names beyond those, and of names that no model has answered to.
    mutating func bound(_ attributes: inout [(String, String)], isAnswered: Bool) {
        for index in attributes.indices where Self.keys.contains(attributes[index].0) {
            let name = attributes[index].1
            guard !name.isEmpty, !known.contains(name) else { continue }
            if isAnswered, known.count < Self.namesMax, name.utf8.count <= Self.bytesMax {
                known.insert(name)
            } else {
                attributes[index].1 = "other"
            }
        }
    }
}

/// Values of one metric, counted by size for each set of attributes.
private struct HistogramSeries {
    private struct Counts {
        var attributes: [(String, String)]
        var buckets: [Int]
        var sum = 0.0
    }

    private let bounds: [Double]
    private var series: [[String]: Counts] = [:]

    init(bounds: [Double]) {
        self.bounds = bounds
    }

    mutating func add(_ value: Double, _ attributes: [(String, String)]) {
        let key = attributes.flatMap { [$0.0, $0.1] }
        var counts =
            series[key]
            ?? Counts(
                attributes: attributes, buckets: [Int](repeating: 0, count: bounds.count + 1))
        counts.buckets[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        counts.sum += value
        series[key] = counts
    }

    /// The metric as OTLP writes it, over times in microseconds since 1970; nil without a value.
    func metric(_ name: String, _ unit: String, _ period: (began: Int, ended: Int)) -> JSONValue? {
        guard !series.isEmpty else { return nil }
        let points = series.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { _, counts in
            let attributes = AttributeList { list in
                for (key, text) in counts.attributes { list.add(key, text) }
            }
            return JSONValue.object([
                .member("attributes", attributes.value),
                .member("startTimeUnixNano", .string("\(period.began)000")),
                .member("timeUnixNano", .string("\(period.ended)000")),
                // 64 bits are text in OTLP's JSON.
                .member("count", .string("\(counts.buckets.reduce(0, +))")),
                .member("sum", .number("\(counts.sum)")),
                .member("bucketCounts", .array(counts.buckets.map { .string("\($0)") })),
                .member("explicitBounds", .array(bounds.map { .number("\($0)") })),
            ])
        }
        return .object([
            .member("name", .string(name)), .member("unit", .string(unit)),
            .member(
                "histogram",
                .object([
                    // Delta: each point stands for its own time alone.
                    .member("aggregationTemporality", .number("1")),
                    .member("dataPoints", .array(points)),
                ])),
        ])
    }
}
