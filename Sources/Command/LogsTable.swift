import ArgumentParser

/// How a table of the record is printed: the same for every command that prints one.
struct LogsTableOptions: ParsableArguments {
    @Flag(name: .long, help: "All columns, and no cell cut, in lines of any length.")
    var wide = false

    @Option(name: .long, help: "The columns to print, in this order: a,b,c.")
    var columns: String?

    /// Columns of a line; nil where it may have any number.
    var width: Int? { wide ? nil : Terminal.columns }

    /// The columns to print; ends with status 2 where one of them is none.
    func chosen<Row>(from all: [LogsColumn<Row>]) throws -> [LogsColumn<Row>] {
        guard let columns else { return wide ? all : all.filter(\.isUsual) }
        return try columns.split(separator: ",").map { name in
            if let column = all.first(where: { $0.column.name == name }) { return column }
            let names = all.map(\.column.name).joined(separator: ", ")
            Output.error("weir: --columns \(name): there are \(names)")
            throw ExitCode(2)
        }
    }
}

/// A column of a table of the record.
struct LogsColumn<Row>: Sendable {
    let column: TextTable.Column
    /// Whether it is one of those that fit a terminal of 80 columns together.
    let isUsual: Bool
    let cell: @Sendable (Row) -> String

    /// A column of texts, which may be cut.
    static func text(
        _ name: String, least: Int = 6, usual: Int = 16, isUsual: Bool = false,
        _ cell: @escaping @Sendable (Row) -> String
    ) -> LogsColumn {
        LogsColumn(
            column: TextTable.Column(name: name, least: least, usual: usual), isUsual: isUsual,
            cell: cell)
    }

    /// A column of texts or figures that say nothing when they are cut.
    static func whole(
        _ name: String, _ side: TextTable.Side, usual: Int = 8, isUsual: Bool = false,
        _ cell: @escaping @Sendable (Row) -> String
    ) -> LogsColumn {
        LogsColumn(
            column: TextTable.Column(name: name, side: side, usual: usual), isUsual: isUsual,
            cell: cell)
    }

    /// The table of such rows.
    static func table(_ columns: [LogsColumn], _ rows: [Row], width: Int?) -> String {
        var table = TextTable(columns: columns.map(\.column))
        for row in rows { table.add(columns.map { $0.cell(row) }) }
        return table.text(width: width)
    }
}
