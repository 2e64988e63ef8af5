import Dialects
import GRDB
import Primitives

extension Store {
    /// The records that a filter asks for, without their bodies, the newest first.
    public func records(_ filter: RecordFilter, limit: Int) throws -> [StoredRecord] {
        let (sql, arguments) = filter.condition
        return try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM records WHERE \(sql)
                    ORDER BY accepted_us DESC, number DESC LIMIT ?
                    """,
                arguments: arguments + [limit]
            ).map(StoredRecord.init)
        }
    }

    /// Lends the records that a filter asks for in the order they were stored, with their bodies
    /// where those are wanted, until the closure has had enough.
    public func eachRecord(
        _ filter: RecordFilter, withBodies: Bool, limit: Int = .max,
        _ body: (StoredRecord) throws -> Void
    ) throws {
        let (sql, arguments) = filter.condition
        let bodies = withBodies ? "JOIN bodies USING (number)" : ""
        try database.read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT * FROM records \(bodies) WHERE \(sql) ORDER BY number LIMIT ?
                    """,
                arguments: arguments + [limit])
            while let row = try rows.next() { try body(StoredRecord(row)) }
        }
    }

    /// How many records a filter asks for.
    public func count(_ filter: RecordFilter) throws -> Int {
        let (sql, arguments) = filter.condition
        return try database.read { db in
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM records WHERE \(sql)", arguments: arguments) ?? 0
        }
    }

    /// The records whose names begin like this, at most two, with their bodies.
    public func records(named prefix: String) throws -> [StoredRecord] {
        try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM records JOIN bodies USING (number)
                    WHERE id >= ?1 AND id < ?1 || 'a' LIMIT 2
                    """,
                arguments: [prefix.uppercased()]
            ).map(StoredRecord.init)
        }
    }

    /// The number of the record that was stored last; 0 without any.
    public func lastNumber() throws -> Int64 {
        try database.read { try Int64.fetchOne($0, sql: "SELECT max(number) FROM records") ?? 0 }
    }
}

/// A record in the store.
public struct StoredRecord: Sendable {
    /// Its number: records are stored in the order in which they ended.
    public let number: Int64
    /// Its name.
    public let id: String
    /// What is remembered.
    public var record: Record

    init(_ row: Row) {
        number = row["number"]
        id = row["id"]
        var record = Record(Identifier(id) ?? Identifier(high: 0, low: 0))
        record.journal = row["journal"]
        record.exchange = UInt64(clamping: row["exchange"] as Int64)
        record.acceptedMicroseconds = row["accepted_us"]
        record.method = row["method"]
        record.target = row["target"]
        record.dialect = Dialect(rawValue: row["dialect"]) ?? .openai
        record.chain = row["chain"]
        record.vendor = row["vendor"]
        record.model = row["model"]
        record.answeringModel = row["answering_model"]
        record.key = row["key"]
        record.outcome = row["outcome"]
        record.status = row["status"]
        record.attempts = AttemptList.attempts(row["attempts"])
        record.answered = row["answered"]
        record.requestMicroseconds = row["request_us"]
        record.headMicroseconds = row["head_us"]
        record.contentMicroseconds = row["content_us"]
        record.lastByteMicroseconds = row["last_byte_us"]
        record.endMicroseconds = row["end_us"]
        record.isStream = row["is_stream"]
        record.requestBytes = row["request_bytes"]
        record.responseBytes = row["response_bytes"]
        record.usage.input = row["input_tokens"]
        record.usage.output = row["output_tokens"]
        record.usage.cacheRead = row["cache_read_tokens"]
        record.usage.cacheWrite = row["cache_write_tokens"]
        record.usage.cacheWriteLong = row["cache_write_long_tokens"]
        record.usage.reasoning = row["reasoning_tokens"]
        record.usage.audioInput = row["audio_input_tokens"]
        record.usage.audioOutput = row["audio_output_tokens"]
        record.usage.imageInput = row["image_input_tokens"]
        record.usage.imageOutput = row["image_output_tokens"]
        record.serviceTier = ServiceTier(rawValue: row["service_tier"]) ?? .standard
        record.usageState = Record.UsageState(rawValue: row["usage_state"]) ?? .unknown
        record.usageText = row["usage"]
        record.finishReason = row["finish_reason"]
        record.errorKind = row["error_kind"]
        record.errorMessage = row["error_message"]
        record.droppedFrames = row["dropped_frames"]
        record.trace = row["trace"]
        record.costNanodollars = row["cost_nanodollars"]
        record.priceVersion = row["price_version"]
        if row.hasColumn("request_body") { Self.readBodies(row, &record) }
        self.record = record
    }

    private static func readBodies(_ row: Row, _ record: inout Record) {
        let request: Bytes = row["request_body"]
        let response: Bytes = row["response_body"]
        record.requestFields = row["request_fields"]
        record.responseFields = row["response_fields"]
        record.requestBody = Record.Body(bytes: request.bytes, totalBytes: row["request_total"])
        record.responseBody = Record.Body(
            bytes: response.bytes, totalBytes: row["response_total"])
    }
}
