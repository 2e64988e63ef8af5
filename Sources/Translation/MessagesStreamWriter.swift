import Primitives

/// Writes a Messages answer in events: one block at a time, whatever the vendor has open.
struct MessagesStreamWriter: ~Copyable {
    /// An item behind the open one, with what has come of it.
    private struct Waiting {
        let item: AnswerItem
        var texts: [EscapedText] = []
        var sealed: Sealed?
        var isClosed = false
        var isCut = false
    }

    private var output = ByteBuffer()
    private let frame = EventFrame(form: .messages)
    private let context: AnswerContext
    private var model = ""
    private var hasStarted = false
    private var counts = TokenCounts()
    private var open: AnswerItem?
    private var sealed: Sealed?
    private var waiting: [Waiting] = []
    private var nextIndex = 0
    private var losses = LossList()

    init(_ context: AnswerContext) {
        self.context = context
    }

    var lost: [Loss] { losses.entries }
    /// Whether something was written that a client sees as the answer's beginning.
    var hasBegun: Bool { hasStarted }

    /// Moves what was written out.
    mutating func take(into other: inout ByteBuffer) {
        other.append(contentsOf: output)
        output.removeAll()
    }

    mutating func take(_ event: AnswerEvent) {
        switch event {
        case .started(_, let model): self.model = context.model ?? model?.plain ?? ""
        case .counted(let counts): self.counts = counts
        case .opened(let item):
            if open == nil { begin(item) } else { waiting.append(Waiting(item: item)) }
        case .text(let key, let text), .arguments(let key, let text): add(key, text)
        case .pieceEnded(let key): add(key, .blankLine)
        case .sealed(let key, let sealed, _):
            if open?.key == key {
                self.sealed = sealed
            } else if let index = waiting.firstIndex(where: { $0.item.key == key }) {
                waiting[index].sealed = sealed
            }
        // The dialect's citations prove themselves by a text that only its vendor writes.
        case .citation(_, _, let path), .odds(_, _, let path): losses.drop(path)
        case .closed(let key, let isCut): close(key, isCut)
        case .finished(let finish, let counts): end(finish, counts)
        case .failed(let failure): fail(failure)
        case .alive: if hasStarted { frame.appendSignOfLife(to: &output) }
        case .lost(let loss): losses.insert(loss)
        }
    }

    /// The frame around more of an open item's text; nil where the item waits.
    mutating func template(of key: Int) -> FrameTemplate? {
        guard open?.key == key else { return nil }
        add(key, FrameTemplate.mark)
        let frame = Array(output.bytes)
        output.removeAll()
        return FrameTemplate(frame)
    }

    /// Takes more of an item's text: of the open one it was passed on already.
    mutating func keep(_ text: EscapedText, of key: Int) {
        guard let index = waiting.firstIndex(where: { $0.item.key == key }) else { return }
        waiting[index].texts.append(text)
    }

    private mutating func event(
        _ name: StaticString, _ body: (inout JSONWriter) -> Void = { _ in }
    ) {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", literal: name)
        body(&json)
        json.endObject()
        frame.append(name, json, to: &output)
    }

    private mutating func start() {
        guard !hasStarted else { return }
        hasStarted = true
        let (id, model) = ("msg_\(context.seed)", model)
        // Clients show what was read by this event alone.
        var counts = counts
        (counts.input, counts.output, counts.reasoning) = (counts.input ?? 0, 0, nil)
        event("message_start") { json in
            json.key("message")
            json.beginObject()
            json.member("id", id)
            json.member("type", literal: "message")
            json.member("role", literal: "assistant")
            json.member("model", model)
            json.key("content")
            json.beginArray()
            json.endArray()
            json.nullMember("stop_reason")
            json.nullMember("stop_sequence")
            json.key("usage")
            counts.writeMessages(to: &json)
            json.endObject()
        }
    }

    // MARK: Blocks

    private mutating func begin(_ item: AnswerItem) {
        start()
        if let sealed = item.sealed {
            // The dialect can carry it in a block of thinking alone.
            beginBlock { json in Self.writeThinking(&json) }
            sign(sealed)
            endBlock()
        }
        open = item
        sealed = nil
        let tools = context.tools
        beginBlock { json in
            switch item.kind {
            case .text, .refusal:
                json.member("type", literal: "text")
                json.member("text", "")
            case .reasoning: Self.writeThinking(&json)
            case .call(let id, let name):
                json.member("type", literal: "tool_use")
                json.member("id", id)
                json.member("name", tools[name]?.name ?? name)
                json.key("input")
                json.beginObject()
                json.endObject()
            }
        }
        if let arguments = item.arguments { delta(item, arguments) }
    }

    private static func writeThinking(_ json: inout JSONWriter) {
        json.member("type", literal: "thinking")
        json.member("thinking", "")
        json.member("signature", "")
    }

    private mutating func beginBlock(_ body: (inout JSONWriter) -> Void) {
        let index = nextIndex
        event("content_block_start") { json in
            json.member("index", index)
            json.key("content_block")
            json.beginObject()
            body(&json)
            json.endObject()
        }
    }

    private mutating func endBlock() {
        let index = nextIndex
        event("content_block_stop") { json in json.member("index", index) }
        nextIndex += 1
    }

    private mutating func add(_ key: Int, _ text: EscapedText) {
        if let open, open.key == key { return delta(open, text) }
        guard let index = waiting.firstIndex(where: { $0.item.key == key }) else { return }
        waiting[index].texts.append(text)
    }

    private mutating func delta(_ item: AnswerItem, _ text: EscapedText) {
        delta { json in
            switch item.kind {
            case .text, .refusal:
                json.member("type", literal: "text_delta")
                json.member("text", text)
            case .reasoning:
                json.member("type", literal: "thinking_delta")
                json.member("thinking", text)
            case .call:
                json.member("type", literal: "input_json_delta")
                json.member("partial_json", text)
            }
        }
    }

    private mutating func delta(_ body: (inout JSONWriter) -> Void) {
        let index = nextIndex
        event("content_block_delta") { json in
            json.member("index", index)
            json.key("delta")
            json.beginObject()
            body(&json)
            json.endObject()
        }
    }

    private mutating func sign(_ sealed: Sealed) {
        let envelope = ReasoningEnvelope.seal(sealed, for: .messages)
        delta { json in
            json.member("type", literal: "signature_delta")
            json.member("signature", envelope)
        }
    }

    private mutating func close(_ key: Int, _ isCut: Bool) {
        if let item = open, item.key == key {
            closeOpen(item, isCut)
            while open == nil, !waiting.isEmpty {
                let next = waiting.removeFirst()
                begin(next.item)
                sealed = next.sealed
                if !next.texts.isEmpty {
                    delta(next.item, EscapedText.joined(next.texts, by: .empty))
                }
                if next.isClosed { closeOpen(next.item, next.isCut) }
            }
        } else if let index = waiting.firstIndex(where: { $0.item.key == key }) {
            waiting[index].isClosed = true
            waiting[index].isCut = isCut
        }
    }

    private mutating func closeOpen(_ item: AnswerItem, _ isCut: Bool) {
        if item.kind.isReasoning {
            // Unsigned reasoning is marked, so that it never goes to a vendor that signs.
            let none = Sealed(form: context.source, kind: .none, value: .empty)
            sign(sealed ?? none)
        }
        endBlock()
        open = nil
        sealed = nil
    }

    // MARK: The end

    private mutating func end(_ finish: Finish, _ counts: TokenCounts) {
        start()
        // What waits behind an item that was never whole is never shown.
        if open != nil { endBlock() }
        open = nil
        event("message_delta") { json in
            json.key("delta")
            json.beginObject()
            finish.writeMessages(to: &json)
            json.endObject()
            json.key("usage")
            counts.writeMessages(to: &json)
        }
        event("message_stop")
    }

    private mutating func fail(_ failure: AnswerFailure) {
        var json = JSONWriter()
        failure.write(for: .messages, to: &json)
        frame.append("error", json, to: &output)
    }
}

extension Finish {
    /// The members that say why the answer ends.
    func writeMessages(to json: inout JSONWriter) {
        let word: StaticString
        switch self {
        case .end: word = "end_turn"
        case .stopWord: word = "stop_sequence"
        case .toolCalls: word = "tool_use"
        case .length: word = "max_tokens"
        case .contextFull: word = "model_context_window_exceeded"
        case .filtered, .refused: word = "refusal"
        case .paused: word = "pause_turn"
        case .compaction: word = "compaction"
        }
        json.member("stop_reason", literal: word)
        if case .stopWord(let text) = self {
            json.member("stop_sequence", text)
        } else {
            json.nullMember("stop_sequence")
        }
        guard self == .filtered || self == .refused else { return }
        json.key("stop_details")
        json.beginObject()
        json.member("type", literal: "refusal")
        json.nullMember("category")
        json.nullMember("explanation")
        json.endObject()
    }
}
