import Primitives

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
        // By scalars: a mark that combines makes another character of a quote or a sign, and the
        // reader of a table looks at bytes.
        let isFormula = cell.unicodeScalars.first.map("=+-@".unicodeScalars.contains) ?? false
        let text = isFormula && Double(cell) == nil ? "'" + cell : cell
        guard text.unicodeScalars.contains(where: isQuoted) else { return text }
        return "\"\(text.replacingScalars("\"", with: "\"\""))\""
    }

    private static func isQuoted(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case ",", "\"", "\n"..."\r", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }
}
