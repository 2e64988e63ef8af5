import JSON
import Primitives

extension ResponsesRequestWriter {
    mutating func instructions() {
        guard conversation.turns.first?.role == .system,
            !isOwn || conversation.turns.first?.path == "instructions"
        else { return }
        let leading: [Turn]
        if isOwn {
            leading = [conversation.turns.removeFirst()]
        } else {
            leading = conversation.takeLeadingSystem()
        }
        var texts: [EscapedText] = []
        for turn in leading {
            conversation.losses.drop(turn.extras)
            texts += self.texts(of: turn.parts)
        }
        // None is what an empty one says.
        if !isOwn { texts.removeAll(where: \.isEmpty) }
        if !texts.isEmpty { json.member("instructions", EscapedText.joined(texts)) }
    }

    /// The texts of parts, with all else declared.
    private mutating func texts(of parts: [Part]) -> [EscapedText] {
        var texts: [EscapedText] = []
        for part in parts {
            guard let text = part.text else {
                conversation.losses.drop(part.path)
                continue
            }
            conversation.losses.drop(part.extras)
            texts.append(text)
        }
        return texts
    }

    mutating func input() throws(Refusal) {
        for turn in conversation.turns {
            if !isOwn { conversation.losses.drop(turn.extras) }
            switch turn.role {
            case .system: try message(turn.spelling ?? quirks.systemRole, turn, turn.parts)
            case .user: try message("user", turn, turn.parts)
            case .assistant: try assistant(turn)
            case .results: for part in turn.parts { try result(part) }
            }
        }
    }

    private mutating func message(
        _ role: String, _ turn: Turn, _ parts: [Part]
    ) throws(Refusal) {
        json.beginObject()
        if isOwn { json.member("type", literal: "message") }
        json.member("role", role)
        json.key("content")
        try content(parts, isAnswer: role == "assistant")
        extras(turn.extras)
        json.endObject()
    }

    private mutating func content(_ parts: [Part], isAnswer: Bool) throws(Refusal) {
        let isBare =
            parts.count == 1 && (!isOwn || parts[0].isBareText)
            && (isOwn || isAnswer || kept(parts[0].extras).isEmpty)
        if isBare, let text = parts[0].text {
            if !isOwn { conversation.losses.drop(parts[0].extras) }
            return json.text(text)
        }
        guard isOwn || !parts.isEmpty else { return json.text("") }
        json.beginArray()
        for part in parts { try self.part(part, isAnswer: isAnswer) }
        json.endArray()
    }

    private mutating func part(_ part: Part, isAnswer: Bool) throws(Refusal) {
        if case .hosted = part.kind { return conversation.losses.drop(part.path) }
        json.beginObject()
        switch part.kind {
        case .text(let text, _):
            json.member("type", isAnswer ? "output_text" : "input_text")
            json.member("text", text)
            if isAnswer, part.extras.first(where: { $0.name == "annotations" }) == nil {
                json.key("annotations")
                json.beginArray()
                json.endArray()
            }
        case .refusal(let text):
            json.member("type", literal: "refusal")
            json.member("refusal", text)
        case .media(let media): try self.media(media, part.path)
        case .reasoning, .call, .result, .hosted: break
        }
        if isOwn {
            extras(part.extras)
        } else if isAnswer {
            conversation.losses.drop(part.extras)
        } else {
            let form = conversation.form
            json.members(kept(part.extras), &conversation.losses)
            conversation.losses.drop(
                part.extras.filter { !$0.isKept(from: form, to: .responses) })
        }
        json.endObject()
    }

    private func kept(_ extras: [Extra]) -> [Extra] {
        let form = conversation.form
        return extras.filter { $0.isKept(from: form, to: .responses) }
    }

    private mutating func media(_ media: Media, _ path: String) throws(Refusal) {
        switch media.kind {
        case .image:
            json.member("type", literal: "input_image")
            if case .file(let id) = media.source {
                guard isOwn else { throw foreignFile(path) }
                json.member("file_id", id)
            } else {
                json.key("image_url")
                try address(media.source, path)
            }
            json.member("detail", media.detail ?? EscapedText("auto"))
        case .document:
            json.member("type", literal: "input_file")
            switch media.source {
            case .file(let id):
                guard isOwn || conversation.form == .chat else { throw foreignFile(path) }
                json.member("file_id", id)
            case .url(let address): json.member("file_url", address)
            case .inline, .text:
                json.key("file_data")
                try address(media.source, path)
            }
            if let title = media.title { json.member("filename", title) }
        case .audio, .video: throw Refusal(path, "the target takes no sound and no film")
        }
    }

    private func foreignFile(_ path: String) -> Refusal {
        Refusal(path, "the file is kept by a vendor of another dialect")
    }

    private mutating func address(_ source: Media.Source, _ path: String) throws(Refusal) {
        switch source {
        case .inline(let type, let data):
            json.text(EscapedText("data:"), type, EscapedText(";base64,"), data)
        case .url(let address): json.text(address)
        case .text(let text):
            let data = Base64.encode(Array(text.unescaped))
            json.text(EscapedText("data:text/plain;base64,"), EscapedText(inner: data[...]))
        case .file: throw foreignFile(path)
        }
    }

    // MARK: Answers and results of before

    /// An item for each of the reasoning, the calls, and the texts between them.
    private mutating func assistant(_ turn: Turn) throws(Refusal) {
        var texts: [Part] = []
        for (index, part) in turn.parts.enumerated() {
            switch part.kind {
            case .text, .refusal:
                // An answer of calls alone has an empty text in some clients' histories.
                if part.text?.isEmpty != true || isOwn { texts.append(part) }
                continue
            case .media, .result:
                conversation.losses.drop(part.path)
                continue
            default: break
            }
            if !texts.isEmpty { try message("assistant", turn, texts) }
            texts = []
            switch part.kind {
            case .reasoning(let reasoning):
                // Reasoning without the item that it led to is refused.
                let isFollowed = turn.parts.count > index + 1
                self.reasoning(reasoning, part.path, isFollowed: isFollowed)
            case .call(let call): self.call(call, part)
            case .hosted(let raw):
                if isOwn { json.raw(raw) } else { conversation.losses.drop(part.path) }
            default: break
            }
        }
        if !texts.isEmpty { try message("assistant", turn, texts) }
    }

    private mutating func reasoning(
        _ reasoning: Reasoning, _ path: String, isFollowed: Bool
    ) {
        guard let sealed = reasoning.sealed, sealed.isFor(.responses), isFollowed || isOwn else {
            return conversation.losses.drop(path)
        }
        json.beginObject()
        json.member("type", literal: "reasoning")
        if let item = sealed.item { json.member("id", item) }
        json.key("summary")
        json.beginArray()
        for text in reasoning.visible {
            json.beginObject()
            json.member("type", literal: "summary_text")
            json.member("text", text)
            json.endObject()
        }
        json.endArray()
        json.member("encrypted_content", sealed.value)
        json.endObject()
    }

    private mutating func call(_ call: Call, _ part: Part) {
        if isOwn, let raw = call.raw { return json.raw(raw) }
        if call.sealed != nil { conversation.losses.drop("\(part.path).thoughtSignature") }
        json.beginObject()
        let isCustom = call.kind == .custom
        json.member("type", isCustom ? "custom_tool_call" : "function_call")
        json.member("call_id", names.call(call.id))
        if isOwn, let group = call.namespace {
            json.member("namespace", group)
            json.member("name", call.name)
        } else {
            json.member("name", names.tool(ToolName(name: call.name, namespace: call.namespace)))
        }
        if isCustom, case .text(let text) = call.arguments {
            json.member("input", text)
        } else {
            json.member("arguments", call.argumentsText)
        }
        if isOwn { extras(part.extras) } else { conversation.losses.drop(part.extras) }
        json.endObject()
    }

    private mutating func result(_ part: Part) throws(Refusal) {
        guard let result = part.result else { return }
        if isOwn, let raw = result.raw { return json.raw(raw) }
        if let failed = result.failed { conversation.losses.drop(failed.path) }
        json.beginObject()
        let isCustom = result.isCustom || customCalls.contains(result.id)
        json.member("type", isCustom ? "custom_tool_call_output" : "function_call_output")
        json.member("call_id", names.call(result.id))
        json.key("output")
        if result.parts.isEmpty {
            json.text("")
        } else {
            try content(result.parts, isAnswer: false)
        }
        if isOwn { extras(part.extras) } else { conversation.losses.drop(part.extras) }
        json.endObject()
    }

    private mutating func extras(_ extras: [Extra]) {
        if isOwn { json.members(extras, &conversation.losses) }
    }
}
