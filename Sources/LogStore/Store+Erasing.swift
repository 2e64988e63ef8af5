import GRDB
import Primitives

// What one person asked to be forgotten must be gone from the files, and not only from answers.
// SQLite overwrites what a row gives up (`secure_delete`), but the pages of before stay in the
// write-ahead log until it is cut, and the rest of a page may hold what once stood in it. Segments
// are overwritten by hand. What is to be erased of them is written down in the transaction in which
// rows forget where it is: after a death the next gateway, or the next call, goes on with it.

extension Store {
    /// Records whose bodies are erased in one transaction: the gateway waits for no more.
    private static let erasedAtOnce = 100

    /// Whose records they are.
    public enum Caller {
        /// Those with this digest of the caller's key.
        case key(String)
        /// Those of this session.
        case session(String)
    }

    /// The numbers of a caller's records, in the order of time.
    public func numbers(_ caller: Caller) throws -> [Int64] {
        // Names are whole here: what begins alike is another's.
        let (column, name) =
            switch caller {
            case .key(let name): ("key", name)
            case .session(let name): ("session", name)
            }
        return try database.read { db in
            var found: [(time: Int, number: Int64)] = []
            for (table, condition) in [
                ("exchanges", "\(column) <> 0 AND \(NameTable.isEqual(column))"),
                ("records", "\(column) <> '' AND \(column) = ?"),
            ] {
                let rows = try Row.fetchCursor(
                    db, sql: "SELECT accepted_us, number FROM \(table) WHERE \(condition)",
                    arguments: table == "records" ? [name] : [name, name])
                while let row = try rows.next() { found.append((row[0], row[1])) }
            }
            found.sort { $0 < $1 }
            return found.map(\.number)
        }
    }

    /// Erases the bodies and header fields of records, with the queries of their targets and the
    /// words of their errors.
    ///
    /// What is counted of them stays: tokens, cost, times. The text is gone from the files when
    /// this returns. Throws where a reader is in the way; the same call works later.
    public func erase(numbers: [Int64]) throws {
        let lock = try DirectoryLock(ifFree: segments.parent, isShared: false)
        guard let lock else {
            throw Failure(
                code: "SQLITE_BUSY",
                description: "a backup is written, or something else is erased; try again then")
        }
        for start in stride(from: 0, to: numbers.count, by: Self.erasedAtOnce) {
            try database.write { db in
                for number in numbers[start...].prefix(Self.erasedAtOnce) {
                    try Self.erase(number, db)
                }
            }
        }
        try eraseFromSegments()
        try wipeRetired()
        withExtendedLifetime(lock) {}
    }

    /// Goes on with what an earlier process was about to erase when it ended; false where another
    /// erases something now.
    func finishErasures() throws -> Bool {
        let isDue = try database.read { db in
            try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM erasures)") ?? false
        }
        guard isDue else { return true }
        guard let lock = try DirectoryLock(ifFree: segments.parent, isShared: false) else {
            return false
        }
        defer { withExtendedLifetime(lock) {} }
        try eraseFromSegments()
        try wipeRetired()
        return true
    }

    /// Erases the entries that are written down for it, one segment after the other.
    private func eraseFromSegments() throws {
        let erasing = SegmentErasing(folder: segments, disk: disk)
        let numbers = try database.read { db in
            try Int64.fetchAll(db, sql: "SELECT DISTINCT segment FROM erasures ORDER BY segment")
        }
        for number in numbers {
            let entries = try database.read { db in
                try Row.fetchAll(
                    db, sql: "SELECT start, bytes FROM erasures WHERE segment = ? ORDER BY start",
                    arguments: [number]
                ).map { SegmentErasing.Entry(offset: $0[0], count: $0[1]) }
            }
            try erasing.erase(entries, of: UInt64(clamping: number))
            try database.write { db in
                try db.execute(sql: "DELETE FROM erasures WHERE segment = ?", arguments: [number])
            }
        }
    }

    private static func erase(_ number: Int64, _ db: Database) throws {
        let selection = try db.cachedStatement(
            sql: "SELECT segment, start, details, rest FROM exchanges WHERE number = ?")
        guard let row = try Row.fetchOne(selection, arguments: [number]) else {
            return try eraseOld(number, db)
        }
        try writeDownErasure(of: pointer(row), db)
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO erasures
                SELECT segment, start, bytes FROM left_entries WHERE number = ?
                """, arguments: [number])
        try db.execute(sql: "DELETE FROM left_entries WHERE number = ?", arguments: [number])
        let details: Bytes = row[2]
        let rest = (row[3] as String?)?.prefix { $0 != "?" }
        // Of what no version wrote nothing is kept.
        let erased = RecordDetails.erased(details.bytes.span, without: RecordColumn.erased) ?? []
        try db.cachedStatement(
            sql: """
                UPDATE exchanges SET segment = 0, start = 0, rest = ?, details = ?
                WHERE number = ?
                """
        ).execute(arguments: [rest.map(String.init), Bytes(erased), number])
    }

    private static func eraseOld(_ number: Int64, _ db: Database) throws {
        try eraseOldContent(number, db)
        try db.cachedStatement(
            sql: """
                UPDATE bodies SET request_fields = '', request_body = x'', response_fields = '',
                    response_body = x'' WHERE number = ?
                """
        ).execute(arguments: [number])
        try db.cachedStatement(
            sql: """
                UPDATE records SET error_message = '', trace = '', target = CASE
                    WHEN instr(target, '?') > 0 THEN substr(target, 1, instr(target, '?') - 1)
                    ELSE target END WHERE number = ?
                """
        ).execute(arguments: [number])
    }

    /// Writes down which entries are to be erased.
    private static func writeDownErasure(of pointer: ContentPointer, _ db: Database) throws {
        guard pointer.segment > 0 else { return }
        var start = pointer.offset
        for index in pointer.lengths.indices where pointer.lengths[index] > 0 {
            try db.cachedStatement(sql: "INSERT OR REPLACE INTO erasures VALUES (?, ?, ?)")
                .execute(
                    arguments: [Int64(clamping: pointer.segment), start, pointer.lengths[index]])
            start += Segment.footprint(pointer.lengths[index])
        }
    }

    /// Writes down which entries are to be erased, and forgets where they are.
    private static func eraseOldContent(_ number: Int64, _ db: Database) throws {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT \(ContentTable.columns) FROM contents WHERE number = ?"),
            arguments: [number])
        guard let row, let pointer = ContentTable.pointer(row, from: 0), pointer.segment > 0
        else { return }
        try writeDownErasure(of: pointer, db)
        // The totals stay: they say how much there was.
        try db.cachedStatement(
            sql: """
                UPDATE contents SET segment = 0, start = 0, request_fields_bytes = 0,
                    request_body_bytes = 0, response_fields_bytes = 0, response_body_bytes = 0
                WHERE number = ?
                """
        ).execute(arguments: [number])
    }

    /// The records that came after erased ones in the same session, in the order of time: agents
    /// send the conversation again with each turn, so these repeat the text.
    public func laterTurns(than numbers: [Int64]) throws -> [String] {
        let erased = Set(numbers)
        var ids: [String] = []
        try database.read { db in
            var firsts: [String: Int] = [:]
            let names = NameReader(db)
            for number in numbers {
                for table in ["exchanges", "records"] {
                    let statement = try db.cachedStatement(
                        sql: "SELECT session, accepted_us FROM \(table) WHERE number = ?")
                    guard let row = try Row.fetchOne(statement, arguments: [number])
                    else { continue }
                    let session = try names.text(row, 0)
                    if !session.isEmpty { firsts[session] = min(firsts[session] ?? .max, row[1]) }
                }
            }
            for (session, first) in firsts.sorted(by: { $0.key < $1.key }) {
                ids += try Self.turns(of: session, since: first, but: erased, db)
            }
        }
        return ids
    }

    private static func turns(
        of session: String, since first: Int, but erased: Set<Int64>, _ db: Database
    ) throws -> [String] {
        var turns: [(time: Int, number: Int64, id: String)] = []
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT accepted_us, number, id FROM exchanges
                WHERE session <> 0 AND \(NameTable.isEqual("session")) AND accepted_us >= ?
                """,
            arguments: [session, session, first])
        while let row = try rows.next() {
            turns.append((row[0], row[1], ExchangeTable.identifier(row[2]).description))
        }
        let olds = try Row.fetchCursor(
            db,
            sql: """
                SELECT accepted_us, number, id FROM records
                WHERE session <> '' AND session = ? AND accepted_us >= ?
                """,
            arguments: [session, first])
        while let row = try olds.next() { turns.append((row[0], row[1], row[2])) }
        turns.sort { ($0.time, $0.number) < ($1.time, $1.number) }
        return turns.filter { !erased.contains($0.number) }.map(\.id)
    }
}
