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
    static func prefix(_ item: AnswerItem, _ tool: AnsweredTool?) -> String {
        switch item.kind {
        case .text, .refusal: "msg_"
        case .reasoning: "rs_"
        case .call: tool?.ownItem?.prefix ?? (tool?.isCustom == true ? "ctc_" : "fc_")
        }
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
        if let own = tool?.ownItem { return ownCall(callID, own.type, status, to: &json) }
        json.member("type", literal: isCustom ? "custom_tool_call" : "function_call")
        json.member("call_id", callID)
        json.member("name", tool?.name ?? name)
        if let group = tool?.namespace { json.member("namespace", group) }
        if isCustom {
            json.member("input", isWhole ? entry.freeText : .empty)
        } else {
            let arguments = EscapedText(inner: entry.arguments[...])
            json.member("arguments", isWhole ? arguments : .empty)
            json.member("status", status.rawValue)
        }
    }

    /// A call of a tool of the dialect's own that the client runs, whose arguments are whole.
    private func ownCall(
        _ callID: String, _ type: StaticString, _ status: Status, to json: inout JSONWriter
    ) {
        let arguments =
            RawJSON.object(of: EscapedText(inner: entry.arguments[...]))
            ?? RawJSON(literal: "{}")
        json.member("type", literal: type)
        json.member("call_id", callID)
        json.member("status", status.rawValue)
        switch tool?.type {
        case "apply_patch": json.member("operation", arguments)
        case "tool_search":
            json.member("execution", literal: "client")
            json.member("arguments", arguments)
        default:
            json.key("action")
            action(arguments, to: &json)
        }
    }

    private func action(_ arguments: RawJSON, to json: inout JSONWriter) {
        let isLocal = tool?.type == "local_shell"
        let required = isLocal ? "command" : "commands"
        json.beginObject()
        if isLocal { json.member("type", literal: "exec") }
        for member in arguments.members where !member.value.isNull {
            json.key(named: member.name)
            // A model may say one command as a text.
            let isLoneText = member.name == required && member.value.text != nil
            if isLoneText { json.beginArray() }
            json.raw(member.value)
            if isLoneText { json.endArray() }
        }
        if arguments[required] == nil {
            json.key(named: required)
            json.beginArray()
            json.endArray()
        }
        if isLocal, arguments["env"] == nil {
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
            if isWhole, !entry.odds.isEmpty {
                json.key("logprobs")
                TokenOdds.write(entry.odds, to: &json)
            }
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
