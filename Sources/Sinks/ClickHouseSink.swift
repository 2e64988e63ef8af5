import Codings
import Dialects
import JSON
public import LogStore
public import Primitives
import Transfers

/// Records as rows of a table in ClickHouse, over its HTTP interface.
///
/// The table is made when it is not there. It replaces rows of one id by the last of them when
/// parts are merged, so that a batch that was sent twice is there once; ask with `FINAL` before.
public struct ClickHouseSink: Sink {
    private let remote: Remote
    private let database: String
    private let table: String
    private let credentials: [(name: String, value: Secret)]
    private let withBodies: Bool
    private var isTableThere = false

    /// A sink into a table, with names that SQL takes without quotes.
    public init(
        remote: Remote, database: String, table: String, user: String, password: Secret?,
        withBodies: Bool
    ) {
        self.remote = remote
        self.database = database
        self.table = table
        self.withBodies = withBodies
        var credentials = [(name: "X-ClickHouse-User", value: Secret(user))]
        if let password { credentials.append(("X-ClickHouse-Key", password)) }
        self.credentials = credentials
    }

    /// Inserts the records in one statement.
    public mutating func deliver(_ records: [StoredRecord]) -> Delivery {
        if !isTableThere {
            let made = ask(createStatement, body: [], isCompressed: false)
            guard made == .delivered else {
                // An error of this statement is no record's fault.
                if case .refused(let reason) = made { return .later(reason: reason, after: nil) }
                return made
            }
            isTableThere = true
        }
        var text = ""
        for record in records { text += "\(row(record))\n" }
        guard let body = Gzip.compress(Array(text.utf8)) else {
            return .later(reason: "out of memory", after: nil)
        }
        let result = ask(
            "INSERT INTO \(database).\(table) FORMAT JSONEachRow", body: body, isCompressed: true)
        // An operator may have dropped the table.
        if result != .delivered { isTableThere = false }
        return result
    }

    private func ask(_ statement: String, body: [UInt8], isCompressed: Bool) -> Delivery {
        var own = credentials.map { (name: $0.name, value: $0.value.reveal()) }
        if isCompressed { own.append(("Content-Encoding", "gzip")) }
        own.append(("Content-Type", "application/octet-stream"))
        let separator = remote.url.contains("?") ? "&" : "/?"
        let base = remote.url.hasSuffix("/") ? String(remote.url.dropLast()) : remote.url
        let url = "\(base)\(separator)query=\(Self.escape(statement))"
        return remote.send(body, to: url, own, Self.judge)
    }

    private static func judge(_ answer: Post.Answer) -> Delivery {
        if answer.status == 200 { return .delivered }
        // "Code: 27, e.displayText() = …" in old versions, "Code: 27. DB::Exception: …" in new.
        let text = answer.excerpt
        let code = text.firstRange(of: "Code: ").flatMap { range in
            Int(text[range.upperBound...].prefix { $0.isNumber })
        }
        // Those that say that the data cannot be read; all others are about the server or the
        // table, and a record is not to blame.
        let dataCodes: Set<Int> = [6, 25, 26, 27, 32, 33, 38, 41, 69, 72, 131]
        if let code, dataCodes.contains(code) {
            return .refused(reason: "status \(answer.status): \(text)")
        }
        return answer.asLater
    }

    private static func escape(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }

    /// Types that every version since 2018 knows.
    private static let columns: [(name: String, type: String)] = [
        ("id", "String"), ("time", "DateTime"), ("time_us", "Int64"), ("outcome", "String"),
        ("status", "UInt16"), ("method", "String"), ("target", "String"), ("dialect", "String"),
        ("chain", "String"), ("vendor", "String"), ("model", "String"),
        ("answering_model", "String"), ("key", "String"), ("stream", "UInt8"),
        ("attempts", "String"), ("attempt_count", "UInt8"), ("request_us", "Int64"),
        ("head_us", "Nullable(Int64)"), ("content_us", "Nullable(Int64)"),
        ("last_byte_us", "Nullable(Int64)"), ("end_us", "Int64"), ("request_bytes", "Int64"),
        ("response_bytes", "Int64"), ("usage_state", "String"), ("usage", "String"),
        ("input_tokens", "Nullable(Int64)"), ("output_tokens", "Nullable(Int64)"),
        ("cache_read_tokens", "Nullable(Int64)"), ("cache_write_tokens", "Nullable(Int64)"),
        ("cache_write_long_tokens", "Nullable(Int64)"), ("reasoning_tokens", "Nullable(Int64)"),
        ("audio_input_tokens", "Nullable(Int64)"), ("audio_output_tokens", "Nullable(Int64)"),
        ("cost_nanodollars", "Nullable(Int64)"), ("price_version", "String"),
        ("finish_reason", "String"), ("error_kind", "String"), ("error_message", "String"),
        ("dropped_frames", "UInt32"), ("trace", "String"),
        ("request_fields", "String"), ("request_body", "String"),
        ("response_fields", "String"), ("response_body", "String"),
    ]

    private var createStatement: String {
        let columns = Self.columns.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
        return """
            CREATE TABLE IF NOT EXISTS \(database).\(table) (\(columns)) \
            ENGINE = ReplacingMergeTree() PARTITION BY toYYYYMM(time) ORDER BY (time, id)
            """
    }

    private func row(_ stored: StoredRecord) -> JSONValue {
        let record = stored.record
        func number(_ value: Int?) -> JSONValue { value.map { .number("\($0)") } ?? .null }
        let usage = record.usage
        var values: [JSONValue] = [
            .string(stored.id), number(record.acceptedMicroseconds / 1_000_000),
            number(record.acceptedMicroseconds), .string(record.outcome), number(record.status),
            .string(record.method), .string(record.target), .string(record.dialect.rawValue),
            .string(record.chain), .string(record.vendor), .string(record.model),
            .string(record.answeringModel), .string(record.key),
            number(record.isStream ? 1 : 0), .string(AttemptList.text(record.attempts)),
            number(record.attempts.count), number(record.requestMicroseconds),
            number(record.headMicroseconds), number(record.contentMicroseconds),
            number(record.lastByteMicroseconds), number(record.endMicroseconds),
            number(record.requestBytes), number(record.responseBytes),
            .string(record.usageState.rawValue), .string(record.usageText), number(usage.input),
            number(usage.output), number(usage.cacheRead), number(usage.cacheWrite),
            number(usage.cacheWriteLong), number(usage.reasoning), number(usage.audioInput),
            number(usage.audioOutput), number(record.costNanodollars),
            .string(record.priceVersion), .string(record.finishReason),
            .string(record.errorKind), .string(record.errorMessage),
            number(record.droppedFrames), .string(record.trace),
        ]
        if withBodies {
            values += [
                .string(record.requestFields),
                .string(String(decoding: record.requestBody.bytes, as: UTF8.self)),
                .string(record.responseFields),
                .string(String(decoding: record.responseBody.bytes, as: UTF8.self)),
            ]
        }
        return .object(zip(Self.columns, values).map { JSONValue.Member($0.name, $1) })
    }
}
