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
        rows.append(cells.map(Printable.text))
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

/// Texts from clients and vendors, made safe for a terminal.
enum Printable {
    /// A text without what a terminal would obey: a model's name may hold anything.
    static func text(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // C0, DEL and C1; marks that turn the direction of writing.
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
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
