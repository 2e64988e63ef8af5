import JSON
import LogStore

/// A line of `weir logs stats`.
enum StatisticLine {
    private typealias Column = LogsColumn<Store.Statistic>

    /// The columns for such dimensions: with many of these, fewer sums fit beside them.
    static func columns(_ dimensions: [Dimension]) -> [LogsColumn<Store.Statistic>] {
        let isNarrow = dimensions.count > 3
        let names = dimensions.enumerated().map { index, dimension in
            Column.text(dimension.rawValue, least: least(dimensions), isUsual: true) {
                shown($0.names[index])
            }
        }
        return names + [
            Column.whole("calls", .right, isUsual: true) { "\($0.sums.calls)" },
            Column.whole("failed", .right, isUsual: true) { "\($0.sums.failed)" },
            Column.whole("failovers", .right) { "\($0.sums.failovers)" },
            Column.whole("in", .right, isUsual: !isNarrow) { Figure.count($0.sums.inputTokens) },
            Column.whole("cached", .right) { Figure.count($0.sums.cacheReadTokens) },
            Column.whole("out", .right, isUsual: !isNarrow) { Figure.count($0.sums.outputTokens) },
            Column.whole("cost", .right, isUsual: true) { cost($0.sums) },
            Column.whole("priced", .right, isUsual: true) { priced($0.sums) },
            Column.whole("p50", .right) { time($0, 0.5) },
            Column.whole("p90", .right) { time($0, 0.9) },
            Column.whole("p99", .right) { time($0, 0.99) },
        ]
    }

    /// How narrow the column of a dimension may become: figures are never cut, so that with all of
    /// them names give way.
    static func least(_ dimensions: [Dimension]) -> Int { dimensions.count > 6 ? 3 : 5 }

    /// Whether a column shows times to the first content.
    static func isTime(_ column: LogsColumn<Store.Statistic>) -> Bool {
        ["p50", "p90", "p99"].contains(column.column.name)
    }

    /// A name, or what stands for none.
    static func shown(_ name: String) -> String { name.isEmpty ? "–" : name }

    /// The sum of money; none where no price is known.
    static func cost(_ sums: Rollup) -> String {
        Figure.shortMoney(nanodollars: sums.priced > 0 ? sums.costNanodollars : nil)
    }

    /// Of how many calls the sum of money is.
    static func priced(_ sums: Rollup) -> String { "\(sums.priced) of \(sums.billed)" }

    private static func time(_ line: Store.Statistic, _ share: Double) -> String {
        Figure.time(line.sums.contentTimes.percentile(share))
    }

    /// The times to the first content as bars, all on one scale.
    static func bars(_ lines: [Store.Statistic], width: Int?) -> String {
        let longest = lines.compactMap { $0.sums.contentTimes.percentile(0.99) }.max() ?? 0
        guard longest > 0 else { return "" }
        let room = max(12, min(48, (width ?? 120) - 56))
        var table = TextTable(columns: [
            TextTable.Column(name: "", least: 8), TextTable.Column(name: ""),
            TextTable.Column(name: "", side: .right),
            TextTable.Column(name: "to the first content"),
        ])
        for line in lines {
            for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
                guard let time = line.sums.contentTimes.percentile(share) else { continue }
                table.add([
                    name == "p50" ? line.names.map(shown).joined(separator: " ") : "", name,
                    Figure.time(time),
                    String(repeating: "█", count: max(1, time * room / longest)),
                ])
            }
        }
        return "\n" + table.text(width: width)
    }

    static func json(_ line: Store.Statistic, _ dimensions: [Dimension]) -> JSONValue {
        let names = zip(dimensions, line.names).map {
            JSONValue.Member($0.rawValue, .string($1))
        }
        return .object(names + line.sums.members)
    }
}
