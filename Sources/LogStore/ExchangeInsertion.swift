import GRDB
import Primitives

// DESIGN
//
// A third of what SQLite does for a row it does for the statement: it opens the table, three
// indexes and the sequence, reads and writes the sequence, and closes them. So rows of a round are
// inserted eight at a time, where there are as many. A statement of which a row is refused inserts
// nothing, and its rows are inserted one by one.

/// The insertion of records into the table of exchanges, within one transaction.
struct ExchangeInsertion: ~Copyable {
    /// What became of a record.
    enum Fate {
        /// It has this number.
        case inserted(Int64)
        /// It was there already.
        case known
        /// SQLite does not take it, whatever is tried.
        case refused(DatabaseError)
    }

    /// A batch's record that is to be inserted.
    private struct Pending {
        var index: Int
        var pointer: ContentPointer
        /// Its values here; nil where the batch has its row.
        var values: Range<Int>?
    }

    private static let groupCount = 8

    private let db: Database
    private let withNumber: Bool
    private var statement: Insertion
    private var group: Insertion
    private var encoder = ExchangeEncoder()
    private var values = RowValues()
    private var pending: [Pending] = []
    /// Gives texts their numbers.
    var names: NameWriter

    /// An insertion that gives records their numbers, or takes those that they have.
    init(_ db: Database, _ names: NameWriter, withNumber: Bool = false) throws {
        let statement = try Insertion(
            withNumber ? Self.numberedStatement : Self.usualStatement, db)
        let group = try Insertion(Self.groupStatement, db)
        self.statement = statement
        self.group = group
        self.db = db
        self.names = names
        self.withNumber = withNumber
        pending.reserveCapacity(Self.groupCount)
    }

    private static let usualStatement = ExchangeTable.insertion(withNumber: false)
    private static let numberedStatement = ExchangeTable.insertion(withNumber: true)
    private static let groupStatement = ExchangeTable.insertion(
        withNumber: false, count: groupCount)

    /// Inserts a record that has its number; false when it is there already.
    ///
    /// `record` is not changed: see ``Batch/eachRecord(_:)``.
    mutating func insert(
        _ record: inout Record, _ pointer: ContentPointer, number: Int64
    ) throws -> Bool {
        precondition(withNumber, "a record without a number is one of a batch")
        values.removeAll()
        try encoder.append(record, pointer.lengths, &names, to: &values)
        statement.bind(Int(number))
        statement.bind(values, 0..<values.count)
        try Self.execute(&statement, pointer)
        return statement.changesCount > 0
    }

    /// Takes a batch's record to be inserted with the next ones, by the row that was made of it
    /// before where there is one; whether ``settle(_:_:)`` is due.
    mutating func add(
        _ batch: inout Batch, _ index: Int, _ pointer: ContentPointer
    ) throws -> Bool {
        var range: Range<Int>?
        if batch.rows.map({ !$0.holds(index) }) ?? true {
            let start = values.count
            try encoder.append(batch.records[index], pointer.lengths, &names, to: &values)
            range = start..<values.count
        }
        pending.append(Pending(index: index, pointer: pointer, values: range))
        return pending.count == Self.groupCount
    }

    /// Inserts those that were taken, and gives each one's fate, in order.
    mutating func settle(
        _ batch: borrowing Batch, _ body: (Int, Fate) throws -> Void
    ) throws {
        defer {
            pending.removeAll(keepingCapacity: true)
            values.removeAll()
        }
        guard try pending.count == Self.groupCount && insertGroup(batch.rows) else {
            for each in pending { try body(each.index, insertOne(each, batch.rows)) }
            return
        }
        guard group.changesCount < pending.count else {
            let first = group.lastNumber - Int64(group.changesCount) + 1
            for (offset, each) in pending.enumerated() {
                try body(each.index, .inserted(first + Int64(offset)))
            }
            return
        }
        // Some were there. A row that was is older, so that the largest numbers are the new ones:
        // they need not follow each other, because a row that is passed over may take one, too.
        let numbers = try pending.map { try number(of: batch.records[$0.index].identifier) }
        var new = Set(Set(numbers).sorted(by: >).prefix(group.changesCount))
        for (each, number) in zip(pending, numbers) {
            // Of two with the same name the first one was inserted.
            let isNew = new.remove(number) != nil
            try body(each.index, isNew ? .inserted(number) : .known)
        }
    }

    /// Inserts all by one statement; false, and none is inserted, where one of them is refused.
    private mutating func insertGroup(_ rows: ExchangeRows?) throws -> Bool {
        for each in pending {
            Self.bind(each, values, rows, to: &group)
            Self.bind(each.pointer, to: &group)
        }
        do {
            try group.execute()
            return true
        } catch let error as DatabaseError where !error.mayWorkLater {
            return false
        }
    }

    private mutating func insertOne(_ each: Pending, _ rows: ExchangeRows?) throws -> Fate {
        Self.bind(each, values, rows, to: &statement)
        do {
            try Self.execute(&statement, each.pointer)
        } catch let error as DatabaseError where !error.mayWorkLater {
            return .refused(error)
        }
        return statement.changesCount > 0 ? .inserted(statement.lastNumber) : .known
    }

    private static func bind(
        _ each: Pending, _ values: borrowing RowValues, _ rows: ExchangeRows?,
        to insertion: inout Insertion
    ) {
        if let range = each.values {
            insertion.bind(values, range)
        } else {
            rows?.bind(each.index, to: &insertion)
        }
    }

    private static func bind(_ pointer: ContentPointer, to insertion: inout Insertion) {
        insertion.bind(Int(clamping: pointer.segment))
        insertion.bind(pointer.offset)
    }

    private static func execute(_ insertion: inout Insertion, _ pointer: ContentPointer) throws {
        bind(pointer, to: &insertion)
        try insertion.execute()
    }

    private func number(of identifier: Identifier) throws -> Int64 {
        let statement = try db.cachedStatement(sql: "SELECT number FROM exchanges WHERE id = ?")
        return try Int64.fetchOne(statement, arguments: [ExchangeTable.bytes(identifier)]) ?? 0
    }
}
