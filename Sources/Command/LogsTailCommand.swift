import ArgumentParser
import Glibc
import LogStore
import Primitives
import Reactor

/// `weir logs tail`.
struct LogsTailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "The latest exchanges, and with --follow each new one.")

    @OptionGroup var options: LogsOptions
    @OptionGroup var filter: LogsFilter
    @OptionGroup var table: LogsTableOptions

    @Option(name: .shortAndLong, help: "How many of the exchanges that are stored already.")
    var limit = 10

    @Flag(name: .shortAndLong, help: "Go on until Ctrl-C, printing each exchange as it ends.")
    var follow = false

    /// How often the record is asked for more: an exchange is stored within a tenth of a second.
    private static let askEvery: Int32 = 200

    func run() throws {
        var filter = try filter.filter()
        let lines = RecordLines(try RecordLine.chosen(table), width: table.width)
        let (_, store) = try options.open()
        let latest = try store.records(filter, limit: limit)
        if latest.isEmpty, !follow { throw LogsOptions.foundNothing }
        // Seen from here on, so that nothing between the two is missed or printed twice.
        var last = try max(store.lastNumber(), latest.map(\.number).max() ?? 0)
        if !latest.isEmpty, let newest = latest.map(\.number).max() { last = max(newest, 0) }
        if !options.json { Output.text(lines.heading) }
        for record in latest.reversed() { printLine(record, lines) }
        guard follow else { return }
        // Also where a shell starts it in the background, with SIGINT ignored.
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
        while !Output.hasFailed, Self.isRead(within: Self.askEvery) {
            filter.after = last
            try store.eachRecord(filter, withBodies: false) { record in
                printLine(record, lines)
                last = max(last, record.number)
            }
        }
    }

    /// Waits; returns whether the output still has a reader, which may go before there is a line.
    private static func isRead(within milliseconds: Int32) -> Bool {
        var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        guard unsafe poll(&output, 1, milliseconds) > 0 else { return true }
        return Int32(output.revents) & (POLLERR | POLLHUP | POLLNVAL) == 0
    }

    private func printLine(_ record: StoredRecord, _ lines: RecordLines) {
        if options.json { return Output.exact("\(record.json(withBodies: false))\n") }
        Output.text(lines.line(record))
    }
}

/// Records as lines of a table whose end is not known yet.
struct RecordLines {
    private let columns: [LogsColumn<StoredRecord>]
    private let table: TextTable
    private let widths: [Int]
    private let isCut: Bool

    init(_ columns: [LogsColumn<StoredRecord>], width: Int?) {
        self.columns = columns
        table = TextTable(columns: columns.map(\.column))
        widths = table.usualWidths(in: width)
        isCut = width != nil
    }

    var heading: String { table.heading(widths) }

    func line(_ record: StoredRecord) -> String {
        table.line(columns.map { Printable.text($0.cell(record)) }, widths, isCut: isCut)
    }
}
