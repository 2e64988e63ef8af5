import JSON
import Primitives

/// A request of a vendor's own dialect without what other vendors' answers left in it.
///
/// The client of a chain over several dialects sends back envelopes of reasoning, and a vendor
/// refuses a request with one. Nothing else of the body is changed.
public struct EnvelopeRemoval: Sendable {
    /// The body for the vendor.
    public private(set) var body: [UInt8] = []
    /// What the body does not say any more: harmless, because the vendor could not read it.
    public var losses: [Loss] { lost.entries }

    private var lost = LossList()
    private var isChanged = false
    private let signsCalls: Bool

    /// Whether a body may hold something of the kind: cheap, and seldom wrong.
    public static func mayBeNeeded(_ body: Span<UInt8>, _ form: Form) -> Bool {
        switch form {
        // The first letter of the member's name is too common for a fast search.
        case .chat: body.firstRange(of: "xtra_content") != nil
        case .responses, .messages: body.firstRange(of: ReasoningEnvelope.mark) != nil
        case .gemini: body.firstRange(of: ReasoningEnvelope.encodedMark) != nil
        }
    }

    /// Takes envelopes out of a body; nil where it has none.
    ///
    /// The model is the target's; nil keeps the client's. A vendor that `signsCalls` takes no call
    /// without a signature.
    public init?(_ whole: RawJSON, _ form: Form, model: String?, signsCalls: Bool) {
        self.signsCalls = signsCalls
        let name: String
        let cleaned: RawJSON?
        switch form {
        case .chat:
            name = "messages"
            cleaned = whole[name].map { list($0, name) { $0.chat($1, $2) } }
        case .responses:
            name = "input"
            cleaned = whole[name].map { list($0, name) { $0.responses($1, $2) } }
        case .messages:
            name = "messages"
            cleaned = whole[name].map { list($0, name) { $0.messages($1, $2) } }
        case .gemini:
            name = "contents"
            cleaned = whole[name].map { list($0, name) { $0.gemini($1, $2) } }
        }
        guard isChanged, let cleaned else { return nil }
        var written = Self.copy(whole, name, cleaned)
        if let model, written["model"] != nil {
            var value = JSONWriter()
            value.text(model)
            written = Self.copy(written, "model", value.value)
        }
        body = Array(written.bytes)
    }

    // MARK: Forms

    private mutating func chat(_ message: RawJSON, _ path: String) -> RawJSON? {
        guard let calls = message["tool_calls"] else { return message }
        let cleaned = list(calls, "\(path).tool_calls") { removal, call, path in
            guard call["extra_content"]?["google"] != nil else { return call }
            removal.lose("\(path).extra_content")
            return Self.copy(call, "extra_content", nil)
        }
        return Self.copy(message, "tool_calls", cleaned)
    }

    private mutating func responses(_ item: RawJSON, _ path: String) -> RawJSON? {
        guard item["type"]?.plain == "reasoning", Self.isEnvelope(item["encrypted_content"])
        else { return item }
        lose(path)
        return nil
    }

    private mutating func messages(_ message: RawJSON, _ path: String) -> RawJSON? {
        guard let content = message["content"], content.kind == .array else { return message }
        let cleaned = list(content, "\(path).content") { removal, block, path in
            guard Self.isEnvelope(block["signature"]) else { return block }
            removal.lose(path)
            return nil
        }
        // A message of nothing is refused.
        guard !cleaned.isEmptyValue || content.isEmptyValue else { return nil }
        return Self.copy(message, "content", cleaned)
    }

    private mutating func gemini(_ content: RawJSON, _ path: String) -> RawJSON? {
        guard let parts = content["parts"], parts.kind == .array else { return content }
        let cleaned = list(parts, "\(path).parts") { removal, part, path in
            let names = ["thoughtSignature", "thought_signature"]
            guard let name = names.first(where: { Self.isEnvelope(part[$0]) }) else { return part }
            removal.lose("\(path).\(name)")
            if part.camel("functionCall") != nil {
                let dummy = removal.signsCalls ? GeminiRequestWriter.dummySignature : nil
                return Self.copy(part, name, dummy.map { RawJSON(literal: "\"\($0.plain)\"") })
            }
            // The part was made for the envelope.
            guard part["text"]?.text?.isEmpty == false else { return nil }
            return Self.copy(part, name, nil)
        }
        guard !cleaned.isEmptyValue || parts.isEmptyValue else { return nil }
        return Self.copy(content, "parts", cleaned)
    }

    // MARK: Copies

    private static func isEnvelope(_ value: RawJSON?) -> Bool {
        value?.text.map { ReasoningEnvelope.open($0) != nil } ?? false
    }

    private mutating func lose(_ path: String) {
        isChanged = true
        lost.drop(path, isHarmless: true)
    }

    /// A list with each element as `change` gives it; nil takes it out.
    private mutating func list(
        _ value: RawJSON, _ path: String,
        _ change: (inout EnvelopeRemoval, RawJSON, String) -> RawJSON?
    ) -> RawJSON {
        guard value.kind == .array else { return value }
        var writer = JSONWriter()
        writer.beginArray()
        for (index, element) in value.elements.enumerated() {
            if let kept = change(&self, element, "\(path)[\(index)]") { writer.raw(kept) }
        }
        writer.endArray()
        return writer.value
    }

    /// An object with another value for a member; nil takes it out.
    private static func copy(_ value: RawJSON, _ name: String, _ other: RawJSON?) -> RawJSON {
        var writer = JSONWriter()
        writer.beginObject()
        for member in value.members {
            if member.name == name, other == nil { continue }
            writer.key(named: member.name)
            writer.raw(member.name == name ? other ?? member.value : member.value)
        }
        writer.endObject()
        return writer.value
    }
}
