// The report in a terminal: tables, and curves of percentiles.
extension BenchReport {
    /// Tables of everything measured.
    public var text: String {
        var lines: [String] = []
        for result in scenarios {
            lines.append("\(result.scenario.name)  (\(roundsText(result)))")
            lines.append(table(result))
        }
        let memory = memoryLines
        if !memory.isEmpty { lines += ["memory"] + memory + [""] }
        lines += verdicts
        return lines.joined(separator: "\n") + "\n"
    }

    private func roundsText(_ result: ScenarioResult) -> String {
        "\(result.rounds) rounds"
            + (result.discardedRounds > 0 ? ", \(result.discardedRounds) discarded" : "")
    }

    private func table(_ result: ScenarioResult) -> String {
        var rows = [
            [
                "", "verified", "errors", "calls/s", "first byte", "first content", "gap", "total",
                "p99", "added", "95 %", "CPU/call", "CPU/chunk",
            ]
        ]
        for (index, target) in plan.targets.enumerated() {
            let seen = result.measurements[index]
            let added =
                result.scenario.streams
                ? result.addedFirstContent(index) : result.addedTotal(index)
            rows.append([
                target.name, "\(seen.verified)", "\(seen.errorCount)",
                index >= 0 ? Self.number(seen.rate, digits: 0) : "",
                Self.time(seen.firstByte.percentile(50)),
                Self.time(seen.firstContent.percentile(50)),
                seen.gaps.count > 0 ? Self.time(seen.gaps.percentile(50)) : "–",
                Self.time(seen.total.percentile(50)), Self.time(seen.total.percentile(99)),
                index == 0 ? "–" : added.map { Self.time($0.median) } ?? "?",
                index == 0
                    ? "" : added.map { "\(Self.time($0.low)) … \(Self.time($0.high))" } ?? "",
                seen.cpuPerCall.map { Self.time($0) } ?? "–",
                result.scenario.streams ? seen.cpuPerChunk.map { Self.time($0) } ?? "–" : "–",
            ])
        }
        return Self.aligned(rows)
    }

    private var memoryLines: [String] {
        plan.targets.indices.compactMap { index in
            guard let bytes = bytesPerStream[index] else { return nil }
            let rest = residentBytes[index].map {
                ", \(Self.number(Double($0) / 1_048_576)) MiB before"
            }
            return "  \(plan.targets[index].name): \(Self.number(bytes / 1024)) KiB for each of "
                + "\(plan.idleStreams) open streams\(rest ?? "")"
        }
    }

    private var verdicts: [String] {
        plan.targets.indices.map { index in
            let names = faults(index)
            let counts = scenarios.flatMap { $0.measurements[index].errors }
                .reduce(into: [String: Int]()) { $0["\($1.key)", default: 0] += $1.value }
            let shown = names.map { name in counts[name].map { "\(name) × \($0)" } ?? name }
            return names.isEmpty
                ? "\(plan.targets[index].name): every answer verified"
                : "\(plan.targets[index].name): \(shown.joined(separator: ", "))"
        }
    }

    /// Curves of percentiles, a row a share, all targets on one scale.
    public var plot: String {
        var lines: [String] = []
        for result in scenarios {
            let what = result.scenario.streams ? "first content" : "total"
            lines.append("\(result.scenario.name): \(what) by percentile")
            let curves = result.measurements.map {
                (result.scenario.streams ? $0.firstContent : $0.total).curve
            }
            let longest = curves.joined().map(\.microseconds).max() ?? 1
            for point in curves.map({ $0.map(\.percent) }).max(by: { $0.count < $1.count }) ?? []
            where Self.plotted.contains(point) {
                for (index, curve) in curves.enumerated() {
                    guard let found = curve.first(where: { $0.percent == point }) else { continue }
                    let width = max(1, Int(found.microseconds / longest * 50))
                    let name = index == 0 ? "p\(Self.percent(point))" : ""
                    lines.append(
                        Self.padded(name, 7) + Self.padded(plan.targets[index].name, 10)
                            + Self.padded(Self.time(found.microseconds), 10, isRight: true) + " "
                            + String(repeating: index == 0 ? "░" : "█", count: width))
                }
            }
            lines.append("")
        }
        return lines.joined(separator: "\n")
    }

    private static let plotted: Set<Double> = [0, 50, 75, 90, 95, 99, 99.9, 100]

    // MARK: Figures

    static func percent(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(value)"
    }

    /// `12 us`, `1.3 ms`, `4.5 s` of microseconds.
    static func time(_ microseconds: Double) -> String {
        let size = abs(microseconds)
        if size < 10 { return "\(number(microseconds)) us" }
        if size < 1000 { return "\(Int(microseconds.rounded())) us" }
        if size < 1_000_000 { return "\(number(microseconds / 1000)) ms" }
        return "\(number(microseconds / 1_000_000)) s"
    }

    static func number(_ value: Double, digits: Int = 1) -> String {
        if digits == 0 { return "\(Int(value.rounded()))" }
        let tenths = Int((value * 10).rounded())
        let sign = tenths < 0 ? "-" : ""
        return "\(sign)\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    private static func padded(_ text: String, _ width: Int, isRight: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return isRight ? space + text : text + space
    }

    private static func aligned(_ rows: [[String]]) -> String {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                padded(cell, widths[column], isRight: column > 0)
            }
            return "  " + cells.joined(separator: "  ") + "\n"
        }.joined()
    }
}
