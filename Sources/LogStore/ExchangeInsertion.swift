import GRDB
import Primitives

/// The insertion of records into the table of exchanges, within one transaction.
struct ExchangeInsertion: ~Copyable {
    private let db: Database
    private let withNumber: Bool
    private var statement: Insertion
    private var encoder = ExchangeEncoder()
    private var values = RowValues()
    /// Gives texts their numbers.
    var names: NameWriter

    /// An insertion that gives records their numbers, or takes those that they have.
    init(_ db: Database, _ names: NameWriter, withNumber: Bool = false) throws {
        self.db = db
        self.names = names
        self.withNumber = withNumber
        statement = try Insertion(
            withNumber ? Self.numberedStatement : Self.usualStatement, db)
    }

    private static let usualStatement = ExchangeTable.insertion(withNumber: false)
    private static let numberedStatement = ExchangeTable.insertion(withNumber: true)

    /// Inserts a record; false when it is there already.
    mutating func insert(
        _ record: borrowing Record, _ pointer: ContentPointer, number: Int64? = nil
    ) throws -> Bool {
        values.removeAll()
        try encoder.append(record, pointer.lengths, &names, to: &values)
        if withNumber { statement.bind(number.map { Int($0) }) }
        statement.bind(values, 0..<values.count)
        return try execute(pointer)
    }

    /// Inserts a batch's record, by the row that was made of it before where there is one; false
    /// when it is there already.
    mutating func insert(
        _ batch: borrowing Batch, _ index: Int, _ pointer: ContentPointer
    ) throws -> Bool {
        guard let rows = batch.rows, rows.bind(index, to: &statement) else {
            let records = batch.records.span
            return try insert(records[index], pointer)
        }
        return try execute(pointer)
    }

    private mutating func execute(_ pointer: ContentPointer) throws -> Bool {
        statement.bind(Int(clamping: pointer.segment))
        statement.bind(pointer.offset)
        try statement.execute()
        return db.changesCount > 0
    }
}
