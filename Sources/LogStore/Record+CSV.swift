extension StoredRecord {
    private static let columns = RecordColumn.records.filter { $0.exports.contains(.csv) }

    /// The first line of a file of records as CSV, its end included.
    public static var csvHeader: String {
        columns.map(\.name).joined(separator: ",") + "\r\n"
    }

    /// The record as a line of CSV, its end included.
    public var csv: String {
        Self.columns.map { Self.quote($0.cell(record)) }.joined(separator: ",") + "\r\n"
    }

    /// A column's name, and its text in a record.
    public struct Cell: Sendable {
        /// As CSV has it.
        public let name: String
        private let column: RecordColumn

        init(_ column: RecordColumn) {
            name = column.name
            self.column = column
        }

        /// The text, as CSV has it without its quotes.
        public func text(_ stored: StoredRecord) -> String { column.cell(stored.record) }
    }

    /// The columns of CSV, for tables of some of them.
    public static let cells = columns.map(Cell.init)

    /// A cell as RFC 4180 quotes it; what a spreadsheet would take for a formula is made text.
    private static func quote(_ cell: String) -> String {
        let isFormula = cell.first.map { "=+-@".contains($0) } ?? false
        let text = isFormula && Double(cell) == nil ? "'" + cell : cell
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"\(text.replacing("\"", with: "\"\""))\""
    }
}
