import JSON
import Primitives

extension ChatRequestWriter {
    mutating func messages() throws(Refusal) {
        var media: [Part] = []
        let turns = conversation.turns
        for (index, turn) in turns.enumerated() {
            if !isOwn { conversation.losses.drop(turn.extras) }
            switch turn.role {
            case .system: try system(turn)
            case .user:
                try user(turn, after: media)
                media = []
            case .assistant: try assistant(turn)
            case .results:
                media += try results(turn)
                // Nothing may stand between the results of one turn.
                let next = turns.indices.contains(index + 1) ? turns[index + 1].role : nil
                if !media.isEmpty, next != .user {
                    try user(Turn(role: .user, parts: [], path: turn.path), after: media)
                    media = []
                }
            }
        }
    }

    private mutating func system(_ turn: Turn) throws(Refusal) {
        var texts: [EscapedText] = []
        for part in turn.parts {
            if let text = part.text {
                texts.append(text)
                conversation.losses.drop(part.extras)
            } else {
                conversation.losses.drop(part.path)
            }
        }
        // None is what an empty one says.
        if !isOwn { texts.removeAll(where: \.isEmpty) }
        guard !texts.isEmpty else { return }
        json.beginObject()
        json.member("role", isOwn ? turn.spelling ?? quirks.systemRole : quirks.systemRole)
        json.member("content", EscapedText.joined(texts))
        extras(turn.extras)
        json.endObject()
    }

    private mutating func user(_ turn: Turn, after media: [Part]) throws(Refusal) {
        json.beginObject()
        json.member("role", literal: "user")
        json.key("content")
        try content(media + turn.parts)
        extras(turn.extras)
        json.endObject()
    }

    /// One text as a string, anything else as a list.
    private mutating func content(_ parts: [Part]) throws(Refusal) {
        if parts.count == 1, let text = parts[0].text, kept(parts[0].extras).isEmpty {
            conversation.losses.drop(parts[0].extras)
            return json.text(text)
        }
        guard !parts.isEmpty else { return json.text("") }
        json.beginArray()
        for part in parts { try self.part(part) }
        json.endArray()
    }

    private mutating func part(_ part: Part) throws(Refusal) {
        if case .hosted = part.kind { return conversation.losses.drop(part.path) }
        json.beginObject()
        switch part.kind {
        case .text(let text, _):
            json.member("type", literal: "text")
            json.member("text", text)
        case .refusal(let text):
            json.member("type", literal: "refusal")
            json.member("refusal", text)
        case .media(let media): try self.media(media, part.path)
        case .reasoning, .call, .result, .hosted: break
        }
        let kept = kept(part.extras)
        json.members(kept, &conversation.losses)
        if kept.count < part.extras.count { conversation.losses.drop(dropped(part.extras)) }
        json.endObject()
    }

    private func kept(_ extras: [Extra]) -> [Extra] {
        let form = conversation.form
        return extras.filter { $0.isKept(from: form, to: .chat) }
    }

    private func dropped(_ extras: [Extra]) -> [Extra] {
        let form = conversation.form
        return extras.filter { !$0.isKept(from: form, to: .chat) }
    }

    private mutating func media(_ media: Media, _ path: String) throws(Refusal) {
        switch media.kind {
        case .image:
            json.member("type", literal: "image_url")
            json.key("image_url")
            json.beginObject()
            json.key("url")
            try address(media.source, path)
            if let detail = media.detail, isOwn || detail.plain != "auto" {
                // The closest look is not known to all of this dialect's models.
                let isClosest = detail.plain == "original" && !isOwn
                json.member("detail", isClosest ? EscapedText("high") : detail)
            }
            json.endObject()
        case .document:
            json.member("type", literal: "file")
            json.key("file")
            json.beginObject()
            if case .file(let id) = media.source, isOwn || conversation.form == .responses {
                json.member("file_id", id)
            } else {
                if case .url = media.source {
                    throw Refusal(path, "the target takes no document by its address")
                }
                json.key("file_data")
                try address(media.source, path)
            }
            if let title = media.title { json.member("filename", title) }
            json.endObject()
        case .audio:
            guard case .inline(let type, let data) = media.source else {
                throw Refusal(path, "the target takes no sound by its address")
            }
            json.member("type", literal: "input_audio")
            json.key("input_audio")
            json.beginObject()
            json.member("data", data)
            let formats = ["audio/wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"]
            guard let format = isOwn ? String(type.plain.dropFirst(6)) : formats[type.plain] else {
                throw Refusal(path, "the target takes no sound of this type")
            }
            json.member("format", format)
            json.endObject()
        case .video: throw Refusal(path, "the target takes no films")
        }
    }

    private mutating func address(_ source: Media.Source, _ path: String) throws(Refusal) {
        switch source {
        case .inline(let type, let data):
            json.text(EscapedText("data:"), type, EscapedText(";base64,"), data)
        case .url(let address): json.text(address)
        case .text(let text):
            let data = Base64.encode(Array(text.unescaped))
            json.text(EscapedText("data:text/plain;base64,"), EscapedText(inner: data[...]))
        case .file:
            throw Refusal(path, "the file is kept by a vendor of another dialect")
        }
    }

    // MARK: Answers and results of before

    private mutating func assistant(_ turn: Turn) throws(Refusal) {
        let contents = turn.parts.filter { part in
            switch part.kind {
            case .text, .media: true
            case .refusal: isOwn && !part.path.hasSuffix(".refusal")
            default: false
            }
        }
        let calls = turn.parts.filter { $0.call != nil }
        declare(turn)
        json.beginObject()
        json.member("role", literal: "assistant")
        json.key("content")
        let hasRefusal = turn.parts.contains { part in
            if case .refusal = part.kind { true } else { false }
        }
        if contents.isEmpty, !calls.isEmpty || hasRefusal {
            json.null()
        } else {
            try content(contents)
        }
        reasoning(turn, hasCalls: !calls.isEmpty)
        for part in turn.parts {
            guard case .refusal(let text) = part.kind, !isOwn || part.path.hasSuffix(".refusal")
            else { continue }
            json.member("refusal", text)
            break
        }
        if !calls.isEmpty {
            json.key("tool_calls")
            json.beginArray()
            for part in calls { call(part) }
            json.endArray()
        }
        extras(turn.extras)
        json.endObject()
    }

    /// Declares what an answer of before cannot keep here.
    private mutating func declare(_ turn: Turn) {
        var hasCall = false
        for part in turn.parts {
            switch part.kind {
            case .hosted: conversation.losses.drop(part.path)
            case .call:
                hasCall = true
            case .text where hasCall: conversation.losses.change(part.path)
            default: break
            }
        }
    }

    private mutating func reasoning(_ turn: Turn, hasCalls: Bool) {
        let isWanted: Bool
        switch quirks.replay {
        case .never: isWanted = isOwn
        case .toolTurns: isWanted = hasCalls
        case .all: isWanted = true
        }
        var texts: [EscapedText] = []
        for part in turn.parts {
            guard case .reasoning(let reasoning) = part.kind else { continue }
            let seals = reasoning.sealed.map { $0.kind != .none && $0.form != .chat } ?? false
            // What another vendor signed goes to none that has not signed it.
            if isWanted, !seals, !reasoning.visible.isEmpty {
                texts += reasoning.visible
            } else {
                conversation.losses.drop(part.path)
            }
        }
        guard !texts.isEmpty else { return }
        json.key(named: quirks.reasoningField)
        json.text(EscapedText.joined(texts))
    }

    private mutating func call(_ part: Part) {
        guard let call = part.call else { return }
        json.beginObject()
        json.member("id", names.call(call.id))
        let isCustom = isOwn && call.kind == .custom
        json.member("type", isCustom ? "custom" : "function")
        json.key(isCustom ? "custom" : "function")
        json.beginObject()
        json.member("name", names.tool(ToolName(name: call.name, namespace: call.namespace)))
        if isCustom, case .text(let text) = call.arguments {
            json.member("input", text)
        } else {
            json.member("arguments", call.argumentsText)
        }
        json.endObject()
        if let sealed = call.sealed {
            if isOwn {
                json.key("extra_content")
                json.beginObject()
                json.key("google")
                json.beginObject()
                json.member("thought_signature", sealed.value)
                json.endObject()
                json.endObject()
            } else {
                conversation.losses.drop("\(part.path).thoughtSignature")
            }
        }
        if isOwn { extras(part.extras) } else { conversation.losses.drop(part.extras) }
        json.endObject()
    }

    /// Writes the results of a turn, and returns what they hold besides texts.
    private mutating func results(_ turn: Turn) throws(Refusal) -> [Part] {
        var media: [Part] = []
        for part in turn.parts {
            guard let result = part.result else { continue }
            var texts: [Part] = []
            for inner in result.parts {
                switch inner.kind {
                case .text: texts.append(inner)
                case .media:
                    conversation.losses.change(inner.path)
                    media.append(inner)
                default: conversation.losses.drop(inner.path)
                }
            }
            if let failed = result.failed { conversation.losses.drop(failed.path) }
            json.beginObject()
            json.member("role", literal: "tool")
            json.member("tool_call_id", names.call(result.id))
            json.key("content")
            try content(texts)
            if isOwn { extras(part.extras) } else { conversation.losses.drop(part.extras) }
            json.endObject()
        }
        return media
    }

    private mutating func extras(_ extras: [Extra]) {
        if isOwn { json.members(extras, &conversation.losses) }
    }
}
