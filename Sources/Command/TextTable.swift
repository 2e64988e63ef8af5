import Primitives

/// Rows in columns, as wide as their widest cell, or as a line allows.
///
/// Widths are those that a terminal shows, see ``DisplayWidth``.
struct TextTable {
    /// On which side a column's cells stand.
    enum Side {
        case left, right
    }

    /// A column.
    struct Column {
        let name: String
        var side = Side.left
        /// How narrow it may become where a line has too little room; nil: its cells are never cut.
        var least: Int?
        /// How wide it is where the rows are not known before.
        var usual = 10
    }

    private let columns: [Column]
    private var rows: [[String]]

    /// A table of such columns.
    init(columns: [Column]) {
        self.columns = columns
        rows = [columns.map(\.name)]
    }

    /// A table with a heading for each column, whose cells are never cut.
    init(_ columns: [(String, Side)]) {
        self.init(columns: columns.map { Column(name: $0.0, side: $0.1) })
    }

    /// Adds a row.
    mutating func add(_ cells: [String]) {
        rows.append(cells.map { Printable.text($0) })
    }

    /// The lines, without spaces at their ends.
    var text: String { text(width: nil) }

    /// The lines, in so many columns at most as far as cells may be cut.
    ///
    /// `wrapsLast`: the last column's cells go on in further lines instead of being cut.
    func text(width: Int?, wrapsLast: Bool = false) -> String {
        var widths = columns.indices.map { column in
            rows.reduce(0) { max($0, DisplayWidth.of($1[column])) }
        }
        if let width {
            if wrapsLast, let last = widths.indices.last {
                let others = widths.dropLast().reduce(0) { $0 + $1 + 2 }
                widths[last] = min(widths[last], max(20, width - others))
            }
            fit(&widths, in: width)
        }
        var lines: [UInt8] = []
        let lineMax = width.flatMap { Self.total(widths) > $0 ? $0 : nil }
        for row in rows {
            guard wrapsLast, width != nil, let last = widths.indices.last else {
                append(row, widths, isCut: true, lineMax: lineMax, to: &lines)
                continue
            }
            for (index, piece) in DisplayWidth.wrapped(row[last], to: widths[last]).enumerated() {
                let cells = index == 0 ? row.dropLast() : row.dropLast().map { _ in "" }
                append(cells + [piece], widths, isCut: true, to: &lines)
            }
        }
        return String(decoding: lines, as: UTF8.self)
    }

    /// A table whose rows come one by one: the widths are the columns' usual ones.
    ///
    /// Without a width, cells are not cut, and a longer one moves those behind it.
    func usualWidths(in width: Int?) -> [Int] {
        var widths = columns.map { max($0.usual, DisplayWidth.of($0.name)) }
        if let width { fit(&widths, in: width) }
        return widths
    }

    /// The headings as a line.
    func heading(_ widths: [Int]) -> String { line(columns.map(\.name), widths) }

    /// A row as a line; `isCut`: cells that are too long end early.
    func line(_ cells: [String], _ widths: [Int], isCut: Bool = true) -> String {
        var line: [UInt8] = []
        append(cells, widths, isCut: isCut, to: &line)
        return String(decoding: line, as: UTF8.self)
    }

    /// How wide a line is.
    private static func total(_ widths: [Int]) -> Int {
        widths.reduce(0, +) + 2 * (widths.count - 1)
    }

    /// Appends a row as bytes: a table may have many thousands.
    ///
    /// `lineMax`: where the columns' least widths are too many for a line, it ends early, because a
    /// terminal would break it.
    private func append(
        _ cells: [String], _ widths: [Int], isCut: Bool, lineMax: Int? = nil,
        to lines: inout [UInt8]
    ) {
        let space = UInt8(ascii: " ")
        let start = lines.count
        for (column, cell) in cells.enumerated() {
            var cell = cell
            var taken = DisplayWidth.of(cell)
            if isCut, taken > widths[column] {
                cell = DisplayWidth.cut(cell, to: widths[column])
                taken = DisplayWidth.of(cell)
            }
            let room = repeatElement(space, count: max(0, widths[column] - taken))
            let isLeft = columns[column].side == .left
            if !isLeft { lines.append(contentsOf: room) }
            lines.append(contentsOf: cell.utf8)
            if isLeft { lines.append(contentsOf: room) }
            if column + 1 < cells.count { lines.append(contentsOf: [space, space]) }
        }
        while lines.count > start, lines.last == space { lines.removeLast() }
        if let lineMax {
            let line = String(decoding: lines[start...], as: UTF8.self)
            if DisplayWidth.of(line) > lineMax {
                lines.replaceSubrange(start..., with: DisplayWidth.cut(line, to: lineMax).utf8)
            }
        }
        lines.append(UInt8(ascii: "\n"))
    }

    /// Takes from the columns that may be narrower, from the one that is furthest from its least
    /// width first, until a line has room for all.
    private func fit(_ widths: inout [Int], in width: Int) {
        var excess = Self.total(widths) - width
        while excess > 0 {
            let spare = widths.indices.map { widths[$0] - (columns[$0].least ?? widths[$0]) }
            guard let most = spare.indices.max(by: { spare[$0] < spare[$1] }), spare[most] > 0
            else { return }
            widths[most] -= 1
            excess -= 1
        }
    }
}
