import LogStore
import Primitives

/// A body for `show --raw`: the bytes that were kept, and why they are not those of the wire.
struct RawBody {
    let bytes: [UInt8]
    /// What is wrong with them; nil where nothing is known to be.
    let fault: String?

    /// `loss`: why what was kept of it cannot be read any more.
    init(_ body: Record.Body, loss: ContentFault? = nil) {
        bytes = body.bytes
        fault = loss.map { "cannot be read: \($0)" } ?? Self.fault(of: body)
    }

    /// The request's body of a record, or the response's.
    init(_ part: LogsShowCommand.Part, of record: Record, loss: ContentFault? = nil) {
        let isRequest = part == .request
        let body = RawBody(isRequest ? record.requestBody : record.responseBody, loss: loss)
        bytes = body.bytes
        fault = body.fault ?? (isRequest ? Self.cut(of: record) : Self.ownAnswer(of: record))
    }

    /// Why a request's body is not as long as its head says.
    private static func cut(of record: Record) -> String? {
        let kept = record.requestBody.bytes.count
        if let length = value(of: "content-length", in: record.requestFields).flatMap({ Int($0) }) {
            guard kept < length else { return nil }
            return "is cut: \(kept) of the \(length) bytes that its head says had come"
        }
        // How long one in chunks was to be is not known.
        guard value(of: "transfer-encoding", in: record.requestFields) != nil,
            record.attempts.isEmpty, record.answered == 0, !record.errorKind.isEmpty
        else { return nil }
        return "may be cut: the exchange ended before it was routed"
    }

    /// Why nothing is kept of an answer of the gateway's own.
    private static func ownAnswer(of record: Record) -> String? {
        guard record.answered == 0, record.status >= 200, record.status != 204,
            record.status != 304, record.method != "HEAD"
        else { return nil }
        let reason = [record.errorKind, record.errorMessage].filter { !$0.isEmpty }
            .joined(separator: ": ")
        return "is missing: the answer was the gateway's own"
            + (reason.isEmpty ? "" : ", \(Printable.text(reason))")
    }

    private static func value(of name: String, in fields: String) -> String? {
        for line in fields.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == name else { continue }
            return String(parts[1].drop { $0 == " " })
        }
        return nil
    }

    private static func fault(of body: Record.Body) -> String? {
        let (kept, total) = (body.bytes.count, body.totalBytes)
        guard kept > 0 || total == 0 else {
            return "is missing: none of its \(total) bytes is kept"
        }
        // A redaction changes the length, so it comes first: the count of a cut would be wrong.
        guard body.bytes.span.firstRange(of: "<redacted>") == nil else {
            return "is redacted: \(kept) bytes are kept of \(total)"
        }
        guard kept == total else { return "is cut: \(kept) of \(total) bytes are kept" }
        return nil
    }
}
