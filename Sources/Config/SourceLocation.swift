/// A point in a text: its line and its column, both from 1, the column in bytes.
struct SourceLocation: Sendable, Hashable, Comparable {
    let line: Int
    let column: Int

    /// Where a text begins.
    static let start = SourceLocation(line: 1, column: 1)

    static func < (left: SourceLocation, right: SourceLocation) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}
