import Dialects
import GRDB
import Journal
import Primitives

extension Store {
    /// What a transaction came to.
    struct Written {
        /// Records that are there now and were not before, by journal.
        var stored: [String: Int] = [:]
        /// Records that SQLite would not take, whatever is tried, and why.
        var refused: [(id: String, reason: String)] = []
    }

    /// Writes a batch, all of it or nothing.
    ///
    /// Throws ``Failure`` where it may work later: a full disk, a locked file.
    func write(_ batch: Batch, capture: Capture) throws(Failure) -> Written {
        do {
            return try database.write { db in
                var written = Written()
                var refused: [String: Int] = [:]
                var rollups: [Rollup.Place: Rollup] = [:]
                var records = try Insertion(Self.insertRecord, db)
                var bodies = try Insertion(Self.insertBodies, db)
                var batch = batch
                for index in batch.spilled {
                    try Self.takeBackSpilled(&batch.records[index], capture, db)
                }
                // Where they lie: a record holds some thirty references, and is not copied.
                let all = batch.records.span
                for index in all.indices {
                    do {
                        guard try Self.insert(all[index], &records, &bodies, db) else { continue }
                        written.stored[all[index].journal, default: 0] += 1
                        rollups[Rollup.Place(all[index]), default: Rollup()].add(all[index])
                    } catch let error as DatabaseError where !error.mayWorkLater {
                        // One record that cannot be stored must not keep all others from it.
                        written.refused.append((all[index].identifier.description, "\(error)"))
                        refused[all[index].journal, default: 0] += 1
                    }
                }
                try Self.add(rollups, db)
                for spill in batch.spills { try Self.insert(spill, db) }
                for progress in batch.progress {
                    try Self.note(
                        progress, stored: written.stored[progress.name] ?? 0,
                        refused: refused[progress.name] ?? 0, db)
                }
                return written
            }
        } catch {
            throw Failure(error)
        }
    }

    /// Inserts records that came through no journal.
    package func insert(_ records: [Record]) throws {
        var batch = Batch()
        batch.records = records
        _ = try write(batch, capture: Capture(bytesMax: .max))
    }

    private static let recordColumns = [
        "id", "journal", "exchange", "accepted_us", "method", "target", "dialect", "chain",
        "vendor", "model", "answering_model", "key", "outcome", "status", "attempts",
        "attempt_count", "answered", "request_us", "head_us", "content_us", "last_byte_us",
        "end_us", "is_stream", "request_bytes", "response_bytes", "input_tokens", "output_tokens",
        "cache_read_tokens", "cache_write_tokens", "cache_write_long_tokens", "reasoning_tokens",
        "audio_input_tokens", "audio_output_tokens", "usage_state", "usage", "finish_reason",
        "error_kind", "error_message", "dropped_frames", "trace",
        "cost_nanodollars", "price_version", "image_input_tokens", "image_output_tokens",
        "service_tier",
    ]

    private static let insertRecord =
        "INSERT OR IGNORE INTO records (\(recordColumns.joined(separator: ", "))) "
        + "VALUES (\(recordColumns.map { _ in "?" }.joined(separator: ", ")))"

    private static let insertBodies = "INSERT INTO bodies VALUES (?, ?, ?, ?, ?, ?, ?)"

    /// Inserts a record; false when it is there already, as after a death between a commit and the
    /// moving of the ring's cursor.
    private static func insert(
        _ record: borrowing Record, _ records: inout Insertion, _ bodies: inout Insertion,
        _ db: Database
    ) throws -> Bool {
        bind(record, to: &records)
        try records.execute()
        guard db.changesCount > 0 else { return false }
        bodies.bind(Int(db.lastInsertedRowID))
        bodies.bind(record.requestFields)
        bodies.bind(record.requestBody.bytes)
        bodies.bind(record.requestBody.totalBytes)
        bodies.bind(record.responseFields)
        bodies.bind(record.responseBody.bytes)
        bodies.bind(record.responseBody.totalBytes)
        try bodies.execute()
        return true
    }

    /// Binds the values in the order of the columns.
    private static func bind(_ record: borrowing Record, to insertion: inout Insertion) {
        let (identifier, attempts) = (record.identifier, record.attempts)
        insertion.bind { identifier.write(to: &$0) }
        insertion.bind(record.journal)
        insertion.bind(Int(clamping: record.exchange))
        insertion.bind(record.acceptedMicroseconds)
        insertion.bind(record.method)
        insertion.bind(record.target)
        insertion.bind(record.dialect.rawValue)
        insertion.bind(record.chain)
        insertion.bind(record.vendor)
        insertion.bind(record.model)
        insertion.bind(record.answeringModel)
        insertion.bind(record.key)
        insertion.bind(record.outcome)
        insertion.bind(record.status)
        insertion.bind { AttemptList.write(attempts, to: &$0) }
        insertion.bind(attempts.count)
        insertion.bind(record.answered)
        insertion.bind(record.requestMicroseconds)
        insertion.bind(record.headMicroseconds)
        insertion.bind(record.contentMicroseconds)
        insertion.bind(record.lastByteMicroseconds)
        insertion.bind(record.endMicroseconds)
        insertion.bind(record.isStream ? 1 : 0)
        insertion.bind(record.requestBytes)
        insertion.bind(record.responseBytes)
        let usage = record.usage
        insertion.bind(usage.input)
        insertion.bind(usage.output)
        insertion.bind(usage.cacheRead)
        insertion.bind(usage.cacheWrite)
        insertion.bind(usage.cacheWriteLong)
        insertion.bind(usage.reasoning)
        insertion.bind(usage.audioInput)
        insertion.bind(usage.audioOutput)
        insertion.bind(record.usageState.rawValue)
        insertion.bind(record.usageText)
        insertion.bind(record.finishReason)
        insertion.bind(record.errorKind)
        insertion.bind(record.errorMessage)
        insertion.bind(record.droppedFrames)
        insertion.bind(record.trace)
        insertion.bind(record.costNanodollars)
        insertion.bind(record.priceVersion)
        insertion.bind(usage.imageInput)
        insertion.bind(usage.imageOutput)
        insertion.bind(record.serviceTier == .standard ? "" : record.serviceTier.rawValue)
    }

    private static func insert(_ spill: Batch.Spill, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO open_frames VALUES (?, ?, ?, ?)")
        let values: [(any DatabaseValueConvertible)?] = [
            spill.journal, Int64(clamping: spill.exchange), Int64(clamping: spill.position),
            Bytes(spill.frames),
        ]
        try statement.execute(arguments: StatementArguments(values))
    }

    private static func note(
        _ progress: Batch.Progress, stored: Int, refused: Int, _ db: Database
    ) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO journals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                ON CONFLICT (name) DO UPDATE SET cursor = max(cursor, ?2), stored = stored + ?3,
                    lost = lost + ?4, emitted = ?5, dropped = ?6, is_ended = ?7
                """
        )
        let values: [(any DatabaseValueConvertible)?] = [
            progress.name, Int64(clamping: progress.cursor), stored, progress.lost + refused,
            progress.emitted, progress.dropped, progress.isEnded ? 1 : 0,
        ]
        try statement.execute(arguments: StatementArguments(values))
    }

    /// Puts the beginning of a record's bodies back that was spilled, and forgets the spilled.
    private static func takeBackSpilled(
        _ record: inout Record, _ capture: Capture, _ db: Database
    ) throws {
        let place: StatementArguments = [record.journal, Int64(clamping: record.exchange)]
        var request: [UInt8] = []
        var response: [UInt8] = []
        let rows = try Bytes.fetchCursor(
            db,
            sql: """
                SELECT frames FROM open_frames WHERE journal = ? AND exchange = ? ORDER BY position
                """,
            arguments: place
        )
        while let row = try rows.next() {
            StoredFrames.read(row.bytes.span) { frame in
                switch frame.kind {
                case .requestBody: request.append(frame.payload, upTo: capture.bytesMax)
                case .chunk where frame.attempt == record.answered:
                    response.append(frame.payload, upTo: capture.bytesMax)
                default: break
                }
            }
        }
        record.requestBody.bytes = request + record.requestBody.bytes
        record.responseBody.bytes = response + record.responseBody.bytes
        try db.execute(
            sql: "DELETE FROM open_frames WHERE journal = ? AND exchange = ?", arguments: place)
    }
}

extension [UInt8] {
    /// Appends bytes until so many are there.
    fileprivate mutating func append(_ bytes: Span<UInt8>, upTo bytesMax: Int) {
        append(bytes.extracting(0..<Swift.min(Swift.max(0, bytesMax - count), bytes.count)))
    }
}

extension DatabaseError {
    /// Whether the same may work later: only these say that the record itself is at fault.
    var mayWorkLater: Bool {
        switch resultCode {
        case .SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_RANGE: false
        default: true
        }
    }
}

extension Store.Failure {
    /// A failure of SQLite's, its code kept.
    init(_ error: any Error) {
        if let error = error as? DatabaseError {
            code = error.resultCode.name
            description = "\(code): \(error.message ?? "no message")"
        } else {
            code = ""
            description = "\(error)"
        }
    }
}

extension ResultCode {
    /// SQLite's own name for a code of the primary kind, as its manual and its mailing list use it.
    fileprivate var name: String {
        let names = [
            "OK", "ERROR", "INTERNAL", "PERM", "ABORT", "BUSY", "LOCKED", "NOMEM", "READONLY",
            "INTERRUPT", "IOERR", "CORRUPT", "NOTFOUND", "FULL", "CANTOPEN", "PROTOCOL", "EMPTY",
            "SCHEMA", "TOOBIG", "CONSTRAINT", "MISMATCH", "MISUSE", "NOLFS", "AUTH", "FORMAT",
            "RANGE", "NOTADB",
        ]
        let place = Int(primaryResultCode.rawValue)
        return names.indices.contains(place) ? "SQLITE_\(names[place])" : "SQLITE_\(rawValue)"
    }
}
