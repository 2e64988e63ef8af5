import GRDB
import Primitives

/// How far each segment is; and, of records of earlier versions, where their fields and bodies are.
enum ContentTable {
    /// Makes them.
    static let schema = [
        // A row for each record of before that keeps anything; those of 0.1 are in `bodies`.
        """
        CREATE TABLE contents (
            number INTEGER PRIMARY KEY, segment INTEGER NOT NULL, start INTEGER NOT NULL,
            request_fields_bytes INTEGER NOT NULL, request_body_bytes INTEGER NOT NULL,
            response_fields_bytes INTEGER NOT NULL, response_body_bytes INTEGER NOT NULL,
            request_body_total INTEGER NOT NULL, response_body_total INTEGER NOT NULL
        ) STRICT
        """,
        // Where the last entry ends that a row knows, and how old the newest record is.
        """
        CREATE TABLE segments (
            number INTEGER PRIMARY KEY, end INTEGER NOT NULL, newest_us INTEGER NOT NULL
        ) STRICT
        """,
        // Entries that no row knows any more, and that are not erased yet.
        """
        CREATE TABLE erasures (
            segment INTEGER NOT NULL, start INTEGER NOT NULL, bytes INTEGER NOT NULL,
            PRIMARY KEY (segment, start)
        ) STRICT, WITHOUT ROWID
        """,
    ]

    /// Makes the count of rows that were removed, as their age or a bound asked for it, and what is
    /// remembered while the clock that says their age is not believed.
    static let removals = [
        "CREATE TABLE doubts (newest_us INTEGER NOT NULL) STRICT",
        "CREATE TABLE removals (rows INTEGER NOT NULL) STRICT",
        """
        INSERT INTO removals SELECT max(0, ifnull((SELECT sum(stored) FROM journals), 0)
            - (SELECT count(*) FROM records))
        """,
    ]

    static let insertion = "INSERT INTO contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

    /// The columns of a record's row, behind its number.
    static let columns = """
        contents.segment, contents.start, contents.request_fields_bytes,
        contents.request_body_bytes, contents.response_fields_bytes,
        contents.response_body_bytes, contents.request_body_total, contents.response_body_total
        """

    /// How many those are.
    static let columnCount = 8

    /// What a damaged index may say at most, so that no sum of it is beyond what a number holds.
    private static let numberMax: Int64 = 1 << 40

    /// Binds the row of a record.
    static func bind(
        _ number: Int, _ pointer: ContentPointer, requestTotal: Int, responseTotal: Int,
        to insertion: inout Insertion
    ) {
        insertion.bind(number)
        insertion.bind(Int(clamping: pointer.segment))
        insertion.bind(pointer.offset)
        for index in pointer.lengths.indices { insertion.bind(pointer.lengths[index]) }
        insertion.bind(requestTotal)
        insertion.bind(responseTotal)
    }

    /// Where the contents are that ``columns`` from an index on say; nil where there is no row.
    static func pointer(_ row: Row, from start: Int) -> ContentPointer? {
        guard let segment = row[start] as Int64? else { return nil }
        return pointer(segment) { row[start + 1 + $0] }
    }

    /// The same from values of a statement of SQL.
    static func pointer(_ values: ArraySlice<DatabaseValue>) -> ContentPointer? {
        guard values.count >= 6, let first = values.first.flatMap(Int64.fromDatabaseValue)
        else { return nil }
        return pointer(first) {
            Int64.fromDatabaseValue(values[values.startIndex + 1 + $0]) ?? 0
        }
    }

    private static func pointer(
        _ segment: Int64, _ value: (Int) -> Int64
    ) -> ContentPointer {
        func number(_ index: Int) -> Int { Int(min(max(0, value(index)), numberMax)) }
        var pointer = ContentPointer(segment: UInt64(max(0, segment)))
        pointer.offset = max(Segment.headBytes, number(0))
        for index in pointer.lengths.indices { pointer.lengths[index] = number(1 + index) }
        return pointer
    }

    /// The two totals that ``columns`` from an index on say.
    static func totals(_ row: Row, from start: Int) -> (request: Int, response: Int) {
        (row[start + 6], row[start + 7])
    }

    /// How far the last segment is that rows know.
    static func end(_ db: Database) throws -> SegmentWriter.End {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT number, end FROM segments ORDER BY number DESC LIMIT 1"))
        guard let row else { return SegmentWriter.End() }
        let number: Int64 = row[0]
        let end: Int64 = row[1]
        return SegmentWriter.End(
            segment: UInt64(max(0, number)),
            offset: Int(min(max(Int64(Segment.headBytes), end), numberMax)))
    }

    /// The segments behind a number, and how far rows know each of them.
    static func ends(_ db: Database, after number: UInt64) throws -> [(number: UInt64, end: Int)] {
        try Row.fetchAll(
            db, sql: "SELECT number, end FROM segments WHERE number > ? ORDER BY number",
            arguments: [Int64(clamping: number)]
        ).map { row in
            (number: UInt64(clamping: row[0] as Int64), end: Int(row[1] as Int64))
        }
    }

    /// Says how far a segment is, the newest of its records, and which rows have something in it.
    static func advance(
        _ end: SegmentWriter.End, newestMicroseconds: Int, _ numbers: NumberRange, _ db: Database
    ) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO segments (number, end, newest_us, first, last)
                VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (number) DO UPDATE
                SET end = max(end, ?2), newest_us = max(newest_us, ?3), first = min(first, ?4),
                    last = max(last, ?5)
                """
        ).execute(
            arguments: [
                Int64(clamping: end.segment), end.offset, newestMicroseconds, numbers.first,
                numbers.last,
            ])
    }

    /// Says which rows have something in a segment.
    static func extend(_ segment: UInt64, _ numbers: NumberRange, _ db: Database) throws {
        try db.cachedStatement(
            sql: "UPDATE segments SET first = min(first, ?), last = max(last, ?) WHERE number = ?"
        ).execute(arguments: [numbers.first, numbers.last, Int64(clamping: segment)])
    }
}

/// The least and the largest of some rows' numbers.
struct NumberRange: Equatable {
    private(set) var first = Int64.max
    private(set) var last: Int64 = 0

    mutating func add(_ number: Int64) {
        first = min(first, number)
        last = max(last, number)
    }
}
