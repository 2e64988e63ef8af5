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
        let columns = Self.columns(withBodies: withBodies)
        for record in records { text += "\(row(record, columns))\n" }
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

    private static func columns(withBodies: Bool) -> [RecordColumn] {
        RecordColumn.list(withBodies: withBodies).filter { $0.exports.contains(.clickHouse) }
    }

    private var createStatement: String {
        let columns = Self.columns(withBodies: true).map { "\($0.name) \($0.clickHouseType)" }
        return """
            CREATE TABLE IF NOT EXISTS \(database).\(table) (\(columns.joined(separator: ", "))) \
            ENGINE = ReplacingMergeTree() PARTITION BY toYYYYMM(time) ORDER BY (time, id)
            """
    }

    private func row(_ stored: StoredRecord, _ columns: [RecordColumn]) -> JSONValue {
        .object(columns.map { JSONValue.Member($0.name, $0.clickHouseValue(stored)) })
    }
}
