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
    /// The SDKs take a list of citations in one piece alone, so that they wait for the end.
    private var cited: [(citation: Citation, range: Range<Int>)] = []
    private var losses = LossList()

    init(_ context: AnswerContext) {
        self.context = context
    }

    mutating func take(_ event: AnswerEvent) {
        switch event {
        case .started(_, let model): self.model = context.model ?? model?.plain ?? ""
        case .opened(let item): open(item)
        case .text(let key, let text): self.text(key, text)
        case .pieceEnded(let key): text(key, .blankLine)
        case .arguments(let key, let text):
            guard let index = calls[key] else { return }
            chunk { json in
                json.key("tool_calls")
                json.beginArray()
                json.beginObject()
                json.member("index", index)
                json.key("function")
                json.beginObject()
                json.member("arguments", text)
                json.endObject()
                json.endObject()
                json.endArray()
            }
        case .sealed(_, _, let path): losses.drop(path)
        case .citation(_, let citation, let path): cite(citation, path)
        case .closed, .counted: break
        case .finished(let finish, let counts): end(finish, counts)
        case .failed(let failure): fail(failure)
        case .alive: if hasStarted { frame.appendSignOfLife(to: &output) }
        case .lost(let loss): losses.insert(loss)
        }
    }

    /// The frame around more of an open item's text.
    mutating func template(of key: Int, isArguments: Bool) -> FrameTemplate? {
        take(
            isArguments
                ? .arguments(key: key, FrameTemplate.mark) : .text(key: key, FrameTemplate.mark))
        let frame = Array(output.bytes)
        output.removeAll()
        return FrameTemplate(frame)
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
        let index = calls.count
        calls[item.key] = index
        let tool = context.tools[name]
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
        guard let range = citation.range else { return losses.drop(path) }
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
        json.member("finish_reason", literal: finish.chatWord)
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
    var chatWord: StaticString {
        switch self {
        case .end, .stopWord: "stop"
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
