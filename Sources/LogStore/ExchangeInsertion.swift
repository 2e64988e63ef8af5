import GRDB
import Primitives

/// The insertion of records into the table of exchanges, within one transaction.
struct ExchangeInsertion: ~Copyable {
    private let db: Database
    private let withNumber: Bool
    private var statement: Insertion
    private var details = RecordDetailsWriter()
    private var identifier = ByteBuffer(capacity: 16)
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
        var sizes = RecordDetails.Sizes(lengths: pointer.lengths)
        sizes.request = record.requestBody.totalBytes
        sizes.response = record.responseBody.totalBytes
        try details.write(record, sizes, &names)
        identifier.removeAll()
        ExchangeTable.append(record.identifier, to: &identifier)
        // A name that could not be read may have ended the one before.
        statement.discard()
        if withNumber { statement.bind(number.map { Int($0) }) }
        statement.bind(contentsOf: identifier)
        statement.bind(record.acceptedMicroseconds)
        statement.bind(record.status)
        let day = NameTable.day(ofMicroseconds: record.acceptedMicroseconds)
        try bind(record.vendor, day, ExchangeTable.Slot.vendor)
        try bind(record.model, day, ExchangeTable.Slot.model)
        try bind(record.answeringModel, day, ExchangeTable.Slot.answeringModel)
        try bind(record.chain, day, ExchangeTable.Slot.chain)
        try bind(record.key, day, ExchangeTable.Slot.key)
        try bind(record.outcome, day, ExchangeTable.Slot.outcome)
        try bind(record.client, day, ExchangeTable.Slot.client)
        try bind(record.session, day, ExchangeTable.Slot.session)
        try bind(record.errorClass, day, ExchangeTable.Slot.errorClass)
        try bind(target: record.target, day)
        statement.bind(Int(clamping: pointer.segment))
        statement.bind(pointer.offset)
        statement.bind(record.chargedTokens)
        statement.bind(record.chargedNanodollars)
        statement.bind(contentsOf: details.buffer)
        try statement.execute()
        return db.changesCount > 0
    }

    private mutating func bind(target: String, _ day: Int) throws {
        let (path, rest) = ExchangeTable.parts(ofTarget: target)
        // Most have no rest, and no text is made of a part that is all of it.
        try bind(rest.isEmpty ? target : String(path), day, ExchangeTable.Slot.path)
        if rest.isEmpty {
            statement.bind(nil as Int?)
        } else {
            statement.bind(String(rest))
        }
    }

    private mutating func bind(_ text: String, _ day: Int, _ slot: Int) throws {
        if let number = try names.number(of: text, day: day, slot: slot) {
            statement.bind(Int(number))
        } else {
            statement.bind(text)
        }
    }
}
