import GRDB
import JSON
import Primitives

/// A column of the record: one value of it, how the store holds it, and which exports print it.
///
/// All there are stand in one list, `Record+Columns.swift`, in the order of the exports.
public struct RecordColumn: Sendable {
    /// How the value is taken from a record.
    ///
    /// Functions, and no key paths: the store binds every column of every record, and a key path is
    /// walked anew each time it is used.
    enum Value: Sendable {
        case text(@Sendable (borrowing Record) -> String)
        /// A text that is written where it is wanted, without memory of its own.
        case written(@Sendable (borrowing Record, inout ByteBuffer) -> Void)
        case number(@Sendable (borrowing Record) -> Int)
        case optional(@Sendable (borrowing Record) -> Int?)
        case flag(@Sendable (borrowing Record) -> Bool)
        case body(@Sendable (borrowing Record) -> Record.Body)
        /// Exports alone have it.
        case decimal(@Sendable (borrowing Record) -> Double?)
        /// JSON alone has it.
        case tree(@Sendable (borrowing Record) -> JSONValue?)
    }

    /// How a stored value is put into a record.
    enum Assignment: Sendable {
        case text(Setter<String>)
        case number(Setter<Int>)
        case optional(Setter<Int?>)
        case flag(Setter<Bool>)
        case bytes(Setter<Bytes>)
    }

    /// How the store holds the value.
    struct Stored: Sendable {
        /// Its number, from 1: what is on disks says it, and it is never given twice.
        let number: Int
        /// Its name in a table of columns.
        let name: String
        /// SQL's type and conditions there.
        let declaration: String
        /// Whether the texts repeat from record to record.
        var isName = false
        /// Puts the value into a record; nil where others say the same.
        let assignment: Assignment?
    }

    /// What prints a column.
    public struct Exports: OptionSet, Sendable {
        /// A bit for each.
        public let rawValue: UInt8

        /// Exports by their bits.
        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// `weir logs --json`, the export as JSON Lines, and the sink of the same name.
        public static let json = Exports(rawValue: 1)
        /// The export as CSV.
        public static let csv = Exports(rawValue: 2)
        /// The sink into ClickHouse.
        public static let clickHouse = Exports(rawValue: 4)
        /// Every one.
        public static let all: Exports = [.json, .csv, .clickHouse]
    }

    /// Its name in exports.
    public let name: String
    /// What prints it.
    public let exports: Exports
    /// Its type in ClickHouse: one that every version since 2018 knows.
    public let clickHouseType: String

    let value: Value
    let stored: Stored?
}

// What makes a column, by the kind of its value. `number` is that of ``RecordColumn/Stored``, nil
// for what exports work out of other columns.
extension RecordColumn {
    typealias Getter<Value> = @Sendable (borrowing Record) -> Value
    typealias Setter<Value> = @Sendable (inout Record, Value) -> Void

    static func text(
        _ name: String, _ number: Int?, _ get: @escaping Getter<String>,
        _ set: Setter<String>? = nil,
        _ exports: Exports = .all
    ) -> RecordColumn {
        RecordColumn(
            name: name, exports: exports, clickHouseType: "String", value: .text(get),
            stored: stored(number, name, "TEXT NOT NULL", set.map(Assignment.text)))
    }

    /// A text that repeats from record to record.
    static func name(
        _ name: String, _ number: Int?, _ get: @escaping Getter<String>,
        _ set: Setter<String>? = nil,
        _ exports: Exports = .all
    ) -> RecordColumn {
        var stored = stored(number, name, "TEXT NOT NULL", set.map(Assignment.text))
        stored?.isName = true
        return RecordColumn(
            name: name, exports: exports, clickHouseType: "String", value: .text(get),
            stored: stored)
    }

    static func written(
        _ name: String, _ number: Int?,
        _ write: @escaping @Sendable (borrowing Record, inout ByteBuffer) -> Void,
        _ set: Setter<String>? = nil, _ exports: Exports = .all, isUnique: Bool = false
    ) -> RecordColumn {
        RecordColumn(
            name: name, exports: exports, clickHouseType: "String", value: .written(write),
            stored: stored(
                number, name, isUnique ? "TEXT NOT NULL UNIQUE" : "TEXT NOT NULL",
                set.map(Assignment.text)))
    }

    static func number(
        _ name: String, _ number: Int?, _ get: @escaping Getter<Int>, _ set: Setter<Int>? = nil,
        _ exports: Exports = .all, storedAs column: String? = nil, clickHouse: String = "Int64"
    ) -> RecordColumn {
        RecordColumn(
            name: name, exports: exports, clickHouseType: clickHouse, value: .number(get),
            stored: stored(
                number, column ?? name, "INTEGER NOT NULL", set.map(Assignment.number)))
    }

    static func optional(
        _ name: String, _ number: Int?, _ get: @escaping Getter<Int?>, _ set: Setter<Int?>? = nil,
        _ exports: Exports = .all
    ) -> RecordColumn {
        RecordColumn(
            name: name, exports: exports, clickHouseType: "Nullable(Int64)",
            value: .optional(get),
            stored: stored(number, name, "INTEGER", set.map(Assignment.optional)))
    }

    static func flag(
        _ name: String, _ number: Int?, _ get: @escaping Getter<Bool>, _ set: Setter<Bool>? = nil,
        _ exports: Exports = .all, storedAs column: String? = nil
    ) -> RecordColumn {
        RecordColumn(
            name: name, exports: exports, clickHouseType: "UInt8", value: .flag(get),
            stored: stored(
                number, column ?? name, "INTEGER NOT NULL", set.map(Assignment.flag)))
    }

    static func body(
        _ name: String, _ number: Int?, _ get: @escaping Getter<Record.Body>,
        _ set: Setter<[UInt8]>? = nil, _ exports: Exports = [.json, .clickHouse]
    ) -> RecordColumn {
        let assignment = set.map { set in
            Assignment.bytes { record, value in set(&record, value.bytes) }
        }
        return RecordColumn(
            name: name, exports: exports, clickHouseType: "String", value: .body(get),
            stored: stored(number, name, "BLOB NOT NULL", assignment))
    }

    static func decimal(
        _ name: String, _ get: @escaping Getter<Double?>, _ exports: Exports
    ) -> RecordColumn {
        RecordColumn(
            name: name, exports: exports, clickHouseType: "Nullable(Float64)",
            value: .decimal(get), stored: nil)
    }

    static func tree(_ name: String, _ get: @escaping Getter<JSONValue?>) -> RecordColumn {
        RecordColumn(
            name: name, exports: .json, clickHouseType: "String", value: .tree(get), stored: nil)
    }

    private static func stored(
        _ number: Int?, _ name: String, _ declaration: String, _ assignment: Assignment?
    ) -> Stored? {
        number.map {
            Stored(number: $0, name: name, declaration: declaration, assignment: assignment)
        }
    }
}

extension RecordColumn.Assignment {
    /// Puts the value of a row into a record.
    func read(_ row: Row, _ index: Int, into record: inout Record) {
        switch self {
        case .text(let set): set(&record, row[index])
        case .number(let set): set(&record, row[index])
        case .optional(let set): set(&record, row[index])
        case .flag(let set): set(&record, row[index])
        case .bytes(let set): set(&record, row[index])
        }
    }
}
