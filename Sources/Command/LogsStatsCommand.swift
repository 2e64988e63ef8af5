import ArgumentParser
import JSON
import LogStore

/// `weir logs stats`.
struct LogsStatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Calls, tokens, cost and times to the first content, by vendor and model.",
        discussion: "Times and sums are of whole minutes, unless a filter needs more.")

    @OptionGroup var options: LogsOptions
    @OptionGroup var filter: LogsFilter

    @Flag(name: .long, help: "Draw the times to the first content as bars.")
    var plot = false

    @Flag(name: .long, help: "Compute costs anew, by the configuration's present prices.")
    var reprice = false

    func run() throws {
        let filter = try filter.filter()
        let (_, store) = try options.open()
        let prices = reprice ? try options.prices() : nil
        let lines = try store.statistics(filter, repricedBy: prices)
        guard !lines.isEmpty else { throw ExitCode(1) }
        if options.json {
            for line in lines { Output.exact("\(Self.json(line))\n") }
            return
        }
        var table = TextTable([
            ("vendor", .left), ("model", .left), ("calls", .right), ("failed", .right),
            ("failovers", .right), ("in", .right), ("cached", .right), ("out", .right),
            ("cost", .right), ("p50", .right), ("p90", .right), ("p99", .right),
        ])
        for line in lines {
            let sums = line.sums
            table.add([
                line.vendor, line.model, "\(sums.calls)", "\(sums.failed)", "\(sums.failovers)",
                Figure.count(sums.inputTokens), Figure.count(sums.cacheReadTokens),
                Figure.count(sums.outputTokens),
                Figure.money(
                    nanodollars: sums.withoutCost < sums.calls ? sums.costNanodollars : nil),
                Figure.time(sums.contentTimes.percentile(0.5)),
                Figure.time(sums.contentTimes.percentile(0.9)),
                Figure.time(sums.contentTimes.percentile(0.99)),
            ])
        }
        Output.text(table.text)
        if plot { Output.text(Self.bars(lines)) }
    }

    /// The times to the first content as bars, all on one scale.
    private static func bars(_ lines: [Store.Statistic]) -> String {
        let longest = lines.compactMap { $0.sums.contentTimes.percentile(0.99) }.max() ?? 0
        guard longest > 0 else { return "" }
        var table = TextTable([
            ("", .left), ("", .left), ("", .left), ("", .right), ("to the first content", .left),
        ])
        for line in lines {
            for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
                guard let time = line.sums.contentTimes.percentile(share) else { continue }
                let width = max(1, time * 48 / longest)
                table.add([
                    name == "p50" ? line.vendor : "", name == "p50" ? line.model : "", name,
                    Figure.time(time), String(repeating: "█", count: width),
                ])
            }
        }
        return "\n" + table.text
    }

    private static func json(_ line: Store.Statistic) -> JSONValue {
        func number(_ value: Int?) -> JSONValue { value.map { .number("\($0)") } ?? .null }
        let sums = line.sums
        return .object([
            JSONValue.Member("vendor", .string(line.vendor)),
            JSONValue.Member("model", .string(line.model)),
            JSONValue.Member("calls", number(sums.calls)),
            JSONValue.Member("failed", number(sums.failed)),
            JSONValue.Member("failovers", number(sums.failovers)),
            JSONValue.Member("input_tokens", number(sums.inputTokens)),
            JSONValue.Member("cache_read_tokens", number(sums.cacheReadTokens)),
            JSONValue.Member("output_tokens", number(sums.outputTokens)),
            JSONValue.Member("reasoning_tokens", number(sums.reasoningTokens)),
            JSONValue.Member("without_usage", number(sums.withoutUsage)),
            JSONValue.Member(
                "cost_usd",
                sums.withoutCost < sums.calls
                    ? .number("\(Double(sums.costNanodollars) / 1e9)") : .null),
            JSONValue.Member("without_cost", number(sums.withoutCost)),
            JSONValue.Member("content_us_p50", number(sums.contentTimes.percentile(0.5))),
            JSONValue.Member("content_us_p90", number(sums.contentTimes.percentile(0.9))),
            JSONValue.Member("content_us_p99", number(sums.contentTimes.percentile(0.99))),
        ])
    }
}
