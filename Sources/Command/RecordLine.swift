import Dialects
import LogStore
import Primitives

/// A record on one line, as `list` and `tail` print it.
enum RecordLine {
    private typealias Column = LogsColumn<StoredRecord>

    /// The columns that there are: first those that people look for, then all others of exports.
    static let columns = own + exported

    private static let own: [LogsColumn<StoredRecord>] = [
        Column.whole("time", .left, usual: 14, isUsual: true) {
            Figure.moment($0.record.acceptedMicroseconds)
        },
        Column.whole("id", .left, usual: 26, isUsual: true) { $0.id },
        Column.text("vendor", usual: 9, isUsual: true) { $0.record.vendor },
        Column.text("model", least: 10, usual: 24, isUsual: true) { $0.record.model },
        Column.text("result", usual: 8, isUsual: true) { result($0.record) },
        Column.whole("content", .right) { Figure.time($0.record.contentMicroseconds) },
        Column.whole("total", .right, isUsual: true) { Figure.time($0.record.endMicroseconds) },
        Column.whole("in", .right, usual: 6) { Figure.count($0.record.usage.input) },
        Column.whole("out", .right, usual: 6) { Figure.count($0.record.usage.output) },
        Column.whole("cost", .right) {
            Figure.shortMoney(nanodollars: $0.record.costNanodollars)
        },
        Column.whole("tries", .right, usual: 5) { "\($0.record.attempts.count)" },
        Column.text("class") { $0.record.errorClass },
        Column.text("chain") { $0.record.chain },
        Column.text("key") { $0.record.key },
        Column.text("client") { $0.record.client },
        Column.text("session", usual: 36) { $0.record.session },
        Column.text("agent") { $0.record.agent },
    ]

    /// Not in a wide table: one that has all of them is an export.
    private static let exported: [LogsColumn<StoredRecord>] = StoredRecord.cells
        .filter { cell in !own.contains { $0.column.name == cell.name } }
        .map { cell in Column.text(cell.name) { cell.text($0) } }

    /// The columns of a table.
    static func chosen(_ options: LogsTableOptions) throws -> [LogsColumn<StoredRecord>] {
        options.columns == nil && options.wide ? own : try options.chosen(from: columns)
    }

    /// The status where the client got a whole answer, else how the call ended.
    private static func result(_ record: Record) -> String {
        guard record.outcome == "complete" else { return record.outcome }
        return record.status > 0 ? "\(record.status)" : "–"
    }
}
