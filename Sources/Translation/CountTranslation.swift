public import JSON
import Primitives

/// The question how many tokens a request has, in another dialect.
///
/// Each vendor counts by its own tokens, and its answer is what the target would charge. Chat
/// completions have no such question.
public enum CountTranslation {
    /// Whether a form has the question.
    public static func exists(in form: Form) -> Bool { form != .chat }

    /// The path of the question behind a vendor's base.
    public static func path(in form: Form, model: String) -> String {
        switch form {
        case .chat, .responses: "/v1/responses/input_tokens"
        case .messages: "/v1/messages/count_tokens"
        case .gemini:
            OutboundForm(.gemini, model: model, isStreamed: false).path
                .replacingScalars(":generateContent", with: ":countTokens")
        }
    }

    /// The request that a client's question is about: Gemini's may stand in a member.
    public static func request(_ body: RawJSON) -> RawJSON {
        body["generateContentRequest"] ?? body
    }

    /// The question about a request of a form, as its vendor takes it.
    public static func body(_ request: [UInt8], in form: Form, model: String) throws(JSONScanner
        .Malformed) -> [UInt8]
    {
        let value = try RawJSON(parsing: request)
        var json = JSONWriter()
        json.beginObject()
        if form == .gemini {
            json.key("generateContentRequest")
            json.beginObject()
            json.key("model")
            json.text("models/\(model)")
        }
        let kept = kept(in: form)
        for member in value.members where kept?.contains(member.name) ?? true {
            json.key(named: member.name)
            json.raw(member.value)
        }
        if form == .gemini { json.endObject() }
        json.endObject()
        return json.bytes
    }

    /// The losses of the request that are ones of the question.
    public static func losses(_ losses: [Loss], in form: Form) -> [Loss] {
        guard let kept = kept(in: form) else { return losses }
        return losses.filter { $0.kind != .invented || kept.contains($0.path) }
    }

    /// The members that count; nil for all.
    private static func kept(in form: Form) -> Set<String>? {
        switch form {
        case .gemini: nil
        case .messages:
            [
                "model", "messages", "system", "tools", "tool_choice", "thinking",
                "output_config",
            ]
        case .chat, .responses:
            [
                "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls",
                "reasoning", "text", "truncation",
            ]
        }
    }

    /// The answer in the client's form; nil where the vendor's holds no number.
    public static func answer(_ body: RawJSON, from source: Form, to target: Form) -> [UInt8]? {
        guard let count = body[source == .gemini ? "totalTokens" : "input_tokens"]?.integer else {
            return nil
        }
        var json = JSONWriter()
        json.beginObject()
        switch target {
        case .messages: json.member("input_tokens", count)
        case .gemini: json.member("totalTokens", count)
        case .chat, .responses:
            json.member("object", literal: "response.input_tokens")
            json.member("input_tokens", count)
        }
        json.endObject()
        return json.bytes
    }
}
