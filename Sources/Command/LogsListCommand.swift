import ArgumentParser
import Dialects
import LogStore
import Primitives

/// `weir logs list`.
struct LogsListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The latest exchanges, the newest first.")

    @OptionGroup var options: LogsOptions
    @OptionGroup var filter: LogsFilter

    @Option(name: .shortAndLong, help: "How many at most.")
    var limit = 50

    func run() throws {
        let filter = try filter.filter()
        let (_, store) = try options.open()
        let records = try store.records(filter, limit: limit)
        guard !records.isEmpty else { throw ExitCode(1) }
        if options.json {
            for record in records { Output.exact("\(record.json(withBodies: false))\n") }
            return
        }
        var table = RecordLine.table
        for record in records { table.add(RecordLine.cells(record)) }
        Output.text(table.text)
    }
}

/// A record on one line.
enum RecordLine {
    /// A table for such lines.
    static var table: TextTable {
        TextTable([
            ("time", .left), ("id", .left), ("vendor", .left), ("model", .left),
            ("status", .right), ("outcome", .left), ("content", .right), ("total", .right),
            ("in", .right), ("out", .right), ("tries", .right),
        ])
    }

    /// The cells of a record.
    static func cells(_ stored: StoredRecord) -> [String] {
        let record = stored.record
        return [
            String(Timestamp.text(microseconds: record.acceptedMicroseconds).dropLast(5)),
            stored.id, record.vendor, record.model,
            record.status > 0 ? "\(record.status)" : "–", record.outcome,
            Figure.time(record.contentMicroseconds), Figure.time(record.endMicroseconds),
            Figure.count(record.usage.input), Figure.count(record.usage.output),
            "\(record.attempts.count)",
        ]
    }
}
