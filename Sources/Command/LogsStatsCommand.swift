import ArgumentParser
import JSON
import LogStore
import Primitives

/// `weir logs stats`.
struct LogsStatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Calls, tokens, cost and times to the first content, summed up.",
        discussion: """
            Times and sums are of whole minutes, unless a filter needs more. A sum of money is \
            that of the calls whose price is known: 3 of 8 says how many these are.
            """)

    @OptionGroup var options: LogsOptions
    @OptionGroup var filter: LogsFilter
    @OptionGroup var table: LogsTableOptions

    @Option(name: .long, help: "What to sum up by, one or several: a,b. By vendor,model else.")
    var by: String?

    @Flag(name: .long, help: "Sum up attempts, and not only those who answered.")
    var attempts = false

    @Flag(name: .long, help: "Draw the times to the first content as bars.")
    var plot = false

    @Option(name: .long, help: "Write a page with charts to this file; - is standard output.")
    var html: String?

    @Flag(name: .long, help: "Compute costs anew, by the configuration's present prices.")
    var reprice = false

    func run() throws {
        let filter = try filter.filter()
        let dimensions = try Self.dimensions(by)
        guard !attempts || !plot && !reprice && html == nil else {
            Output.error("weir: --attempts goes with none of --plot, --html and --reprice")
            throw ExitCode(2)
        }
        let (_, store) = try options.open()
        if attempts {
            let lines = try store.attemptStatistics(filter, by: dimensions)
            return try show(lines, AttemptLine.columns(dimensions)) {
                AttemptLine.json($0, dimensions)
            }
        }
        let prices = reprice ? try options.prices() : nil
        let columns = StatisticLine.columns(dimensions)
        let withTimes =
            try options.json || plot || html != nil
            || table.chosen(from: columns).contains(where: StatisticLine.isTime)
        let lines = try store.statistics(
            filter, by: dimensions, repricedBy: prices, withTimes: withTimes)
        if let html {
            guard !lines.isEmpty else { throw LogsOptions.foundNothing }
            let page = StatisticPage(
                dimensions: dimensions, lines: lines, asked: self.filter.words,
                at: Timestamp.text(
                    microseconds: Int(Identifier.wallClockMilliseconds()) * 1000))
            return try Output.file(page.html, to: html)
        }
        try show(lines, columns) { StatisticLine.json($0, dimensions) }
        if plot, !options.json { Output.text(StatisticLine.bars(lines, width: table.width)) }
    }

    private func show<Line>(
        _ lines: [Line], _ columns: [LogsColumn<Line>], json: (Line) -> JSONValue
    ) throws {
        let columns = try table.chosen(from: columns)
        guard !lines.isEmpty else { throw LogsOptions.foundNothing }
        if options.json {
            for line in lines { Output.exact("\(json(line))\n") }
        } else {
            Output.text(LogsColumn.table(columns, lines, width: table.width))
        }
    }

    /// What `--by` names; ends with status 2 where it names nothing.
    static func dimensions(_ text: String?) throws -> [Dimension] {
        guard let text else { return [.vendor, .model] }
        var dimensions: [Dimension] = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let dimension = Dimension(rawValue: String(name)) else {
                let names = Dimension.allCases.map(\.rawValue).joined(separator: ", ")
                Output.error("weir: --by \(name): allowed are \(names)")
                throw ExitCode(2)
            }
            if !dimensions.contains(dimension) { dimensions.append(dimension) }
        }
        return dimensions
    }
}
