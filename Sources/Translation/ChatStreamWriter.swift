import Primitives

/// Writes a chat answer in chunks.
struct ChatStreamWriter: ~Copyable {
    private var output = ByteBuffer()
    private let frame = EventFrame(form: .chat)
    private let context: AnswerContext
    private var model = ""
    private var hasStarted = false
    /// The position of each call among the calls.
    private var calls: [Int: Int] = [:]
    private var kinds: [Int: AnswerItem.Kind] = [:]
    /// Calls with free text, which go out whole: it may stand in an object.
    private var texts: [Int: AnswerTranscript.Item] = [:]
    /// The call of an answer that has one at most.
    private var function: Int?
    /// The SDKs take a list of citations in one piece alone, so that they wait for the end.
    private var cited: [(citation: Citation, range: Range<Int>)] = []
    /// How likely the tokens of the next text were.
    private var odds: [TokenOdds] = []
    private var losses = LossList()

    init(_ context: AnswerContext) {
        self.context = context
    }

    mutating func take(_ event: AnswerEvent) {
        switch event {
        case .started(_, let model): self.model = context.model ?? model?.plain ?? ""
        case .opened(let item): open(item)
        case .text(let key, let text): self.text(key, text)
        case .odds(_, let tokens, _): odds += tokens
        case .pieceEnded(let key): text(key, .blankLine)
        case .arguments(let key, let text): arguments(key, text)
        case .sealed(_, _, let path): losses.drop(path)
        case .citation(_, let citation, let path): cite(citation, path)
        case .closed(let key, let isCut):
            // They may come behind their text.
            if !odds.isEmpty { chunk { _ in } }
            if !isCut { endText(key) }
        case .counted: break
        case .finished(let finish, let counts): end(finish, counts)
        case .failed(let failure): fail(failure)
        case .alive: if hasStarted { frame.appendSignOfLife(to: &output) }
        case .lost(let loss): losses.insert(loss)
        }
    }

    /// The frame around more of an open item's text.
    mutating func template(of key: Int, isArguments: Bool) -> FrameTemplate? {
        guard texts[key] == nil else { return nil }
        take(
            isArguments
                ? .arguments(key: key, FrameTemplate.mark) : .text(key: key, FrameTemplate.mark))
        let frame = Array(output.bytes)
        output.removeAll()
        return FrameTemplate(frame)
    }

    /// Takes more of a call's arguments, which were passed on already where they do not wait.
    mutating func keep(_ text: EscapedText, of key: Int) {
        texts[key]?.arguments.append(contentsOf: text.inner)
    }

    /// Moves what was written out, and what was lost.
    mutating func take(into other: inout ByteBuffer) {
        other.append(contentsOf: output)
        output.removeAll()
    }

    var lost: [Loss] { losses.entries }
    /// Whether something was written that a client sees as the answer's beginning.
    var hasBegun: Bool { hasStarted }

    private mutating func start() {
        guard !hasStarted else { return }
        hasStarted = true
        chunk { json in
            json.member("role", literal: "assistant")
            json.member("content", "")
        }
    }

    private mutating func open(_ item: AnswerItem) {
        start()
        kinds[item.key] = item.kind
        guard case .call(let id, let name) = item.kind else { return }
        let tool = context.tools[name]
        if tool?.isCustom == true {
            var text = AnswerTranscript.Item(item: item)
            text.arguments = Array(item.arguments?.inner ?? [])
            return texts[item.key] = text
        }
        if context.hasFunctionsAlone { return openFunction(item, tool?.name ?? name) }
        let index = calls.count
        calls[item.key] = index
        chunk { json in
            json.key("tool_calls")
            json.beginArray()
            json.beginObject()
            json.member("index", index)
            json.member("id", id)
            json.member("type", literal: "function")
            json.key("function")
            json.beginObject()
            json.member("name", tool?.name ?? name)
            json.member("arguments", item.arguments ?? .empty)
            json.endObject()
            Self.write(item.sealed, &json)
            json.endObject()
            json.endArray()
        }
    }

    /// The form of a call from before the dialect had tools: one an answer, and without an id.
    private mutating func openFunction(_ item: AnswerItem, _ name: String) {
        guard function == nil else { return losses.drop(item.path) }
        function = item.key
        if item.sealed != nil { losses.drop("\(item.path).thoughtSignature") }
        chunk { json in
            json.key("function_call")
            json.beginObject()
            json.member("name", name)
            json.member("arguments", item.arguments ?? .empty)
            json.endObject()
        }
    }

    private mutating func arguments(_ key: Int, _ text: EscapedText) {
        if texts[key] != nil { return keep(text, of: key) }
        let index = calls[key]
        guard index != nil || function == key else { return }
        chunk { json in
            if let index {
                json.key("tool_calls")
                json.beginArray()
                json.beginObject()
                json.member("index", index)
            }
            json.key(index == nil ? "function_call" : "function")
            json.beginObject()
            json.member("arguments", text)
            json.endObject()
            if index != nil {
                json.endObject()
                json.endArray()
            }
        }
    }

    /// Writes a call with free text, which is whole now.
    private mutating func endText(_ key: Int) {
        guard let entry = texts.removeValue(forKey: key),
            case .call(let id, let name) = entry.item.kind
        else { return }
        let index = calls.count
        calls[key] = index
        let own = context.tools[name]?.name ?? name
        chunk { json in
            json.key("tool_calls")
            json.beginArray()
            json.beginObject()
            json.member("index", index)
            json.member("id", id)
            Self.writeText(entry, own, &json)
            Self.write(entry.item.sealed, &json)
            json.endObject()
            json.endArray()
        }
    }

    /// The members of a call with free text behind its id.
    static func writeText(
        _ entry: AnswerTranscript.Item, _ name: String, _ json: inout JSONWriter
    ) {
        json.member("type", literal: "custom")
        json.key("custom")
        json.beginObject()
        json.member("name", name)
        json.member("input", entry.freeText)
        json.endObject()
    }

    static func write(_ sealed: Sealed?, _ json: inout JSONWriter) {
        guard let sealed else { return }
        json.key("extra_content")
        json.beginObject()
        json.key("google")
        json.beginObject()
        json.member("thought_signature", sealed.value)
        json.endObject()
        json.endObject()
    }

    private mutating func text(_ key: Int, _ text: EscapedText) {
        guard let kind = kinds[key] else { return }
        chunk { json in
            switch kind {
            case .text: json.member("content", text)
            case .refusal: json.member("refusal", text)
            case .reasoning: json.member("reasoning_content", text)
            case .call: break
            }
        }
    }

    private mutating func cite(_ citation: Citation, _ path: String) {
        guard let range = citation.wholeRange else { return losses.drop(path) }
        cited.append((citation, range))
    }

    private mutating func writeCitations() {
        guard !cited.isEmpty else { return }
        let cited = cited
        chunk { json in
            json.key("annotations")
            json.beginArray()
            for (citation, range) in cited { citation.writeChat(range, to: &json) }
            json.endArray()
        }
    }

    private mutating func chunk(_ delta: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        begin(&json)
        json.beginObject()
        json.member("index", 0)
        json.key("delta")
        json.beginObject()
        delta(&json)
        json.endObject()
        if !odds.isEmpty {
            TokenOdds.writeChat(odds, to: &json)
            odds = []
        }
        json.nullMember("finish_reason")
        json.endObject()
        json.endArray()
        json.endObject()
        frame.append("", json, to: &output)
    }

    private func begin(_ json: inout JSONWriter) {
        json.beginObject()
        json.member("id", "chatcmpl-\(context.seed)")
        json.member("object", literal: "chat.completion.chunk")
        json.member("created", context.created)
        json.member("model", model)
        json.key("choices")
        json.beginArray()
    }

    private mutating func end(_ finish: Finish, _ counts: TokenCounts) {
        start()
        writeCitations()
        if let path = finish.ownPath { losses.drop(path) }
        var json = JSONWriter()
        begin(&json)
        json.beginObject()
        json.member("index", 0)
        json.key("delta")
        json.beginObject()
        json.endObject()
        json.member("finish_reason", literal: finish.chatWord(context))
        json.endObject()
        json.endArray()
        json.endObject()
        frame.append("", json, to: &output)
        if context.wantsUsage, !counts.isEmpty {
            var json = JSONWriter()
            begin(&json)
            json.endArray()
            json.key("usage")
            counts.writeChat(to: &json)
            json.endObject()
            frame.append("", json, to: &output)
        }
        output.append("data: [DONE]\n\n")
    }

    private mutating func fail(_ failure: AnswerFailure) {
        var json = JSONWriter()
        failure.write(for: .chat, to: &json)
        frame.append("", json, to: &output)
    }
}

extension Finish {
    func chatWord(_ context: AnswerContext) -> StaticString {
        switch self {
        case .end, .refused, .stopWord: "stop"
        case .toolCalls where context.hasFunctionsAlone: "function_call"
        case .toolCalls: "tool_calls"
        case .length, .contextFull, .paused, .compaction: "length"
        case .filtered: "content_filter"
        }
    }
}

extension Citation {
    func writeChat(_ range: Range<Int>, to json: inout JSONWriter) {
        json.beginObject()
        json.member("type", literal: "url_citation")
        json.key("url_citation")
        json.beginObject()
        writeMembers(range, to: &json)
        json.endObject()
        json.endObject()
    }

    func writeMembers(_ range: Range<Int>, to json: inout JSONWriter) {
        json.member("start_index", range.lowerBound)
        json.member("end_index", range.upperBound)
        json.member("url", url)
        json.member("title", title ?? .empty)
    }
}
