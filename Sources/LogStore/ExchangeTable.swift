import GRDB
import Primitives

// DESIGN
//
// One narrow row an exchange. What is searched, sorted or summed by is a column; the rest stands in
// `details`, because a column costs SQLite some two hundred instructions in each insertion, whether
// it holds anything or not. Texts that repeat are numbers of names (NameTable.swift). The name of
// an exchange is its 16 bytes, which sort as its text does.

/// The table of exchanges, and its columns.
enum ExchangeTable {
    /// The numbers of a record's columns that are columns here, too, or that follow from others.
    static let ownColumns: Set<Int> = [
        1, 4, 6, 8, 9, 10, 11, 12, 13, 14, 16, 46, 47, 50, 51, 53, 54,
    ]

    /// The names' slots, see ``NameWriter/number(of:day:slot:)``.
    enum Slot {
        static let path = 6
        static let chain = 8
        static let vendor = 9
        static let model = 10
        static let answeringModel = 11
        static let key = 12
        static let outcome = 13
        static let client = 46
        static let session = 47
        static let errorClass = 50
    }

    /// Makes it, with what belongs to it.
    static let schema =
        NameTable.schema + [
            """
            CREATE TABLE exchanges (
                number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,
                accepted_us INTEGER NOT NULL, status INTEGER NOT NULL, vendor ANY NOT NULL,
                model ANY NOT NULL, answering_model ANY NOT NULL, chain ANY NOT NULL,
                key ANY NOT NULL, outcome ANY NOT NULL, client ANY NOT NULL, session ANY NOT NULL,
                error_class ANY NOT NULL, path ANY NOT NULL, rest TEXT, segment INTEGER NOT NULL,
                start INTEGER NOT NULL, charged_tokens INTEGER, charged_nanodollars INTEGER,
                details BLOB NOT NULL
            ) STRICT
            """,
            "CREATE INDEX exchanges_accepted ON exchanges (accepted_us)",
            // By time, too: the latest sessions are found in the index alone.
            """
            CREATE INDEX exchanges_session ON exchanges (session, accepted_us) WHERE session <> 0
            """,
            // Records of before keep their numbers, and later ones have higher numbers.
            """
            INSERT INTO sqlite_sequence (name, seq)
            SELECT 'exchanges', seq FROM sqlite_sequence WHERE name = 'records'
            """,
            """
            CREATE TRIGGER charged_exchange_removed AFTER DELETE ON exchanges
            WHEN OLD.charged_tokens IS NOT NULL BEGIN
                INSERT INTO ledger_removed VALUES (
                    \(NameTable.text("OLD.key")),
                    OLD.charged_tokens, OLD.charged_nanodollars)
                ON CONFLICT (key) DO UPDATE SET tokens = tokens + excluded.tokens,
                    nanodollars = nanodollars + excluded.nanodollars;
            END
            """,
            // What is moved is not removed.
            "DROP TRIGGER charged_record_removed",
            """
            CREATE TRIGGER charged_record_removed AFTER DELETE ON records
            WHEN OLD.charged_tokens IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM exchanges WHERE number = OLD.number) BEGIN
                INSERT INTO ledger_removed VALUES
                    (OLD.key, OLD.charged_tokens, OLD.charged_nanodollars)
                ON CONFLICT (key) DO UPDATE SET tokens = tokens + excluded.tokens,
                    nanodollars = nanodollars + excluded.nanodollars;
            END
            """,
            // Which rows may have something in a segment.
            "ALTER TABLE segments ADD COLUMN first INTEGER NOT NULL DEFAULT \(Int64.max)",
            "ALTER TABLE segments ADD COLUMN last INTEGER NOT NULL DEFAULT 0",
        ]

    /// The columns that ``StoredRecord`` reads, in order.
    static let columns = """
        number, id, accepted_us, status, vendor, model, answering_model, chain, key, outcome, \
        client, session, path, rest, charged_tokens, charged_nanodollars, details, segment, start
        """

    /// A statement that inserts rows whose exchanges are not there; `withNumber`: the number of
    /// each is bound first.
    static func insertion(withNumber: Bool, count: Int = 1) -> String {
        let names = """
            \(withNumber ? "number, " : "")id, accepted_us, status, vendor, model, \
            answering_model, chain, key, outcome, client, session, error_class, path, rest, \
            charged_tokens, charged_nanodollars, details, segment, start
            """
        let marks = names.split(separator: ",").map { _ in "?" }.joined(separator: ", ")
        let rows = [String](repeating: "(\(marks))", count: count).joined(separator: ", ")
        return "INSERT OR IGNORE INTO exchanges (\(names)) VALUES \(rows)"
    }

    /// The target of a row.
    static let target = "(\(NameTable.text("path")) || ifnull(rest, ''))"

    /// A target's beginning, which repeats, and its rest, which may not: a query, or what begins
    /// with a segment that looks like an identifier.
    static func parts(ofTarget target: String) -> (path: Substring, rest: Substring) {
        let rest = restStart(target.utf8.span)
        guard rest < target.utf8.count else { return (target[...], "") }
        let index = target.utf8.index(target.startIndex, offsetBy: rest)
        return (target[..<index], target[index...])
    }

    private static func restStart(_ target: Span<UInt8>) -> Int {
        var start = 0
        var digits = 0
        for index in target.indices {
            switch target[index] {
            case UInt8(ascii: "?"): return index
            case UInt8(ascii: "/"):
                start = index + 1
                digits = 0
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits += 1
                if digits >= 8 { return start }
            default: break
            }
        }
        return target.count
    }

    /// The name of an exchange as a row has it.
    static func bytes(_ identifier: Identifier) -> Bytes {
        var bytes = ByteBuffer(capacity: 16)
        append(identifier, to: &bytes)
        return Bytes([UInt8](bytes.bytes))
    }

    /// Appends the name of an exchange as a row has it.
    static func append(_ identifier: Identifier, to bytes: inout ByteBuffer) {
        bytes.append(littleEndian: identifier.high.byteSwapped, count: 8)
        bytes.append(littleEndian: identifier.low.byteSwapped, count: 8)
    }

    /// The name that a row has; zero where a damaged one has none.
    static func identifier(_ bytes: Bytes) -> Identifier {
        guard bytes.bytes.count == 16 else { return Identifier(high: 0, low: 0) }
        var words: [UInt64] = [0, 0]
        for (index, byte) in bytes.bytes.enumerated() {
            words[index / 8] = words[index / 8] << 8 | UInt64(byte)
        }
        return Identifier(high: words[0], low: words[1])
    }

    /// The least and the largest name that begin with some characters; nil where none does.
    static func range(named prefix: String) -> (least: Identifier, largest: Identifier)? {
        let missing = Identifier.length - prefix.utf8.count
        guard missing >= 0 else { return nil }
        guard !prefix.isEmpty else {
            return (Identifier(high: 0, low: 0), Identifier(high: .max, low: .max))
        }
        guard let least = Identifier(prefix + String(repeating: "0", count: missing)),
            let largest = Identifier(prefix + String(repeating: "Z", count: missing))
        else { return nil }
        return (least, largest)
    }

    /// Reads a row of ``columns`` into a record; where what it keeps is, as far as the row says.
    static func read(
        _ row: Row, _ names: NameReader, into record: inout Record
    ) throws -> (pointer: ContentPointer, sizes: RecordDetails.Sizes) {
        record.identifier = identifier(row[1])
        record.acceptedMicroseconds = row[2]
        record.status = row[3]
        record.vendor = try names.text(row, 4)
        record.model = try names.text(row, 5)
        record.answeringModel = try names.text(row, 6)
        record.chain = try names.text(row, 7)
        record.key = try names.text(row, 8)
        record.outcome = try names.text(row, 9)
        record.client = try names.text(row, 10)
        record.session = try names.text(row, 11)
        record.target = try names.text(row, 12)
        if let rest = row[13] as String? { record.target += rest }
        record.chargedTokens = row[14]
        record.chargedNanodollars = row[15]
        let details: Bytes = row[16]
        let sizes = try RecordDetails.read(details.bytes.span, into: &record, names.text)
        return (pointer(segment: row[17], start: row[18], sizes), sizes ?? RecordDetails.Sizes())
    }

    /// Where what a record keeps is, as columns of its row say.
    static func pointer(
        segment: Int64, start: Int64, _ sizes: RecordDetails.Sizes?
    ) -> ContentPointer {
        var pointer = ContentPointer(segment: UInt64(max(0, segment)))
        guard segment > 0, let sizes else { return ContentPointer() }
        let limit = Int64(RecordDetails.Sizes.limit)
        pointer.offset = Int(min(max(Int64(Segment.headBytes), start), limit))
        pointer.lengths = sizes.lengths
        return pointer
    }
}
