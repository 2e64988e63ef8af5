import JSON
import Primitives

extension MessagesRequestWriter {
    mutating func system(_ turns: [Turn]) throws(Refusal) {
        if !isOwn { for turn in turns { conversation.losses.drop(turn.extras) } }
        let parts = turns.flatMap(\.parts)
        if isOwn, parts.contains(where: { !$0.isBareText }) {
            json.key("system")
            json.beginArray()
            for part in parts { try self.part(part) }
            return json.endArray()
        }
        var texts: [EscapedText] = []
        for part in parts {
            guard let text = part.text else {
                conversation.losses.drop(part.path)
                continue
            }
            if !isOwn { conversation.losses.drop(part.extras) }
            if isOwn ? !text.isEmpty : conversation.isSaid(part) { texts.append(text) }
        }
        if !texts.isEmpty { json.member("system", EscapedText.joined(texts)) }
    }

    mutating func messages() throws(Refusal) {
        if !isOwn { conversation.dropBlankTexts() }
        // An empty message is refused, and says nothing.
        let turns = conversation.turns.filter { turn in
            isOwn || turn.role != .user || turn.parts.contains { $0.text?.isEmpty != true }
        }
        if turns.first?.role != .user {
            // The vendor takes no conversation that the user does not begin.
            conversation.losses.invent("messages[0]")
            json.beginObject()
            json.member("role", literal: "user")
            json.member("content", ".")
            json.endObject()
        }
        var index = 0
        while index < turns.count {
            let turn = turns[index]
            if !isOwn { conversation.losses.drop(turn.extras) }
            index += 1
            switch turn.role {
            case .assistant: try assistant(turn, isLast: index == turns.count)
            case .system: try message("system", turn)
            case .user: try message("user", turn)
            case .results:
                var whole = turn
                // Results come first, and the user's next words belong to the same message.
                if index < turns.count, turns[index].role == .user {
                    if !isOwn { conversation.losses.drop(turns[index].extras) }
                    whole.parts += turns[index].parts
                    whole.extras += turns[index].extras
                    index += 1
                }
                try message("user", whole)
            }
        }
    }

    private mutating func message(_ role: StaticString, _ turn: Turn) throws(Refusal) {
        // An empty text is refused; it says nothing.
        let parts = turn.parts.filter { $0.text?.isEmpty != true }
        guard !parts.isEmpty else { return }
        json.beginObject()
        json.member("role", literal: role)
        json.key("content")
        try content(parts)
        extras(turn.extras)
        json.endObject()
    }

    private mutating func assistant(_ turn: Turn, isLast: Bool) throws(Refusal) {
        var parts = turn.parts.filter { $0.text?.isEmpty != true }
        if !isOwn {
            let kept = parts
            parts = kept.filter(\.isReasoning) + kept.filter { !$0.isReasoning && $0.call == nil }
            // What is said after a call ends the round of calls here.
            if let first = kept.firstIndex(where: { $0.call != nil }) {
                for part in kept[first...] where part.text != nil {
                    conversation.losses.change(part.path)
                }
            }
            parts += kept.filter { $0.call != nil }
            for part in kept { declare(part) }
            parts = parts.filter(\.isAnthropics)
        }
        if isLast, let last = parts.last, case .text(let text, let isBare) = last.kind {
            let trimmed = text.trimmedAtEnd
            if trimmed.inner.count < text.inner.count {
                conversation.losses.change(last.path)
                parts[parts.count - 1].kind = .text(trimmed, isBare: isBare)
                if trimmed.isEmpty { parts.removeLast() }
            }
        }
        guard !parts.isEmpty else { return }
        json.beginObject()
        json.member("role", literal: "assistant")
        json.key("content")
        try content(parts)
        extras(turn.extras)
        json.endObject()
    }

    /// Declares what an answer of before cannot keep here.
    private mutating func declare(_ part: Part) {
        if !part.isAnthropics { conversation.losses.drop(part.path) }
        if let call = part.call, call.sealed != nil {
            conversation.losses.drop("\(part.path).thoughtSignature")
        }
    }

    private mutating func content(_ parts: [Part]) throws(Refusal) {
        if parts.count == 1, parts[0].isBareText, let text = parts[0].text {
            if !isOwn { conversation.losses.drop(parts[0].extras) }
            return json.text(text)
        }
        json.beginArray()
        for part in parts { try self.part(part) }
        json.endArray()
    }

    private mutating func part(_ part: Part) throws(Refusal) {
        if isOwn, let raw = part.raw { return json.raw(raw) }
        switch part.kind {
        case .hosted(let raw):
            if isOwn { json.raw(raw) } else { conversation.losses.drop(part.path) }
            return
        case .text(let text, _), .refusal(let text):
            json.beginObject()
            json.member("type", literal: "text")
            json.member("text", text)
        case .media(let media):
            json.beginObject()
            try self.media(media, part.path)
        case .reasoning(let reasoning):
            json.beginObject()
            self.reasoning(reasoning)
        case .call(let call):
            json.beginObject()
            json.member("type", literal: "tool_use")
            json.member("id", names.call(call.id))
            json.member(
                "name", names.tool(ToolName(name: call.name, namespace: call.namespace)))
            json.member("input", try call.argumentsObject())
        case .result(let result):
            json.beginObject()
            try self.result(result)
        }
        if isOwn { extras(part.extras) } else { conversation.losses.drop(part.extras) }
        json.endObject()
    }

    private mutating func reasoning(_ reasoning: Reasoning) {
        let sealed = reasoning.sealed
        if sealed?.kind == .redacted {
            json.member("type", literal: "redacted_thinking")
            return json.member("data", sealed?.value ?? .empty)
        }
        json.member("type", literal: "thinking")
        // The very text that was signed, where the envelope has it.
        json.member("thinking", sealed?.text ?? EscapedText.joined(reasoning.visible))
        json.member("signature", sealed?.value ?? .empty)
    }

    private mutating func result(_ result: CallResult) throws(Refusal) {
        json.member("type", literal: "tool_result")
        json.member("tool_use_id", names.call(result.id))
        let parts = result.parts.filter { $0.text?.isEmpty != true }
        if !parts.isEmpty {
            json.key("content")
            try content(parts)
        }
        if result.failed?.value == true { json.member("is_error", true) }
    }

    private mutating func media(_ media: Media, _ path: String) throws(Refusal) {
        switch media.kind {
        case .image: json.member("type", literal: "image")
        case .document: json.member("type", literal: "document")
        case .audio, .video:
            throw Refusal(path, "the target takes no sound and no film")
        }
        if let detail = media.detail, detail.plain != "auto" {
            conversation.losses.drop(media.detailPath)
        }
        json.key("source")
        json.beginObject()
        switch media.source {
        case .inline(let type, let data):
            if let text = media.text {
                json.member("type", literal: "text")
                json.member("media_type", literal: "text/plain")
                json.member("data", text)
            } else {
                guard isOwn || media.isTypeOfAnthropics else {
                    throw Refusal(path, "the target takes no \(media.kind) of this type")
                }
                json.member("type", literal: "base64")
                json.member("media_type", type)
                json.member("data", data)
            }
        case .url(let address):
            json.member("type", literal: "url")
            json.member("url", address)
        case .text(let text):
            json.member("type", literal: "text")
            json.member("media_type", literal: "text/plain")
            json.member("data", text)
        case .file(let id):
            guard isOwn else {
                throw Refusal(path, "the file is kept by a vendor of another dialect")
            }
            json.member("type", literal: "file")
            json.member("file_id", id)
        }
        json.endObject()
        if media.kind == .document, let title = media.title { json.member("title", title) }
    }

    private mutating func extras(_ extras: [Extra]) {
        if isOwn { json.members(extras, &conversation.losses) }
    }

    // MARK: Tools

    mutating func tools() throws(Refusal) {
        var tools = try conversation.clientTools(of: .messages)
        if case .subset(_, let allowed) = conversation.choice?.kind {
            // The dialect has no choice of some: the others are left out.
            let path = conversation.choice?.path ?? ""
            conversation.losses.change(path)
            tools = tools.filter { $0.isBuiltin || allowed.contains($0.fullName) }
        }
        if tools.isEmpty, !isOwn { return pastTools() }
        if !tools.isEmpty {
            json.key("tools")
            json.beginArray()
            for tool in tools { try self.tool(tool) }
            json.endArray()
        }
        try choice(hasTools: !tools.isEmpty)
    }

    /// The tools of the calls of before, where the client sends none any more: the vendor takes
    /// no calls without, and must make no new ones.
    private mutating func pastTools() {
        var known: Set<String> = []
        for turn in conversation.turns {
            for call in turn.parts.compactMap(\.call) {
                known.insert(
                    names.tool(ToolName(name: call.name, namespace: call.namespace)))
            }
        }
        guard !known.isEmpty else { return }
        conversation.losses.invent("tools")
        json.key("tools")
        json.beginArray()
        for name in known.sorted() {
            json.beginObject()
            json.member("name", name)
            json.member("input_schema", RawJSON(literal: "{\"type\":\"object\"}"))
            json.endObject()
        }
        json.endArray()
        json.key("tool_choice")
        json.beginObject()
        json.member("type", literal: "none")
        json.endObject()
    }

    private mutating func tool(_ tool: Tool) throws(Refusal) {
        if isOwn || tool.isBuiltin, let raw = tool.raw { return json.raw(raw) }
        var tool = tool
        if !isOwn { tool.fitSchemaToAnthropic(&conversation.losses) }
        // A strict tool says that it has no other members, also where it has none.
        let missing = RawJSON(
            literal: tool.strict == true
                ? "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}"
                : "{\"type\":\"object\",\"properties\":{}}")
        json.beginObject()
        json.member("name", names.tool(tool.fullName))
        tool.writeFunction(
            schema: "input_schema", to: &json, &conversation.losses, isOwn: isOwn,
            default: missing)
        if tool.strict == true { json.member("strict", true) }
        json.endObject()
    }

    private mutating func choice(hasTools: Bool) throws(Refusal) {
        let choice = conversation.choice
        if case .builtin = choice?.kind {
            throw Refusal(choice?.path ?? "", "the target has no tool of this kind")
        }
        let isSerial = conversation.parallel?.value == false
        guard hasTools, choice != nil || isSerial else { return }
        json.key("tool_choice")
        json.beginObject()
        switch choice?.kind {
        case .required, .subset(true, _): json.member("type", literal: "any")
        case .one(let name):
            json.member("type", literal: "tool")
            json.member("name", names.tool(name))
        case .some(.none): json.member("type", literal: "none")
        default: json.member("type", literal: "auto")
        }
        var takesSerial = true
        if case .some(.none) = choice?.kind { takesSerial = false }
        if takesSerial {
            if isSerial { json.member("disable_parallel_tool_use", true) }
            if isOwn, !isSerial, conversation.parallel != nil {
                json.member("disable_parallel_tool_use", false)
            }
        }
        json.endObject()
    }
}
