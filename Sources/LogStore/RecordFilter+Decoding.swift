import GRDB

extension RecordFilter {
    /// `weir_body_holds(fields, body, text)`: whether a text stands in an encoded body.
    ///
    /// SQLite can look into bodies only as they were sent.
    static let bodyHolds = DatabaseFunction("weir_body_holds", argumentCount: 3, pure: true) {
        values in
        guard let fields = String.fromDatabaseValue(values[0]),
            let bytes = Bytes.fromDatabaseValue(values[1]),
            let text = String.fromDatabaseValue(values[2])
        else { return false }
        var body = Record.Body()
        body.bytes = bytes.bytes
        return DecodedBody(body, fields: fields)?.holds(text) ?? false
    }

    /// The condition that a text is in what an exchange keeps in a segment.
    static let contentsHold = (sql: ContentSearch.exchangeCall, parameterCount: 1)

    /// The condition that a text is in a body of a record of an earlier version, and how many
    /// question marks it has, each of which that text stands for.
    static let bodiesHold: (sql: String, parameterCount: Int) = (
        """
        EXISTS (
            SELECT 1 FROM bodies WHERE bodies.number = records.number
            AND (instr(request_body, CAST(? AS BLOB)) > 0
                OR instr(response_body, CAST(? AS BLOB)) > 0
                OR request_fields LIKE '%content-encoding%'
                    AND weir_body_holds(request_fields, request_body, ?)
                OR response_fields LIKE '%content-encoding%'
                    AND weir_body_holds(response_fields, response_body, ?)))
        OR EXISTS (
            SELECT 1 FROM contents WHERE contents.number = records.number
            AND \(ContentSearch.call("records.id")))
        """, 5
    )
}
