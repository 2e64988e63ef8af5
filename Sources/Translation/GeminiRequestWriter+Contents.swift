import JSON
import Primitives

extension GeminiRequestWriter {
    /// What Gemini's own page gives for a call that another model made: its check is passed over.
    static let dummySignature = EscapedText(
        "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=")

    mutating func system(_ turns: [Turn]) throws(Refusal) {
        var texts: [EscapedText] = []
        for turn in turns {
            conversation.losses.drop(turn.extras)
            for part in turn.parts {
                guard let text = part.text else {
                    conversation.losses.drop(part.path)
                    continue
                }
                conversation.losses.drop(part.extras)
                if !text.isEmpty { texts.append(text) }
            }
        }
        guard !texts.isEmpty else { return }
        json.key("systemInstruction")
        json.beginObject()
        json.key("parts")
        json.beginArray()
        for text in texts { self.text(text) }
        json.endArray()
        json.endObject()
    }

    mutating func contents() throws(Refusal) {
        // An empty content is refused, and says nothing.
        let turns = conversation.turns.filter { turn in
            isOwn || turn.role != .user || turn.parts.contains { $0.text?.isEmpty != true }
        }
        if turns.first?.role != .user {
            // The vendor takes no conversation that the user does not begin.
            conversation.losses.invent("contents[0]")
            json.beginObject()
            json.member("role", literal: "user")
            json.key("parts")
            json.beginArray()
            text(EscapedText("."))
            json.endArray()
            json.endObject()
        }
        var index = 0
        var calls: [String] = []
        while index < turns.count {
            let turn = turns[index]
            index += 1
            var parts = turn.parts
            if !isOwn { conversation.losses.drop(turn.extras) }
            switch turn.role {
            case .assistant:
                calls = turn.parts.compactMap { $0.call?.id }
                try content("model", parts)
            case .user, .system:
                while index < turns.count, turns[index].role == .user {
                    if !isOwn { conversation.losses.drop(turns[index].extras) }
                    parts += turns[index].parts
                    index += 1
                }
                try content("user", parts)
            case .results:
                // As many results as calls, in the order of the calls.
                let order = Dictionary(
                    zip(calls, calls.indices), uniquingKeysWith: { first, _ in first })
                parts.sort { first, second in
                    (order[first.result?.id ?? ""] ?? 0) < (order[second.result?.id ?? ""] ?? 0)
                }
                if index < turns.count, turns[index].role == .user {
                    if !isOwn { conversation.losses.drop(turns[index].extras) }
                    parts += turns[index].parts
                    index += 1
                }
                try content("user", parts)
            }
        }
    }

    private mutating func content(_ role: StaticString, _ parts: [Part]) throws(Refusal) {
        let beginning = json.mark
        json.beginObject()
        json.member("role", literal: role)
        json.key("parts")
        json.beginArray()
        let empty = json.mark
        try write(parts, isAnswer: role.utf8CodeUnitCount == 5)
        // A content without parts is refused.
        guard json.mark != empty else { return json.rewind(to: beginning) }
        json.endArray()
        json.endObject()
    }

    private mutating func write(_ parts: [Part], isAnswer: Bool) throws(Refusal) {
        var signature: Sealed?
        var isFirstCall = true
        var images: [Part] = []
        for part in parts {
            switch part.kind {
            case .text(let text, _), .refusal(let text):
                guard !text.isEmpty || signature != nil else { continue }
                begin(&signature)
                json.member("text", text)
                end(part)
            case .reasoning(let reasoning): self.reasoning(reasoning, part, &signature)
            case .call(let call):
                try self.call(call, signature, isFirst: isFirstCall)
                (signature, isFirstCall) = (nil, false)
                end(part)
            case .result(let result):
                json.beginObject()
                images += try self.result(result)
                end(part)
            case .media(let media):
                if isAnswer, !isOwn {
                    conversation.losses.drop(part.path)
                    continue
                }
                begin(&signature)
                try self.media(media, part.path)
                end(part)
            case .hosted(let raw):
                if isOwn { json.raw(raw) } else { conversation.losses.drop(part.path) }
            }
        }
        for part in images {
            guard case .media(let media) = part.kind else { continue }
            json.beginObject()
            try self.media(media, part.path)
            json.endObject()
        }
    }

    private mutating func begin(_ signature: inout Sealed?) {
        json.beginObject()
        if let sealed = signature { json.member("thoughtSignature", sealed.value) }
        signature = nil
    }

    private mutating func end(_ part: Part) {
        if isOwn {
            json.members(part.extras, &conversation.losses)
        } else {
            conversation.losses.drop(part.extras)
        }
        json.endObject()
    }

    /// A signature goes to the part behind it; the text that was read is not sent again.
    private mutating func reasoning(
        _ reasoning: Reasoning, _ part: Part, _ signature: inout Sealed?
    ) {
        if isOwn, !reasoning.visible.isEmpty {
            json.beginObject()
            json.member("text", EscapedText.joined(reasoning.visible))
            json.member("thought", true)
            if let sealed = reasoning.sealed { json.member("thoughtSignature", sealed.value) }
            return json.endObject()
        }
        guard let sealed = reasoning.sealed, sealed.isFor(.gemini) else {
            return conversation.losses.drop(part.path)
        }
        signature = sealed
    }

    private mutating func call(
        _ call: Call, _ signature: Sealed?, isFirst: Bool
    ) throws(Refusal) {
        let name = names.tool(ToolName(name: call.name, namespace: call.namespace))
        callNames[call.id] = name
        json.beginObject()
        json.key("functionCall")
        json.beginObject()
        json.member("id", names.call(call.id))
        json.member("name", name)
        json.member("args", try call.argumentsObject())
        json.endObject()
        if let sealed = call.sealed ?? signature, sealed.isFor(.gemini) {
            json.member("thoughtSignature", sealed.value)
        } else if isFirst, quirks.geminiGeneration >= 3, !isOwn {
            json.member("thoughtSignature", Self.dummySignature)
        }
    }

    /// Writes a result, and returns what must stand beside it.
    private mutating func result(_ result: CallResult) throws(Refusal) -> [Part] {
        // A document of text stands in the response itself.
        let media = result.parts.filter { part in
            guard case .media(let media) = part.kind else { return false }
            return isOwn || media.text == nil
        }
        let takesMedia = quirks.geminiGeneration >= 3
        json.key("functionResponse")
        json.beginObject()
        json.member("id", names.call(result.id))
        json.member("name", callNames[result.id] ?? result.name ?? result.id)
        json.key("response")
        response(result)
        if takesMedia, !media.isEmpty {
            json.key("parts")
            json.beginArray()
            for part in media {
                guard case .media(let media) = part.kind else { continue }
                json.beginObject()
                try self.media(media, part.path)
                if isOwn { json.members(part.extras, &conversation.losses) }
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
        if !isOwn {
            for part in result.parts {
                conversation.losses.drop(part.extras)
                if case .hosted = part.kind { conversation.losses.drop(part.path) }
                if case .media(let media) = part.kind, media.text != nil {
                    conversation.losses.change(part.path)
                }
            }
        }
        guard !takesMedia else { return [] }
        for part in media { conversation.losses.change(part.path) }
        return media
    }

    /// The response must be an object: that of the text, or one around the text.
    private mutating func response(_ result: CallResult) {
        if isOwn, let object = result.object { return json.raw(object) }
        let texts = result.parts.compactMap { part in
            guard case .media(let media) = part.kind, !isOwn else { return part.text }
            return media.text
        }
        let text = EscapedText.joined(texts)
        let isFailed = result.failed?.value == true
        if !isFailed, texts.count == 1, let object = RawJSON.object(of: text) {
            return json.raw(object)
        }
        json.beginObject()
        if !texts.isEmpty || isFailed { json.member(isFailed ? "error" : "output", text) }
        json.endObject()
    }

    private mutating func text(_ text: EscapedText) {
        json.beginObject()
        json.member("text", text)
        json.endObject()
    }

    private mutating func media(_ media: Media, _ path: String) throws(Refusal) {
        if let detail = media.detail, detail.plain != "auto" {
            conversation.losses.drop(media.detailPath)
        }
        switch media.source {
        case .inline(let type, let data):
            json.key("inlineData")
            json.beginObject()
            json.member("mimeType", type)
            json.member("data", data)
            json.endObject()
        case .text(let text):
            json.member("text", text)
        case .url(let address):
            guard isOwn || Media.googles.contains(where: address.hasPrefix) else {
                throw Refusal(path, "the target does not fetch what stands at an address")
            }
            json.key("fileData")
            json.beginObject()
            if let type = media.type { json.member("mimeType", type) }
            json.member("fileUri", address)
            json.endObject()
        case .file:
            throw Refusal(path, "the file is kept by a vendor of another dialect")
        }
        if !isOwn, let title = media.title, !title.isEmpty, media.kind == .document {
            conversation.losses.drop(media.titlePath, isHarmless: true)
        }
    }
}
