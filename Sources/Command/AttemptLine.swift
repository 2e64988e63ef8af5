import JSON
import LogStore

/// A line of `weir logs stats --attempts`.
enum AttemptLine {
    private typealias Column = LogsColumn<AttemptSums>

    static func columns(_ dimensions: [Dimension]) -> [LogsColumn<AttemptSums>] {
        let names = dimensions.enumerated().map { index, dimension in
            Column.text(
                dimension.rawValue, least: StatisticLine.least(dimensions), isUsual: true
            ) {
                StatisticLine.shown($0.names[index])
            }
        }
        return names + [
            Column.whole("attempts", .right, isUsual: true) { "\($0.attempts)" },
            Column.whole("answers", .right, isUsual: true) { "\($0.answers)" },
            Column.whole("failed", .right, isUsual: true) { "\(failed($0))" },
            Column.text("failures", isUsual: true) { sums in
                failures(sums).map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            },
            Column.whole("head p50", .right) { time($0, 0.5) },
            Column.whole("head p90", .right) { time($0, 0.9) },
            Column.whole("head p99", .right) { time($0, 0.99) },
        ]
    }

    private static func failed(_ sums: AttemptSums) -> Int {
        sums.failures.values.reduce(0, +)
    }

    /// The most frequent ones first.
    private static func failures(_ sums: AttemptSums) -> [(key: String, value: Int)] {
        sums.failures.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
    }

    private static func time(_ sums: AttemptSums, _ share: Double) -> String {
        Figure.time(sums.headTimes.percentile(share))
    }

    static func json(_ line: AttemptSums, _ dimensions: [Dimension]) -> JSONValue {
        func number(_ value: Int?) -> JSONValue { value.map { .number("\($0)") } ?? .null }
        let names = zip(dimensions, line.names).map {
            JSONValue.Member($0.rawValue, .string($1))
        }
        return .object(
            names + [
                JSONValue.Member("attempts", number(line.attempts)),
                JSONValue.Member("answers", number(line.answers)),
                JSONValue.Member("failed", number(failed(line))),
                JSONValue.Member(
                    "failures",
                    .object(failures(line).map { JSONValue.Member($0.key, number($0.value)) })),
                JSONValue.Member("head_us_p50", number(line.headTimes.percentile(0.5))),
                JSONValue.Member("head_us_p90", number(line.headTimes.percentile(0.9))),
                JSONValue.Member("head_us_p99", number(line.headTimes.percentile(0.99))),
            ])
    }
}
