import GRDB
import Primitives

/// Some of the columns of `records`, a table of earlier versions.
///
/// What reads a million rows reads no more of each than it needs.
struct ColumnSelection {
    private let columns: [RecordColumn.Stored]

    /// What sums are made of.
    static let summedUp = ColumnSelection([
        "id", "accepted_us", "method", "target", "chain", "vendor", "model", "key", "outcome",
        "status", "attempts", "answered", "content_us", "end_us", "input_tokens", "output_tokens",
        "cache_read_tokens", "reasoning_tokens", "usage_state", "error_kind", "cost_nanodollars",
        "session", "agent", "parent_agent", "key_group",
    ])

    /// Every one.
    static let records = ColumnSelection(RecordTable.records.columns.map(\.name))

    init(_ names: Set<String>) {
        columns = RecordTable.records.columns.filter { names.contains($0.name) }
    }

    private init(_ names: [String]) {
        self.init(Set(names))
    }

    /// The list after `SELECT`.
    var names: String { columns.map(\.name).joined(separator: ", ") }

    /// The record of a row that was selected by its number and ``names``; what is not among them is
    /// empty.
    func record(_ row: Row) -> Record {
        var record = Record(Identifier(high: 0, low: 0))
        for (index, column) in columns.enumerated() {
            column.assignment?.read(row, 1 + index, into: &record)
        }
        return record
    }
}
