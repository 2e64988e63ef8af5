import Primitives

/// An item of a Responses answer, as it stands in events and in the whole answer.
struct ResponsesItem {
    enum Status: String {
        case inProgress = "in_progress"
        case completed
        case incomplete
    }

    let entry: AnswerTranscript.Item
    let id: String
    let source: Form
    let tool: AnsweredTool?

    /// Whether the client knows the call as free text.
    var isCustom: Bool { tool?.isCustom == true }

    /// What begins the names of such items.
    static func prefix(_ item: AnswerItem, isCustom: Bool) -> String {
        switch item.kind {
        case .text, .refusal: "msg_"
        case .reasoning: "rs_"
        case .call: isCustom ? "ctc_" : "fc_"
        }
    }

    /// The free text of a call of a tool that takes one: the one argument, or all of it.
    var input: EscapedText {
        let arguments = EscapedText(inner: entry.arguments[...])
        return RawJSON.object(of: arguments)?["input"]?.text ?? arguments
    }

    /// Writes the item; empty as it begins, or as far as it has come.
    func write(_ status: Status, to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        switch entry.item.kind {
        case .text, .refusal:
            json.member("type", literal: "message")
            json.member("role", literal: "assistant")
            json.member("status", status.rawValue)
            json.key("content")
            json.beginArray()
            if status != .inProgress { writePart(isWhole: true, to: &json) }
            json.endArray()
        case .reasoning: reasoning(status, to: &json)
        case .call(let callID, let name): call(callID, name, status, to: &json)
        }
        json.endObject()
    }

    private func reasoning(_ status: Status, to json: inout JSONWriter) {
        json.member("type", literal: "reasoning")
        json.key("summary")
        json.beginArray()
        let pieces = entry.pieces.filter { !$0.isEmpty }
        if status != .inProgress {
            for piece in pieces { Self.writeSummary(EscapedText(inner: piece[...]), to: &json) }
        }
        json.endArray()
        guard status != .inProgress else { return }
        let sealed = entry.sealed ?? Sealed(form: source, kind: .none, value: .empty)
        json.member("encrypted_content", ReasoningEnvelope.seal(sealed, for: .responses))
    }

    private func call(
        _ callID: String, _ name: String, _ status: Status, to json: inout JSONWriter
    ) {
        let isWhole = status != .inProgress
        if tool?.type == "local_shell" || tool?.type == "shell" {
            // The vendor's own tool, which the client knows in a shape of its own.
            json.member("type", literal: tool?.type == "shell" ? "shell_call" : "local_shell_call")
            json.member("call_id", callID)
            json.member("status", status.rawValue)
            json.key("action")
            return action(to: &json)
        }
        json.member("type", literal: isCustom ? "custom_tool_call" : "function_call")
        json.member("call_id", callID)
        json.member("name", tool?.name ?? name)
        if let group = tool?.namespace { json.member("namespace", group) }
        if isCustom {
            json.member("input", isWhole ? input : .empty)
        } else {
            let arguments = EscapedText(inner: entry.arguments[...])
            json.member("arguments", isWhole ? arguments : .empty)
            json.member("status", status.rawValue)
        }
    }

    private func action(to json: inout JSONWriter) {
        json.beginObject()
        if tool?.type == "local_shell" { json.member("type", literal: "exec") }
        let arguments = RawJSON.object(of: EscapedText(inner: entry.arguments[...]))
        for member in arguments?.members ?? [] {
            json.key(named: member.name)
            json.raw(member.value)
        }
        if tool?.type == "local_shell" {
            json.key("env")
            json.beginObject()
            json.endObject()
        }
        json.endObject()
    }

    /// The one part of a message, empty as it begins.
    func writePart(isWhole: Bool, to json: inout JSONWriter) {
        json.beginObject()
        if case .refusal = entry.item.kind {
            json.member("type", literal: "refusal")
            json.member("refusal", isWhole ? entry.text : .empty)
        } else {
            json.member("type", literal: "output_text")
            json.member("text", isWhole ? entry.text : .empty)
            json.key("annotations")
            json.beginArray()
            if isWhole { for cited in entry.citations { Self.write(cited.citation, to: &json) } }
            json.endArray()
        }
        json.endObject()
    }

    static func writeSummary(_ text: EscapedText, to json: inout JSONWriter) {
        json.beginObject()
        json.member("type", literal: "summary_text")
        json.member("text", text)
        json.endObject()
    }

    static func write(_ citation: Citation, to json: inout JSONWriter) {
        json.beginObject()
        json.member("type", literal: "url_citation")
        citation.writeMembers(citation.range ?? 0..<0, to: &json)
        json.endObject()
    }
}
