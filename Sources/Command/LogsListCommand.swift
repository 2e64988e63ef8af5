import ArgumentParser
import LogStore

/// `weir logs list`.
struct LogsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The latest exchanges, the newest first.")

    @OptionGroup var options: LogsOptions
    @OptionGroup var filter: LogsFilter
    @OptionGroup var table: LogsTableOptions

    @Option(name: .shortAndLong, help: "How many at most.")
    var limit = 50

    func run() throws {
        let filter = try filter.filter()
        let columns = try RecordLine.chosen(table)
        let (_, store) = try options.open()
        let records = try store.records(filter, limit: limit)
        guard !records.isEmpty else { throw LogsOptions.foundNothing }
        if options.json {
            for record in records { Output.exact("\(record.json(withBodies: false))\n") }
            return
        }
        Output.text(LogsColumn.table(columns, records, width: table.width))
    }
}
