import GRDB
import Primitives
import Reactor

extension Store {
    /// What of the contents of all records can be read.
    public struct ContentAccount: Equatable, Sendable {
        /// Records that keep fields or bodies in a segment.
        public var records = 0
        /// Those of which everything can be read.
        public var whole = 0
        /// Those whose segment is gone.
        public var gone = 0
        /// Those of which something is damaged.
        public var damaged = 0

        /// An account of nothing.
        public init() {}
    }

    /// Reads what every record keeps in segments; what cannot be read is lent, with the record's
    /// name.
    public func verifyContents(
        _ report: (String, ContentFault) -> Void
    ) throws -> ContentAccount {
        var account = ContentAccount()
        try database.read { db in
            func look(_ pointer: ContentPointer, _ identifier: Identifier) {
                account.records += 1
                let faults = reader.read(pointer, identifier) { _, _ in }
                for fault in faults { report(identifier.description, fault) }
                if faults.isEmpty {
                    account.whole += 1
                } else if faults.contains(where: { $0.reason == .damaged }) {
                    account.damaged += 1
                } else {
                    account.gone += 1
                }
            }
            let olds = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(ContentTable.columns), records.id
                    FROM contents JOIN records USING (number) WHERE segment > 0 ORDER BY number
                    """)
            while let row = try olds.next() {
                guard let pointer = ContentTable.pointer(row, from: 0),
                    let identifier = Identifier(row[ContentTable.columnCount] as String)
                else { continue }
                look(pointer, identifier)
            }
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT segment, start, details, id FROM exchanges WHERE segment > 0
                    ORDER BY number
                    """)
            while let row = try rows.next() {
                look(Self.pointer(row), ExchangeTable.identifier(row[3]))
            }
        }
        return account
    }

    /// The damaged bytes of packed segments, which were written a second time in another form.
    public func damagedSegments() -> [SegmentDamage] {
        segments.numbers.flatMap { number -> [SegmentDamage] in
            guard let file = try? SegmentFile(segments.path(of: number), number: number),
                file.head.isPacked
            else { return [] }
            return file.restore().map {
                SegmentDamage(
                    segment: number, offset: $0.offset, isRestored: $0.restored != nil,
                    isOfParity: $0.offset >= file.end)
            }
        }
    }

    /// Writes the packed segments anew that are damaged, and of which everything can be restored;
    /// their numbers.
    public func repairSegments() throws -> Set<UInt64> {
        let erasing = SegmentErasing(folder: segments, disk: disk)
        return Set(try segments.numbers.filter { try erasing.repair($0) })
    }

    /// Where what an exchange keeps is, by its columns segment, start and details.
    static func pointer(_ row: Row) -> ContentPointer {
        let details: Bytes = row[2]
        return ExchangeTable.pointer(
            segment: row[0], start: row[1], RecordDetails.sizes(details.bytes.span))
    }

    /// Rows that were stored, were never removed for their age or for room, and are not there.
    public func missingRows() throws -> Int {
        try database.read { db in
            try Int.fetchOne(
                db,
                sql: """
                    SELECT max(0, ifnull((SELECT sum(stored) FROM journals), 0)
                        - (SELECT sum(rows) FROM removals) - (SELECT count(*) FROM records)
                        - (SELECT count(*) FROM exchanges))
                    """) ?? 0
        }
    }

    // MARK: Sealing and packing

    /// Sets when a segment is sealed.
    func set(_ bounds: SegmentWriter.Bounds) { writer?.set(bounds) }

    /// Seals the segment that is being written.
    public func sealSegment() { writer?.seal() }

    /// Seals it if it is old enough, or full; whether it did.
    func sealSegmentIfDue() throws -> Bool {
        guard let writer else { return false }
        let end = try database.writeWithoutTransaction(ContentTable.end)
        return writer.sealIfDue(after: end)
    }

    /// Waits until what the segment got is on the disk.
    func syncSegments() throws(SystemError) { try writer?.sync() }

    /// The sealed segments behind a number.
    ///
    /// While another thread writes: a segment is the writer's current one before a row knows it, so
    /// it is sealed if a row knew it and then it is not current. All of its rows are there only
    /// after that: the last may be younger than the first question.
    func sealedSegments(after number: UInt64) throws -> [UInt64] {
        let known = try database.read { try ContentTable.ends($0, after: number) }.map(\.number)
        let current = writer?.current
        return known.filter { $0 != current }
    }

    /// The sealed segments that are to be packed although the machine has no idle time.
    func dueSegments(_ pressure: PackingPressure) throws -> [UInt64] {
        let bytes = try indexBytes() + segments.bytes
        let now = Int(Identifier.wallClockMilliseconds()) * 1000
        return try sealedSegments(after: 0).filter { number in
            guard let status = segments.status(of: number) else { return false }
            let age = Interval(
                nanoseconds: 1000 * Int64(max(0, now - status.changedMicroseconds)))
            return pressure.isDue(age: age, bytes: bytes) && isUnpacked(number)
        }
    }

    /// The sealed segments behind a number that can be read and are not packed.
    func unpackedSegments(after number: UInt64) throws -> [UInt64] {
        try sealedSegments(after: number).filter(isUnpacked)
    }

    private func isUnpacked(_ number: UInt64) -> Bool {
        let file = try? SegmentFile(segments.path(of: number), number: number)
        return file?.head.isPacked == false
    }

    /// Where records' entries are in a segment, those of a session together: each call of an agent
    /// repeats the last one's prompt, and the nearer they are the more is found again.
    ///
    /// Also the offsets of frames that are left out, because their exchanges have ended.
    func packingOrder(of number: UInt64) throws -> (runs: [Range<Int>], left: [Int64]) {
        var runs: [(session: Int, range: Range<Int>)] = []
        var firsts: [String: Int] = [:]
        var left: [Int64] = []
        func add(_ pointer: ContentPointer, _ session: String) {
            // Those of no session stay in the order of time.
            let first = firsts[session] ?? pointer.offset
            firsts[session] = first
            runs.append((first, pointer.offset..<pointer.offset + pointer.footprint))
        }
        try database.read { db in
            left = try Int64.fetchAll(
                db, sql: "SELECT start FROM left_entries WHERE segment = ?",
                arguments: [Int64(clamping: number)])
            let open = try Row.fetchCursor(
                db, sql: "SELECT start, bytes FROM open_entries WHERE segment = ?",
                arguments: [Int64(clamping: number)])
            while let row = try open.next() {
                let start: Int = row[0]
                runs.append((start, start..<start + Segment.footprint(row[1])))
            }
            let names = NameReader(db)
            let exchanges = try Row.fetchCursor(
                db,
                sql: """
                    SELECT segment, start, details, session FROM exchanges
                    WHERE number >= (SELECT first FROM segments WHERE number = ?1)
                        AND number <= (SELECT last FROM segments WHERE number = ?1)
                        AND segment = ?1
                    """,
                arguments: [Int64(clamping: number)])
            while let row = try exchanges.next() {
                add(Self.pointer(row), try names.text(row, 3))
            }
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(ContentTable.columns), records.session
                    FROM contents CROSS JOIN records USING (number) WHERE segment = ?
                    """,
                arguments: [Int64(clamping: number)])
            while let row = try rows.next() {
                guard let pointer = ContentTable.pointer(row, from: 0) else { continue }
                add(pointer, row[ContentTable.columnCount])
            }
        }
        runs.sort { ($0.session, $0.range.lowerBound) < ($1.session, $1.range.lowerBound) }
        return (runs.map(\.range), left)
    }

    /// Has the gateway that writes to the folder seal the segment that it is writing; the number of
    /// the last segment that is complete then, or nil if none answers in time.
    ///
    /// `rest`: called until it does, with the time that it may take.
    public func requestSeal(_ rest: () -> Bool) throws -> UInt64? {
        let known = try database.read { try ContentTable.ends($0, after: 0) }.last?.number ?? 0
        let request = SealRequest(in: segments.parent)
        try request.make()
        while request.isThere {
            guard rest() else {
                request.remove()
                return nil
            }
        }
        return known
    }

    /// Packs the sealed segments that are not packed yet, up to a number; `report` is lent each
    /// one's number, and its bytes before and after.
    ///
    /// `waits`: whether to wait while another works on a segment; else it throws.
    public func packSegments(
        upTo last: UInt64 = .max, waits: Bool = false, _ report: (UInt64, Int, Int) -> Void
    ) throws {
        var packing = SegmentPacking(folder: segments, disk: disk)
        packing.waits = waits
        for number in try sealedSegments(after: 0) where number <= last {
            guard let result = try pack(number, packing) else { continue }
            report(number, result.before, result.after)
        }
    }

    /// Packs a segment; nil where it is packed already, or gone.
    func pack(_ number: UInt64, _ packing: SegmentPacking) throws -> SegmentPacking.Result? {
        let (runs, left) = try packingOrder(of: number)
        guard let result = try packing.pack(number, runs) else { return nil }
        guard !left.isEmpty else { return result }
        try database.write { db in
            for start in left {
                // The packed file has nothing of them.
                try db.cachedStatement(
                    sql: "DELETE FROM left_entries WHERE segment = ? AND start = ?"
                ).execute(arguments: [Int64(clamping: number), start])
            }
        }
        return result
    }

    // MARK: Bounds

    /// Takes the segments away whose records are all older than a time, and those that no row knows
    /// of which nothing was written since; how many.
    ///
    /// After the rows before that time are gone.
    func retireSegments(before microseconds: Int) throws -> Int {
        let known = try database.read { db in
            try Row.fetchAll(db, sql: "SELECT number, newest_us FROM segments").map {
                (UInt64(clamping: $0[0] as Int64), Int($0[1] as Int64))
            }
        }
        var count = 0
        for (number, newest) in known where newest < microseconds {
            if try removeSegment(number) { count += 1 }
        }
        let numbers = Set(known.map(\.0))
        for number in segments.numbers where !numbers.contains(number) {
            guard number != writer?.current, let status = segments.status(of: number),
                status.changedMicroseconds < microseconds
            else { continue }
            if try segments.remove(number) { count += 1 }
        }
        return count
    }

    /// Takes a segment away, first the file, so that no file is left without a row; whether it was
    /// there.
    private func removeSegment(_ number: UInt64) throws -> Bool {
        if number == writer?.current { writer?.seal() }
        try moveOpenFrames(outOf: number)
        // A full disk must not keep this from making room: then only a death right now would have
        // the segment taken for lost.
        try? markRemoved(number)
        let wasThere = try segments.remove(number)
        try database.write { db in
            // The highest number stays known: records say it, and no other segment may get it.
            try db.execute(
                sql: """
                    DELETE FROM segments WHERE number = ?
                    AND number < (SELECT max(number) FROM segments)
                    """,
                arguments: [Int64(clamping: number)])
            try db.execute(
                sql: "DELETE FROM left_entries WHERE segment = ?",
                arguments: [Int64(clamping: number)])
            try db.execute(
                sql: "INSERT OR IGNORE INTO removed_segments VALUES (?)",
                arguments: [Int64(clamping: number)])
            try db.execute(sql: Self.removedSegmentsCleaning)
        }
        return wasThere
    }

    /// The segments by the age of the newest of their records, the oldest first: what was moved out
    /// of the database is older than its number says.
    private func oldestSegments() throws -> [UInt64] {
        let ages = try database.read { db in
            try Row.fetchAll(db, sql: "SELECT number, newest_us FROM segments").map {
                (UInt64(clamping: $0[0] as Int64), $0[1] as Int64)
            }
        }
        let newest = Dictionary(ages) { first, _ in first }
        return segments.numbers.sorted { (newest[$0] ?? 0, $0) < (newest[$1] ?? 0, $1) }
    }

    /// Bytes of the index that are in use.
    func indexBytes() throws -> Int {
        try database.read { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
            return (pages - free) * (try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
        }
    }

    /// What was taken away to keep to a bound.
    struct Eviction: Equatable {
        var segments = 0
        var records = 0
    }

    /// Takes the oldest segments away until segments and index together keep to a bound; where the
    /// index alone is beyond it, some of the oldest records.
    func evict(bytesMax: Int) throws -> Eviction {
        var eviction = Eviction()
        let index = try indexBytes()
        var bytes = segments.bytes
        guard index + bytes > bytesMax else { return eviction }
        for number in try oldestSegments() where index + bytes > bytesMax {
            let size = segments.status(of: number)?.bytes ?? 0
            if try removeSegment(number) { eviction.segments += 1 }
            bytes -= size
        }
        if index > bytesMax { eviction.records = try retireOldest() }
        return eviction
    }
}
