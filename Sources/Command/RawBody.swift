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
