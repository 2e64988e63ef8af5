import Primitives

/// Rows in columns, as wide as their widest cell.
struct TextTable {
    /// On which side a column's cells stand.
    enum Side {
        case left, right
    }

    private let sides: [Side]
    private var rows: [[String]]

    /// A table with a heading for each column.
    init(_ columns: [(String, Side)]) {
        rows = [columns.map(\.0)]
        sides = columns.map(\.1)
    }

    /// Adds a row.
    mutating func add(_ cells: [String]) {
        rows.append(cells.map { Printable.text($0) })
    }

    /// The lines, without spaces at their ends.
    var text: String {
        let widths = sides.indices.map { column in
            rows.reduce(0) { max($0, $1[column].count) }
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let space = String(repeating: " ", count: widths[column] - cell.count)
                line += sides[column] == .left ? cell + space : space + cell
                line += column + 1 < row.count ? "  " : ""
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

/// Numbers as people read them.
enum Figure {
    /// `1.2 ms`, `350 ms`, `4.5 s`, `2 m 5 s` of microseconds.
    static func time(_ microseconds: Int?) -> String {
        guard let microseconds else { return "–" }
        switch microseconds {
        case ..<10_000: return "\(tenths(microseconds, 1000)) ms"
        case ..<1_000_000: return "\((microseconds + 500) / 1000) ms"
        case ..<60_000_000: return "\(tenths(microseconds, 1_000_000)) s"
        default:
            let seconds = microseconds / 1_000_000
            return "\(seconds / 60) m \(seconds % 60) s"
        }
    }

    /// `1.2k`, `35M`.
    static func count(_ number: Int?) -> String {
        guard let number else { return "–" }
        switch number {
        case ..<10_000: return "\(number)"
        case ..<10_000_000: return "\(tenths(number, 1000))k"
        default: return "\(tenths(number, 1_000_000))M"
        }
    }

    /// `134 B`, `12.5 KiB`.
    static func bytes(_ number: Int) -> String {
        switch number {
        case ..<1024: return "\(number) B"
        case ..<(1 << 20): return "\(tenths(number, 1 << 10)) KiB"
        default: return "\(tenths(number, 1 << 20)) MiB"
        }
    }

    /// `$0.0123`.
    static func money(nanodollars: Int?) -> String {
        guard let nanodollars else { return "–" }
        let micro = (nanodollars + 500) / 1000
        let digits = "\(micro % 1_000_000)"
        return "$\(micro / 1_000_000)."
            + String(repeating: "0", count: 6 - digits.count) + digits
    }

    private static func tenths(_ number: Int, _ unit: Int) -> String {
        let tenths = (number * 10 + unit / 2) / unit
        return "\(tenths / 10).\(tenths % 10)"
    }
}
