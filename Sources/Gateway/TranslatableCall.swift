import Dialects
import HTTP
import Primitives
import Routing
import Translation

/// A request that other dialects have a form for, as far as its head says so.
struct TranslatableCall {
    /// The form of its body.
    let form: Form
    /// What Gemini's path says and the others' bodies do.
    private(set) var path: (model: String, isStreamed: Bool)?

    /// The call of a request, whose chain takes a prefix of its path; nil where it asks for
    /// something that one dialect has alone.
    init?(_ head: borrowing RequestHead, prefixLength: Int) {
        guard head.method == .post else { return nil }
        let whole = head.path
        let path = whole.extracting(prefixLength..<whole.count)
        if path.matches("/v1/chat/completions") || path.matches("/v1beta/openai/chat/completions") {
            form = .chat
        } else if path.matches("/v1/responses") {
            form = .responses
        } else if path.matches("/v1/messages") {
            form = .messages
        } else if let call = Self.geminiCall(path, head.query) {
            form = .gemini
            self.path = call
        } else {
            return nil
        }
    }

    private static func geminiCall(
        _ path: Span<UInt8>, _ query: Span<UInt8>
    ) -> (model: String, isStreamed: Bool)? {
        guard path.hasPrefix("/v1") || path.hasPrefix("/v1beta"), let range = path.modelRange
        else { return nil }
        let escaped = path.extracting(range.upperBound..<path.count).percentDecoded()
        let model = path.extracting(range).percentDecoded()
        let name = String(decoding: model, as: UTF8.self)
        if escaped.span.matches(":generateContent") { return (name, false) }
        // Without it the stream is one JSON array, which no other dialect has.
        guard escaped.span.matches(":streamGenerateContent"),
            query.firstRange(of: "alt=sse") != nil
        else { return nil }
        return (name, true)
    }
}

extension Form {
    /// The dialect that it is of.
    var dialect: Dialect {
        switch self {
        case .chat, .responses: .openai
        case .messages: .anthropic
        case .gemini: .gemini
        }
    }

    /// The path of a vendor's API that takes it.
    var path: String { OutboundForm(self, model: "-", isStreamed: true).path }
}
