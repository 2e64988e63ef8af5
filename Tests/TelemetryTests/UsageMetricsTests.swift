import Support
import Testing

@testable import Telemetry

@Suite("Metrics of use")
struct UsageMetricsTests {
    private static func call(_ vendor: String, _ model: String, _ group: String = "")
        -> UsageMetrics.Call
    {
        var call = UsageMetrics.Call()
        call.vendor = vendor
        call.model = model
        call.group = group
        call.tokens = [100, 60, 20, 5]
        call.nanodollars = 1_500_000_000
        call.contentNanoseconds = 30_000_000
        return call
    }

    @Test("are tokens, money and times by vendor, model and group")
    func sums() {
        let usage = UsageMetrics()
        #expect(usage.text().isEmpty)
        usage.add([Self.call("a", "m", "g"), Self.call("a", "m", "g"), Self.call("a", "n")])
        let lines = Set(usage.text().split(separator: "\n").map(String.init))
        let labels = "vendor=\"a\",model=\"m\",group=\"g\""
        for line in [
            "weir_tokens_total{\(labels),kind=\"input\"} 200",
            "weir_tokens_total{\(labels),kind=\"cache_read\"} 120",
            "weir_tokens_total{\(labels),kind=\"output\"} 40",
            "weir_tokens_total{\(labels),kind=\"reasoning\"} 10",
            "weir_cost_dollars_total{\(labels)} 3.0",
            "weir_first_content_seconds_bucket{\(labels),le=\"0.02\"} 0",
            "weir_first_content_seconds_bucket{\(labels),le=\"0.05\"} 2",
            "weir_first_content_seconds_bucket{\(labels),le=\"+Inf\"} 2",
            "weir_first_content_seconds_count{\(labels)} 2",
            "weir_tokens_total{vendor=\"a\",model=\"n\",group=\"\",kind=\"input\"} 100",
        ] { #expect(lines.contains(line), "\(line)") }
    }

    @Test(
        "keep a label in its quotes, whatever stands beside a sign that would end it",
        arguments: [
            ("a\"\u{301}", "a\\\"\u{301}"), ("a\\\u{301}", "a\\\\\u{301}"),
            ("a\\\u{200D}", "a\\\\\u{200D}"), ("a\"\u{FE0F},x=\"", "a\\\"\u{FE0F},x=\\\""),
            ("a\r\nb", "a\r\\nb"), ("a\n\u{301}", "a\\n\u{301}"),
        ])
    func hostile(_ model: String, _ label: String) {
        let usage = UsageMetrics()
        usage.add([Self.call("v", model)])
        let text = usage.text().utf8
        #expect(text.firstRange(of: "model=\"\(label)\",group=".utf8) != nil)
        #expect(text.firstRange(of: "model=\"\(model)\",".utf8) == nil)
    }

    @Test("are bounded, whatever clients call their models")
    func bounds() {
        let usage = UsageMetrics()
        let long = String(repeating: "x", count: 101)
        usage.add((0..<500).map { Self.call("a", "m-\($0)") } + [Self.call("a", long)])
        usage.add([Self.call("a", "m-1"), Self.call("a", "x\"y\\z\n")])
        let text = usage.text()
        let models = text.split(separator: "\n").filter { $0.hasPrefix("weir_cost_dollars_total{") }
        #expect(models.count == 65)
        #expect(text.contains("model=\"m-1\",group=\"\"} 3.0"))
        let others = "weir_cost_dollars_total{vendor=\"other\",model=\"other\",group=\"other\"}"
        #expect(text.contains("\(others) \(Double(502 - 64) * 1.5)"))
        #expect(!text.contains(long) && !text.contains("x\"y"))
    }
}
