import ExchangeCore
import Primitives
import Support
import Telemetry
import Testing

@Suite("Counters")
struct CounterTests {
    @Test("count, and histograms put durations where they belong")
    func counting() {
        let counter = Counter()
        counter.add()
        counter.add(41)
        #expect(counter.current == 42)
        counter.set(7)
        #expect(counter.current == 7)
        let histogram = DurationHistogram()
        histogram.record(nanoseconds: 1_000_000)
        histogram.record(nanoseconds: 1_000_001)
        histogram.record(nanoseconds: 700_000_000_000)
        #expect(histogram.counts[0] == 1)
        #expect(histogram.counts[1] == 1)
        #expect(histogram.counts.last == 1)
        #expect(histogram.counts.reduce(0, +) == 3)
        #expect(histogram.sumSeconds > 700)
    }
}

@Suite("Exposition")
struct ExpositionTests {
    private static let text: String = {
        let workers = (0..<2).map { _ in WorkerMetrics(vendors: ["openai", "my \"own\"\\"]) }
        for (index, worker) in workers.enumerated() {
            worker.accepted.add(10 + index)
            worker.closed.add(4)
            worker.vendors[0].started.add(3)
            worker.vendors[0].outcomes[Outcome.complete.rawValue].add(2)
            worker.vendors[0].headLatency.record(nanoseconds: 3_000_000)
            worker.vendors[1].responseBytes.add(100)
        }
        return Exposition(workers: workers, version: "1.2.3").text()
    }()

    private static func value(_ series: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix(series + " ") }
            .map { String($0.dropFirst(series.count + 1)) }
    }

    @Test("has every metric that the alert rules and the board ask for")
    func questions() {
        var records = RecordSource(metrics: RecordMetrics()) { RecordCounts() }
        records.sinks = [SinkMetrics(name: "a")]
        let certificates = CertificateMetrics()
        certificates.set("server", 1)
        let limit = LimitMetrics(
            scope: "key", name: "a", inFlight: 0, admitted: 0, refused: 0, tokens: 0, nanodollars: 0
        )
        let text = Exposition(
            workers: [WorkerMetrics(vendors: ["a"])], version: "1", failureClasses: ["timeout"],
            records: records,
            reloads: ReloadMetrics(), certificates: certificates, limits: { [limit] }
        ).text()
        let known = Set(
            text.split(separator: "\n").filter { !$0.hasPrefix("#") }
                .map { $0.prefix { $0 != " " && $0 != "{" } })
        var names: Set<Substring> = []
        for file in ["deploy/prometheus/alerts.yml", "deploy/grafana/weir.json"] {
            let words = Repository.text(file).split {
                !$0.isLetter && !$0.isNumber && $0 != "_"
            }
            names.formUnion(
                words.filter { $0.hasPrefix("weir_") || $0.hasPrefix("process_") })
        }
        #expect(names.count > 15)
        #expect(names.subtracting(known) == [])
    }

    @Test("sums over the workers")
    func sums() {
        #expect(Self.value("weir_connections_accepted_total") == "21")
        #expect(Self.value("weir_connections_open") == "13")
        #expect(Self.value("weir_exchanges_in_flight{vendor=\"openai\"}") == "2")
        #expect(
            Self.value("weir_exchanges_total{vendor=\"openai\",outcome=\"complete\"}") == "4"
        )
        #expect(Self.value("weir_build_info{version=\"1.2.3\"}") == "1")
        #expect(Self.value("weir_response_head_seconds_count{vendor=\"openai\"}") == "2")
        #expect(
            Self.value("weir_response_head_seconds_bucket{vendor=\"openai\",le=\"0.005\"}") == "2"
        )
        #expect(
            Self.value("weir_response_head_seconds_bucket{vendor=\"openai\",le=\"0.002\"}") == "0"
        )
    }

    @Test("knows vendors that one worker alone has met, and keeps those that went")
    func vendors() {
        let workers = (0..<2).map { _ in WorkerMetrics(vendors: ["a", "b"]) }
        workers[0].vendors(named: ["a"])[0].attempts.add(1)
        workers[1].vendors(named: ["a"])[0].attempts.add(2)
        #expect(workers[1].vendors(named: ["c", "b"]).map(\.vendor) == ["c", "b"])
        workers[1].vendors(named: ["c"])[0].attempts.add(4)
        let lines = Exposition(workers: workers, version: "1").text().split(separator: "\n")
        let attempts = lines.filter { $0.hasPrefix("weir_attempts_total{") }
        #expect(
            attempts == [
                "weir_attempts_total{vendor=\"a\"} 3", "weir_attempts_total{vendor=\"b\"} 0",
                "weir_attempts_total{vendor=\"c\"} 4",
            ])
    }

    @Test("says whether the last reading of the configuration could be used")
    func reloads() {
        let reloads = ReloadMetrics()
        func has(_ line: String) -> Bool {
            let text = Exposition(workers: [], version: "1", reloads: reloads).text()
            return text.split(separator: "\n").contains { $0 == line }
        }
        #expect(has("weir_config_last_reload_successful 1"))
        reloads.refused()
        #expect(has("weir_config_last_reload_successful 0"))
        #expect(has("weir_config_reloads_total{result=\"refused\"} 1"))
        reloads.applied()
        #expect(has("weir_config_last_reload_successful 1"))
        #expect(has("weir_config_reloads_total{result=\"applied\"} 1"))
    }

    @Test("escapes labels")
    func escaping() {
        #expect(Self.value("weir_response_bytes_total{vendor=\"my \\\"own\\\"\\\\\"}") == "200")
    }

    @Test("is in Prometheus' format: every series has its family's help and type, once")
    func format() {
        var families: Set<String> = []
        var typed: Set<String> = []
        var seen: Set<String> = []
        for line in Self.text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# HELP") {
                #expect(families.insert(String(words[2])).inserted)
            } else if line.hasPrefix("# TYPE") {
                #expect(typed.insert(String(words[2])).inserted)
            } else {
                let series = String(line[..<(line.lastIndex(of: " ") ?? line.endIndex)])
                #expect(seen.insert(series).inserted, "\(series)")
                #expect(Double(words.last ?? "") != nil, "\(line)")
                let name = series.prefix { $0 != "{" }
                let family = ["_bucket", "_sum", "_count"].reduce(String(name)) { name, end in
                    name.hasSuffix(end) && typed.contains(String(name.dropLast(end.count)))
                        ? String(name.dropLast(end.count)) : name
                }
                #expect(families.contains(family) && typed.contains(family), "\(line)")
            }
        }
        #expect(families == typed)
    }

    @Test("calls no whole answer with an error's status complete")
    func statuses() {
        let worker = WorkerMetrics(vendors: ["v"])
        for (outcome, status) in [
            (Outcome.complete, 200), (.complete, 404), (.complete, 500), (.complete, 599),
            (.truncated, 500), (.complete, 0),
        ] { worker.vendors[0].ended(outcome, status: status) }
        let text = Exposition(workers: [worker], version: "1").text()
        for (name, count) in [
            ("complete", 2), ("status_4xx", 1), ("status_5xx", 2), ("truncated", 1),
        ] {
            let line = "weir_exchanges_total{vendor=\"v\",outcome=\"\(name)\"} \(count)\n"
            #expect(text.contains(line))
        }
        #expect(text.contains("weir_exchanges_in_flight{vendor=\"v\"} -6\n"))
    }

    @Test("names every outcome once")
    func outcomes() {
        #expect(Set(Outcome.allCases.map(\.name)).count == Outcome.allCases.count)
        for outcome in Outcome.allCases {
            #expect(Self.text.contains("outcome=\"\(outcome.name)\""))
        }
    }
}
