import Primitives

/// Writes a whole answer.
struct AnswerWriter {
    let context: AnswerContext
    var transcript: AnswerTranscript
    private var finish: Finish

    init(_ context: AnswerContext, _ transcript: AnswerTranscript, _ finish: Finish) {
        self.context = context
        self.transcript = transcript
        self.finish = finish
    }

    private var model: String { context.model ?? transcript.model?.plain ?? "" }

    mutating func write(to json: inout JSONWriter) {
        if context.target != .messages, let path = finish.ownPath { transcript.lose(path) }
        switch context.target {
        case .chat: chat(to: &json)
        case .responses: responses(to: &json)
        case .messages: messages(to: &json)
        case .gemini: gemini(to: &json)
        }
    }

    /// The items without calls that were cut off.
    private var items: [AnswerTranscript.Item] {
        transcript.items.filter { !($0.item.isCall && $0.isCut) }
    }

    // MARK: Chat

    private mutating func chat(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", "chatcmpl-\(context.seed)")
        json.member("object", literal: "chat.completion")
        json.member("created", context.created)
        json.member("model", model)
        json.key("choices")
        json.beginArray()
        json.beginObject()
        json.member("index", 0)
        json.key("message")
        chatMessage(to: &json)
        let odds = items.flatMap(\.odds)
        if !odds.isEmpty { TokenOdds.writeChat(odds, to: &json) }
        json.member("finish_reason", literal: finish.chatWord(context))
        json.endObject()
        json.endArray()
        if !transcript.counts.isEmpty {
            json.key("usage")
            transcript.counts.writeChat(to: &json)
        }
        json.endObject()
    }

    private mutating func chatMessage(to json: inout JSONWriter) {
        var texts: [EscapedText] = []
        var refusals: [EscapedText] = []
        var reasonings: [EscapedText] = []
        var cited: [(Citation, Range<Int>)] = []
        for entry in items {
            switch entry.item.kind {
            case .text: texts.append(entry.text)
            case .refusal: refusals.append(entry.text)
            case .reasoning:
                let pieces = entry.pieces.filter { !$0.isEmpty }
                if !pieces.isEmpty {
                    reasonings.append(
                        EscapedText.joined(pieces.map { EscapedText(inner: $0[...]) }))
                }
                if entry.sealed != nil { transcript.lose(entry.sealedPath) }
            case .call: break
            }
            for (citation, path) in entry.citations {
                if let range = citation.wholeRange {
                    cited.append((citation, range))
                } else {
                    transcript.lose(path)
                }
            }
        }
        let calls = items.filter(\.item.isCall)
        json.beginObject()
        json.member("role", literal: "assistant")
        json.key("content")
        if texts.isEmpty { json.null() } else { json.text(EscapedText.joined(texts, by: .empty)) }
        if !refusals.isEmpty {
            json.member("refusal", EscapedText.joined(refusals, by: .empty))
        }
        if !reasonings.isEmpty { json.member("reasoning_content", EscapedText.joined(reasonings)) }
        if !cited.isEmpty {
            json.key("annotations")
            json.beginArray()
            for (citation, range) in cited { citation.writeChat(range, to: &json) }
            json.endArray()
        }
        if context.hasFunctionsAlone {
            chatFunction(calls, to: &json)
        } else if !calls.isEmpty {
            json.key("tool_calls")
            json.beginArray()
            for entry in calls { chatCall(entry, to: &json) }
            json.endArray()
        }
        json.endObject()
    }

    /// The one call that an answer had before the dialect had tools.
    private mutating func chatFunction(
        _ calls: [AnswerTranscript.Item], to json: inout JSONWriter
    ) {
        for call in calls.dropFirst() { transcript.lose(call.item.path) }
        guard let entry = calls.first, case .call(_, let name) = entry.item.kind else { return }
        if entry.item.sealed != nil { transcript.lose("\(entry.item.path).thoughtSignature") }
        json.key("function_call")
        writeFunction(entry, name, to: &json)
    }

    private func writeFunction(
        _ entry: AnswerTranscript.Item, _ name: String, to json: inout JSONWriter
    ) {
        json.beginObject()
        json.member("name", context.tools[name]?.name ?? name)
        json.member("arguments", EscapedText(inner: entry.arguments[...]))
        json.endObject()
    }

    private func chatCall(_ entry: AnswerTranscript.Item, to json: inout JSONWriter) {
        guard case .call(let id, let name) = entry.item.kind else { return }
        json.beginObject()
        json.member("id", id)
        if let tool = context.tools[name], tool.isCustom {
            ChatStreamWriter.writeText(entry, tool.name, &json)
        } else {
            json.member("type", literal: "function")
            json.key("function")
            writeFunction(entry, name, to: &json)
        }
        ChatStreamWriter.write(entry.item.sealed, &json)
        json.endObject()
    }

    // MARK: Responses

    private mutating func responses(to json: inout JSONWriter) {
        let envelope = ResponsesEnvelope(context: context, model: model)
        var counters: [String: Int] = [:]
        var written: [ResponsesItem] = []
        for entry in items {
            var entries = [entry]
            if entry.item.isCall, let sealed = entry.item.sealed {
                var own = AnswerTranscript.Item(
                    item: AnswerItem(key: -1, kind: .reasoning, path: entry.item.path))
                own.sealed = sealed
                entries.insert(own, at: 0)
            }
            for entry in entries {
                var tool: AnsweredTool?
                if case .call(_, let name) = entry.item.kind { tool = context.tools[name] }
                let prefix = ResponsesItem.prefix(entry.item, tool)
                counters[prefix, default: 0] += 1
                let id = "\(prefix)\(context.seed)\(counters[prefix] ?? 0)"
                written.append(
                    ResponsesItem(entry: entry, id: id, source: context.source, tool: tool))
            }
        }
        let isWhole = finish.incompleteReason == nil
        let last = written.indices.last
        envelope.write(
            isWhole ? "completed" : "incomplete", finish: finish, counts: transcript.counts,
            to: &json
        ) { json in
            for (index, item) in written.enumerated() {
                let isCut = item.entry.isCut || !isWhole && index == last
                item.write(isCut ? .incomplete : .completed, to: &json)
            }
        }
    }

    // MARK: Messages

    private mutating func messages(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", "msg_\(context.seed)")
        json.member("type", literal: "message")
        json.member("role", literal: "assistant")
        json.member("model", model)
        json.key("content")
        json.beginArray()
        for entry in items { block(entry, to: &json) }
        json.endArray()
        finish.writeMessages(to: &json)
        json.key("usage")
        var counts = transcript.counts
        counts.input = counts.input ?? 0
        counts.writeMessages(to: &json)
        json.endObject()
    }

    private mutating func block(_ entry: AnswerTranscript.Item, to json: inout JSONWriter) {
        for cited in entry.citations { transcript.lose(cited.path) }
        if !entry.odds.isEmpty { transcript.lose(entry.oddsPath) }
        if entry.item.isCall, let sealed = entry.item.sealed {
            Self.thinking(.empty, sealed, to: &json)
        }
        switch entry.item.kind {
        case .text, .refusal:
            json.beginObject()
            json.member("type", literal: "text")
            json.member("text", entry.text)
            json.endObject()
        case .reasoning:
            let pieces = entry.pieces.filter { !$0.isEmpty }
            let text = EscapedText.joined(pieces.map { EscapedText(inner: $0[...]) })
            let none = Sealed(form: context.source, kind: .none, value: .empty)
            Self.thinking(text, entry.sealed ?? none, to: &json)
        case .call(let id, let name):
            json.beginObject()
            json.member("type", literal: "tool_use")
            json.member("id", id)
            json.member("name", context.tools[name]?.name ?? name)
            let arguments = RawJSON.object(of: EscapedText(inner: entry.arguments[...]))
            json.member("input", arguments ?? RawJSON(literal: "{}"))
            json.endObject()
        }
    }

    private static func thinking(
        _ text: EscapedText, _ sealed: Sealed, to json: inout JSONWriter
    ) {
        json.beginObject()
        json.member("type", literal: "thinking")
        json.member("thinking", text)
        json.member("signature", ReasoningEnvelope.seal(sealed, for: .messages))
        json.endObject()
    }

    // MARK: Gemini

    private mutating func gemini(to json: inout JSONWriter) {
        json.beginObject()
        json.key("candidates")
        json.beginArray()
        json.beginObject()
        json.key("content")
        json.beginObject()
        json.key("parts")
        json.beginArray()
        var hasCalled = false
        for entry in items {
            for cited in entry.citations { transcript.lose(cited.path) }
            let isThought = entry.item.kind.isReasoning
            let pieces = entry.pieces.filter { !$0.isEmpty }
            if !pieces.isEmpty {
                let text = EscapedText.joined(pieces.map { EscapedText(inner: $0[...]) })
                GeminiStreamWriter.writeText(text, isThought: isThought, to: &json)
            }
            GeminiStreamWriter.writeWhole(entry, context, isFirstCall: !hasCalled, to: &json)
            hasCalled = hasCalled || entry.item.isCall
        }
        json.endArray()
        json.member("role", literal: "model")
        json.endObject()
        json.member("finishReason", literal: finish.geminiWord)
        let odds = items.flatMap(\.odds)
        if !odds.isEmpty { TokenOdds.writeGemini(odds, to: &json) }
        json.member("index", 0)
        json.endObject()
        json.endArray()
        if !transcript.counts.isEmpty {
            json.key("usageMetadata")
            transcript.counts.writeGemini(to: &json)
        }
        json.member("modelVersion", model)
        json.member("responseId", "resp_\(context.seed)")
        json.endObject()
    }
}
