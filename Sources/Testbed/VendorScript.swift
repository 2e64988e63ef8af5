import HTTP
import JSON
import Primitives

/// How the scripted vendor is to behave for one request.
///
/// A request says so in the text of its last user message, `[[mock chunks=64 delay=20]]`, or
/// through fields such as `X-Mock-Chunks: 64`; fields win.
struct VendorScript: Equatable {
    /// What the vendor does wrong.
    enum Fault: String, CaseIterable {
        /// The connection is closed without a byte.
        case noHead = "no_head"
        /// The connection is closed inside the head.
        case halfHead = "half_head"
        /// A chunk's size is no number.
        case badChunk = "bad_chunk"
        /// The connection is reset after half of the body.
        case reset
        /// The connection is closed in order after half of the body.
        case earlyClose = "early_close"
        /// A head of 100 MB.
        case hugeHead = "huge_head"
        /// Bytes that are no HTTP.
        case garbage
        /// A length that the body does not reach.
        case shortLength = "short_length"
        /// Informational heads before the answer, and trailers after it.
        case informational
        /// The connection is closed after a whole answer that did not say so.
        case closeAfter = "close_after"
        /// Surplus bytes after a whole answer.
        case junkAfter = "junk_after"
        /// Fields that differ in their lengths.
        case doubleLength = "double_length"
    }

    /// Content events of a stream, or words of an answer.
    var chunks = 8
    /// Milliseconds between content events.
    var delay = 0
    /// Milliseconds before the first content.
    var ttft = 0
    /// The status; anything but 200 makes the answer an error.
    var status = 200
    /// Content events after which the connection is reset; nil never.
    var abortAfter: Int?
    /// Whether nothing is ever answered.
    var hangs = false
    /// Bytes of content in each event, or of a binary body.
    var size: Int?
    /// Bytes per write, each in a turn of its own; nil writes events whole.
    var cut: Int?
    /// Where the body is cut in two writes; nil nowhere.
    var cutAt: Int?
    /// The `retry-after` field.
    var retryAfter: String?
    var fault: Fault?

    /// What a request asks for.
    init(head: borrowing RequestHead, body: JSONValue?) {
        if let text = body.flatMap(Self.lastUserText) { read(text) }
        for field in head.fields {
            let name = head.name(of: field).text.lowercased()
            guard name.hasPrefix("x-mock-") else { continue }
            set(
                String(name.dropFirst(7)).replacingScalars("-", with: "_"),
                head.value(of: field).text)
        }
    }

    init(_ text: String) {
        read(text)
    }

    private mutating func read(_ text: String) {
        guard let start = text.firstRange(of: "[[mock"),
            let end = text[start.upperBound...].firstRange(of: "]]")
        else { return }
        for word in text[start.upperBound..<end.lowerBound].split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            set(String(parts[0]), parts.count > 1 ? String(parts[1]) : "1")
        }
    }

    private mutating func set(_ key: String, _ value: String) {
        switch key {
        case "chunks": chunks = Int(value) ?? chunks
        case "delay": delay = Int(value) ?? delay
        case "ttft": ttft = Int(value) ?? ttft
        case "status": status = Int(value) ?? status
        case "abort_after": abortAfter = Int(value)
        case "hang": hangs = value != "0"
        case "size": size = Int(value)
        case "cut": cut = Int(value)
        case "cut_at": cutAt = Int(value)
        case "retry_after": retryAfter = value
        case "fault": fault = Fault(rawValue: value)
        default: break
        }
    }

    /// The text of the last message that the user wrote, in any of the three dialects.
    private static func lastUserText(_ body: JSONValue) -> String? {
        if let text = body["input"]?.text { return text }
        let messages =
            body["messages"]?.elements ?? body["contents"]?.elements ?? body["input"]?.elements
            ?? []
        let last = messages.last { $0["role"]?.text == nil || $0["role"]?.text == "user" }
        guard let last else { return nil }
        let content = last["content"] ?? last["parts"]
        if let text = content?.text ?? last.text { return text }
        return content?.elements?.compactMap { $0["text"]?.text }.joined(separator: " ")
    }
}
