import Primitives

// The report as one page that needs nothing else: no script, no font, no picture from elsewhere.
extension BenchReport {
    /// The page.
    public var html: String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>weir bench</title><style>\(Self.style)</style></head><body><main>
        <h1>weir bench</h1>
        <p class="facts">\(HTMLText.escaped(Timestamp.text(microseconds: microseconds))) ·
        \(HTMLText.escaped(machine)) · \(calls) calls in \(Self.number(seconds)) s</p>
        <pre class="command">\(HTMLText.escaped(command))</pre>
        \(verdictHTML)
        \(scenarios.map(section).joined(separator: "\n"))
        \(memoryHTML)
        <p class="facts">Added: the paired difference to the direct call of the same round and
        index, its median and the range it lies in with 95 % confidence. Every answer was verified;
        one that was not is an error and no sample. Rounds in which the machine was disturbed are
        discarded and counted. CPU is that of the process, user and system, of all its threads.</p>
        </main></body></html>

        """
    }

    private static let colors = ["#7a8794", "#0a7ea4", "#c2571a", "#2f8f4e", "#8a4fbf", "#b02a4c"]

    private static func color(_ target: Int) -> String { colors[target % colors.count] }

    private static let style = """
        body{font:15px/1.5 system-ui,sans-serif;color:#1c2430;background:#fff;margin:0}
        main{max-width:1060px;margin:0 auto;padding:24px}
        h1{font-size:26px;margin:0}h2{font-size:19px;margin:36px 0 8px}
        h3{font-size:14px;margin:0 0 4px;font-weight:600}
        .facts{color:#5a6675}.command{background:#f3f5f7;padding:8px 12px;overflow:auto}
        table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
        th,td{padding:4px 7px;text-align:right;border-bottom:1px solid #e4e8ec;white-space:nowrap}
        th:first-child,td:first-child{text-align:left}th{color:#5a6675;font-weight:500}
        .charts{display:grid;grid-template-columns:1fr 1fr;gap:16px;margin-top:14px}
        .chart{border:1px solid #e4e8ec;border-radius:6px;padding:10px}
        .dot{display:inline-block;width:10px;height:10px;border-radius:5px;margin-right:6px}
        .bad{color:#a4262c;font-weight:600}.good{color:#2f7d45}
        svg{width:100%;height:auto}text{font:11px system-ui,sans-serif;fill:#5a6675}
        """

    private func name(_ target: Int) -> String {
        "<span class=\"dot\" style=\"background:\(Self.color(target))\"></span>"
            + HTMLText.escaped(plan.targets[target].name)
    }

    private var verdictHTML: String {
        let rows = plan.targets.indices.map { target in
            let names = faults(target)
            let verdict =
                names.isEmpty
                ? "<span class=\"good\">every answer verified</span>"
                : "<span class=\"bad\">\(HTMLText.escaped(names.joined(separator: ", ")))</span>"
            return "<li>\(name(target)): \(verdict)</li>"
        }
        return "<ul id=\"verdicts\">\(rows.joined())</ul>"
    }

    private var memoryHTML: String {
        let rows = plan.targets.indices.compactMap { target -> String? in
            guard let bytes = bytesPerStream[target] else { return nil }
            let rest = residentBytes[target].map { "\(Self.number(Double($0) / 1_048_576)) MiB" }
            return "<tr><td>\(name(target))</td><td>\(Self.number(bytes / 1024)) KiB</td>"
                + "<td>\(rest ?? "–")</td></tr>"
        }
        guard !rows.isEmpty else { return "" }
        return "<h2>Memory</h2><table id=\"memory\"><tr><th></th><th>each of \(plan.idleStreams) "
            + "open streams</th><th>before them</th></tr>\(rows.joined())</table>"
    }

    private func section(_ result: ScenarioResult) -> String {
        let heads = [
            "", "verified", "errors", "calls/s", "first byte", "first content", "gap", "total",
            "p99", "added", "95 %", "CPU/call", "CPU/chunk",
        ]
        let rows = plan.targets.indices.map { row(result, $0) }
        let discarded =
            result.discardedRounds > 0 ? ", \(result.discardedRounds) discarded" : ""
        var charts = [
            chart("Time to the first content", result) { $0.firstContent },
            chart("Total", result) { $0.total },
        ]
        if result.scenario.streams {
            charts.append(chart("Gap between chunks", result) { $0.gaps })
        }
        charts.append(boxes(result))
        return """
            <section><h2>\(HTMLText.escaped(result.scenario.name))</h2>
            <p class="facts">\(result.rounds) rounds\(discarded)</p>
            <table><tr>\(heads.map { "<th>\($0)</th>" }.joined())</tr>\(rows.joined())</table>
            <div class="charts">\(charts.joined())</div></section>
            """
    }

    private func row(_ result: ScenarioResult, _ target: Int) -> String {
        let seen = result.measurements[target]
        let added =
            target == 0
            ? nil
            : result.scenario.streams
                ? result.addedFirstContent(target) : result.addedTotal(target)
        var cells: [String] = [name(target), "\(seen.verified)"]
        cells.append(
            seen.errorCount > 0 ? "<span class=\"bad\">\(seen.errorCount)</span>" : "0")
        cells.append(Self.number(seen.rate, digits: 0))
        cells.append(Self.time(seen.firstByte.percentile(50)))
        cells.append(Self.time(seen.firstContent.percentile(50)))
        cells.append(seen.gaps.count > 0 ? Self.time(seen.gaps.percentile(50)) : "–")
        cells.append(Self.time(seen.total.percentile(50)))
        cells.append(Self.time(seen.total.percentile(99)))
        cells.append(added.map { Self.time($0.median) } ?? "–")
        cells.append(added.map { "\(Self.time($0.low)) … \(Self.time($0.high))" } ?? "")
        cells.append(seen.cpuPerCall.map { Self.time($0) } ?? "–")
        let perChunk = result.scenario.streams ? seen.cpuPerChunk : nil
        cells.append(perChunk.map { Self.time($0) } ?? "–")
        return "<tr>\(cells.map { "<td>\($0)</td>" }.joined())</tr>"
    }

    // MARK: Charts

    private static let width = 480.0
    private static let height = 240.0
    private static let left = 58.0
    private static let bottom = 26.0

    /// Percentiles to the right, each decade of what lies beyond as wide as the one before; times
    /// upwards on a logarithmic scale.
    private func chart(
        _ title: String, _ result: ScenarioResult, _ pick: (Measurements) -> Measurements.Times
    ) -> String {
        let curves = result.measurements.map { pick($0).curve }
        let values = curves.joined().map(\.microseconds).filter { $0 > 0 }
        let scale = LogScale(values)
        func x(_ percent: Double) -> Double {
            let beyond = max(100 - percent, 0.01)
            let share = (2 - Self.log10(beyond)) / 4
            return Self.left + share * (Self.width - Self.left - 10)
        }
        func y(_ microseconds: Double) -> Double {
            Self.height - Self.bottom
                - scale.share(max(microseconds, 0.001)) * (Self.height - Self.bottom - 12)
        }
        var parts = scale.marks.map { mark in
            "<line x1=\"\(Self.left)\" x2=\"\(Self.width - 10)\" y1=\"\(Self.figure(y(mark)))\" "
                + "y2=\"\(Self.figure(y(mark)))\" stroke=\"#e4e8ec\"/><text x=\"\(Self.left - 6)\" "
                + "y=\"\(Self.figure(y(mark) + 4))\" text-anchor=\"end\">\(Self.time(mark))</text>"
        }
        for (percent, label) in [(0.0, "0"), (90, "p90"), (99, "p99"), (99.9, "p99.9")] {
            parts.append(
                "<text x=\"\(Self.figure(x(percent)))\" y=\"\(Self.height - 8)\" "
                    + "text-anchor=\"middle\">\(label)</text>")
        }
        for (target, curve) in curves.enumerated() {
            let points = curve.map {
                "\(Self.figure(x($0.percent))),\(Self.figure(y($0.microseconds)))"
            }
            parts.append(
                "<polyline fill=\"none\" stroke=\"\(Self.color(target))\" stroke-width=\"2\" "
                    + "points=\"\(points.joined(separator: " "))\"/>")
        }
        return frame("\(title), by percentile", parts)
    }

    /// The distributions side by side: the line from the fastest to the slowest hundredth, the box
    /// the middle half, the mark the median.
    private func boxes(_ result: ScenarioResult) -> String {
        let times = result.measurements.map {
            result.scenario.streams ? $0.firstContent : $0.total
        }
        let scale = LogScale(
            times.flatMap { [$0.percentile(1), $0.percentile(99)] }.filter { $0 > 0 })
        let room = Self.width - 90
        func x(_ microseconds: Double) -> Double {
            80 + scale.share(max(microseconds, 0.001)) * (room - 10)
        }
        let step = 40.0
        let height = step * Double(times.count) + 40
        var parts: [String] = []
        for (target, seen) in times.enumerated() {
            let middle = 18 + step * (Double(target) + 0.5)
            func at(_ percent: Double) -> String { Self.figure(x(seen.percentile(percent))) }
            let width = Self.figure(x(seen.percentile(75)) - x(seen.percentile(25)))
            let color = Self.color(target)
            parts.append(
                """
                <text x="72" y="\(Self.figure(middle + 4))" text-anchor="end">\
                \(HTMLText.escaped(plan.targets[target].name))</text>\
                <line x1="\(at(1))" x2="\(at(99))" y1="\(Self.figure(middle))" \
                y2="\(Self.figure(middle))" stroke="\(color)" stroke-width="2"/>\
                <rect x="\(at(25))" y="\(Self.figure(middle - 9))" width="\(width)" height="18" \
                fill="\(color)" opacity="0.35"/>\
                <line x1="\(at(50))" x2="\(at(50))" y1="\(Self.figure(middle - 11))" \
                y2="\(Self.figure(middle + 11))" stroke="\(color)" stroke-width="3"/>
                """)
        }
        for mark in scale.marks {
            parts.append(
                "<text x=\"\(Self.figure(x(mark)))\" y=\"\(Self.figure(height - 8))\" "
                    + "text-anchor=\"middle\">\(Self.time(mark))</text>")
        }
        let what = result.scenario.streams ? "first content" : "total"
        return frame(
            "Distribution: \(what), p1 to p99, middle half, median", parts, height: height)
    }

    private func frame(
        _ title: String, _ parts: [String], height: Double = Self.height
    ) -> String {
        "<div class=\"chart\"><h3>\(title)</h3><svg role=\"img\" aria-label=\"\(title)\" "
            + "viewBox=\"0 0 \(Int(Self.width)) \(Int(height))\">\(parts.joined())</svg></div>"
    }

    private static func figure(_ value: Double) -> String { number(value) }

    /// The logarithm of base ten.
    fileprivate static func log10(_ value: Double) -> Double {
        // By the exponent and the series of the rest: a page needs no more than three digits.
        let exponent = Double(value.exponent)
        let rest = (value.significand - 1) / (value.significand + 1)
        var sum = 0.0
        var power = rest
        for term in stride(from: 1.0, through: 15, by: 2) {
            sum += power / term
            power *= rest * rest
        }
        return (exponent * 0.693147180559945 + 2 * sum) / 2.302585092994046
    }
}

/// A logarithmic scale over some values, with its marks at 1, 2 and 5 of each decade.
private struct LogScale {
    private let low: Double
    private let high: Double
    let marks: [Double]

    init(_ values: [Double]) {
        let least = max(values.min() ?? 1, 0.001)
        let most = max(values.max() ?? 10, least * 1.5)
        low = BenchReport.log10(least * 0.9)
        high = BenchReport.log10(most * 1.1)
        var all: [Double] = []
        var decade = 0.001
        while decade <= most * 1.1 {
            all += [decade, 2 * decade, 5 * decade]
            decade *= 10
        }
        let inside = all.filter { $0 >= least * 0.9 && $0 <= most * 1.1 }
        marks =
            inside.count > 6
            ? inside.enumerated().filter { $0.offset % 3 == 0 }.map(\.element) : inside
    }

    /// Where a value lies, from 0 to 1.
    func share(_ value: Double) -> Double {
        min(1, max(0, (BenchReport.log10(value) - low) / (high - low)))
    }
}
