import GRDB

/// A table of an earlier version that holds records' columns: what is in it is moved out of it (see
/// ``RecordMover``), and read until then.
struct RecordTable: Sendable {
    /// Its name.
    let name: String
    /// The declaration of a record's number in it.
    private let number: String
    /// How many columns it had when it was made first; others were added to it.
    private let countAtFirst: Int
    /// The columns by their numbers.
    let columns: [RecordColumn.Stored]
    // Beside them, and not in them: an insertion looks at nothing else.
    private let values: [RecordColumn.Value]

    /// Records of versions that had a column for each value.
    static let records = RecordTable(
        "records", number: "INTEGER PRIMARY KEY AUTOINCREMENT", RecordColumn.records,
        countAtFirst: 42, count: 55)
    /// The bodies of records of version 0.1.
    static let bodies = RecordTable(
        "bodies", number: "INTEGER PRIMARY KEY", RecordColumn.bodies, countAtFirst: 6, count: 6)

    /// A table of those of the columns that were stored in it.
    private init(
        _ name: String, number: String, _ columns: [RecordColumn], countAtFirst: Int, count: Int
    ) {
        self.name = name
        self.number = number
        self.countAtFirst = countAtFirst
        let stored = columns.compactMap { column in
            column.stored.map { (column: $0, value: column.value) }
        }.filter { $0.column.number <= count }.sorted { $0.column.number < $1.column.number }
        self.columns = stored.map(\.column)
        values = stored.map(\.value)
    }

    /// Makes the table as it was at first.
    var creation: String {
        let list = columns.filter { $0.number <= countAtFirst }
            .map { "\($0.name) \($0.declaration)" }
        return "CREATE TABLE \(name) (number \(number), \(list.joined(separator: ", "))) STRICT"
    }

    /// Adds the later columns, each with the name of the migration that does.
    ///
    /// A record of before has nothing in them: an empty text, zero, or NULL where that is allowed.
    var additions: [(migration: String, sql: String)] {
        zip(columns, values).compactMap { column, value in
            guard column.number > countAtFirst else { return nil }
            return (
                "\(name) \(column.number): \(column.name)",
                "ALTER TABLE \(name) ADD COLUMN \(column.name) \(column.declaration)"
                    + value.valueOfBefore
            )
        }
    }

    /// A statement that inserts a row; `number`: whether its number is bound too, as the first.
    func insertion(_ verb: String, withNumber: Bool) -> String {
        let names = (withNumber ? ["number"] : []) + columns.map(\.name)
        let marks = names.map { _ in "?" }
        return "\(verb) INTO \(name) (\(names.joined(separator: ", "))) "
            + "VALUES (\(marks.joined(separator: ", ")))"
    }

    /// Binds the values of a record in the order of the columns.
    func bind(_ record: borrowing Record, to insertion: inout Insertion) {
        // Where they lie: a copy of each would count a reference.
        let values = values.span
        for index in values.indices { values[index].bind(record, to: &insertion) }
    }

    /// Puts the values of a row into a record, from its column `start` on.
    func read(_ row: Row, from start: Int, into record: inout Record) {
        for (index, column) in columns.enumerated() {
            column.assignment?.read(row, start + index, into: &record)
        }
    }

    /// Selects records, as ``StoredRecord`` reads them: what they keep is in a segment, or, of
    /// version 0.1, in the table of bodies.
    static func selection(withBodies: Bool) -> String {
        let names =
            ["number"] + records.columns.map(\.name)
            + (withBodies ? [ContentTable.columns] + bodies.columns.map(\.name) : [])
        let tables =
            records.name
            + (withBodies
                ? " LEFT JOIN contents USING (number) LEFT JOIN \(bodies.name) USING (number)"
                : "")
        return "SELECT \(names.joined(separator: ", ")) FROM \(tables)"
    }
}

extension RecordColumn.Value {
    /// Binds the value that a record has.
    func bind(_ record: borrowing Record, to insertion: inout Insertion) {
        switch self {
        case .text(let get): insertion.bind(get(record))
        case .written(let write): insertion.bind(record, write)
        case .number(let get): insertion.bind(get(record))
        case .optional(let get): insertion.bind(get(record))
        case .flag(let get): insertion.bind(get(record) ? 1 : 0)
        case .body(let get): insertion.bind(get(record).bytes)
        case .decimal, .tree: preconditionFailure("no table has a column of this kind")
        }
    }

    /// What SQL says of the value in rows that are older than their column.
    fileprivate var valueOfBefore: String {
        switch self {
        case .text, .written: " DEFAULT ''"
        case .number, .flag: " DEFAULT 0"
        case .body: " DEFAULT x''"
        case .optional, .decimal, .tree: ""
        }
    }
}
