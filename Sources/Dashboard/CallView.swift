import Gateway
import JSON
import LogStore
import Primitives

/// A call as the page shows it.
enum CallView {
    static func json(_ stored: StoredRecord, showsContent: Bool) -> JSONValue {
        let record = stored.record
        return .members([
            "call": stored.json(showsContent: showsContent), "shows_content": .bool(showsContent),
            "request_fields": showsContent ? .string(record.requestFields) : .null,
            "response_fields": showsContent ? .string(record.responseFields) : .null,
            "request_body": facts(
                record.requestBody, record.requestFields, stored.loss(of: "request_body")),
            "response_body": facts(
                record.responseBody, record.responseFields, stored.loss(of: "response_body")),
        ])
    }

    /// What is kept of a body.
    private static func facts(
        _ body: Record.Body, _ fields: String, _ loss: ContentFault?
    ) -> JSONValue {
        let decoded = DecodedBody(body, fields: fields)
        return .members([
            "bytes": .int(body.totalBytes), "kept": .int(body.bytes.count),
            "coding": .string(decoded?.coding ?? ""),
            "fault": .string(loss?.description ?? decoded?.fault ?? ""),
        ])
    }

    /// A body, its content coding undone unless it is wanted byte for byte.
    static func body(of stored: StoredRecord, isRequest: Bool, isRaw: Bool) -> LocalResponse {
        let record = stored.record
        let body = isRequest ? record.requestBody : record.responseBody
        guard !isRaw else {
            return PageAnswers.content(
                body.bytes, name: "\(stored.id)-\(isRequest ? "request" : "response")")
        }
        let fields = isRequest ? record.requestFields : record.responseFields
        return PageAnswers.content(
            DecodedBody(body, fields: fields)?.bytes ?? body.bytes, name: nil)
    }
}
