import Primitives

/// Writes a Responses answer in events.
struct ResponsesStreamWriter: ~Copyable {
    private var output = ByteBuffer()
    private let frame = EventFrame(form: .responses)
    private let context: AnswerContext
    private var envelope: ResponsesEnvelope
    private var transcript = AnswerTranscript()
    private var hasStarted = false
    /// The number of the next event.
    var sequence = 0
    /// The name of each item, by its key, and how many of a kind there are.
    private var ids: [Int: String] = [:]
    private var counters: [String: Int] = [:]
    /// Where each item stands in the answer, as the client counts them.
    private var indexes: [Int: Int] = [:]
    private var order: [(key: Int, id: String)] = []
    /// How likely the tokens of the next text were.
    private var odds: [TokenOdds] = []

    init(_ context: AnswerContext) {
        self.context = context
        envelope = ResponsesEnvelope(context: context)
    }

    var lost: [Loss] { transcript.losses.entries }
    /// Whether something was written that a client sees as the answer's beginning.
    var hasBegun: Bool { hasStarted }

    /// Moves what was written out.
    mutating func take(into other: inout ByteBuffer) {
        other.append(contentsOf: output)
        output.removeAll()
    }

    mutating func take(_ event: AnswerEvent) {
        // Gemini's signature of a call has an item of its own before the call.
        if case .opened(let item) = event, item.isCall, let sealed = item.sealed {
            seal(sealed, before: item)
        }
        transcript.take(event)
        switch event {
        case .started(_, let model): envelope.model = context.model ?? model?.plain ?? ""
        case .opened(let item):
            start()
            // No event says its arguments, so that it begins when they are whole.
            if tool(item)?.ownItem == nil { open(item) }
        case .text(let key, let text): self.text(key, text)
        case .pieceEnded(let key): endPiece(key)
        case .arguments(let key, let text): arguments(key, text)
        case .citation(let key, let citation, _): cite(key, citation)
        case .closed(let key, let isCut): close(key, isCut)
        case .finished(let finish, let counts): end(finish, counts)
        case .failed(let failure): fail(failure)
        case .alive: if hasStarted { frame.appendSignOfLife(to: &output) }
        case .odds(_, let tokens, _): odds += tokens
        case .sealed, .lost, .counted: break
        }
    }

    private func item(_ key: Int) -> ResponsesItem? {
        guard let entry = transcript.item(key), let id = ids[key] else { return nil }
        return ResponsesItem(
            entry: entry, id: id, source: context.source, tool: tool(entry.item))
    }

    private func tool(_ item: AnswerItem) -> AnsweredTool? {
        guard case .call(_, let name) = item.kind else { return nil }
        return context.tools[name]
    }

    private mutating func event(
        _ name: StaticString, _ body: (inout JSONWriter) -> Void
    ) {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", literal: name)
        json.member("sequence_number", sequence)
        body(&json)
        json.endObject()
        sequence += 1
        frame.append(name, json, to: &output)
    }

    /// An event of an item.
    private mutating func event(
        _ name: StaticString, _ key: Int, _ body: (inout JSONWriter) -> Void
    ) {
        let (id, index) = (ids[key] ?? "", indexes[key] ?? 0)
        event(name) { json in
            json.member("item_id", id)
            json.member("output_index", index)
            body(&json)
        }
    }

    private mutating func start() {
        guard !hasStarted else { return }
        hasStarted = true
        let envelope = envelope
        let names: [StaticString] = ["response.created", "response.in_progress"]
        for name in names {
            event(name) { json in
                json.key("response")
                envelope.write("in_progress", to: &json) { _ in }
            }
        }
    }

    // MARK: Items

    private mutating func open(_ item: AnswerItem) {
        let prefix = ResponsesItem.prefix(item, tool(item))
        counters[prefix, default: 0] += 1
        let number = counters[prefix] ?? 1
        let id = context.seed.isEmpty ? "\(prefix)\(number)" : "\(prefix)\(context.seed)_\(number)"
        ids[item.key] = id
        indexes[item.key] = order.count
        order.append((item.key, id))
        guard let written = self.item(item.key) else { return }
        let index = order.count - 1
        event("response.output_item.added") { json in
            json.member("output_index", index)
            json.key("item")
            written.write(.inProgress, to: &json)
        }
        switch item.kind {
        case .text, .refusal:
            event("response.content_part.added", item.key) { json in
                json.member("content_index", 0)
                json.key("part")
                written.writePart(isWhole: false, to: &json)
            }
        case .reasoning: break
        case .call:
            guard let arguments = item.arguments, !written.isCustom,
                written.tool?.ownItem == nil
            else { return }
            event("response.function_call_arguments.delta", item.key) { json in
                json.member("delta", arguments)
            }
        }
    }

    private mutating func text(_ key: Int, _ text: EscapedText) {
        guard let entry = transcript.item(key) else { return }
        let piece = entry.pieces.count - 1
        // The piece begins with its first text, which the transcript has already.
        if entry.item.kind.isReasoning, entry.pieces[piece].count == text.inner.count {
            beginPiece(key, piece)
        }
        delta(key, text, entry)
    }

    private mutating func delta(
        _ key: Int, _ text: EscapedText, _ entry: AnswerTranscript.Item
    ) {
        switch entry.item.kind {
        case .text:
            let tokens = odds
            odds = []
            event("response.output_text.delta", key) { json in
                json.member("content_index", 0)
                json.member("delta", text)
                json.key("logprobs")
                TokenOdds.write(tokens, to: &json)
            }
        case .refusal:
            event("response.refusal.delta", key) { json in
                json.member("content_index", 0)
                json.member("delta", text)
            }
        case .reasoning:
            let piece = entry.pieces.count - 1
            event("response.reasoning_summary_text.delta", key) { json in
                json.member("summary_index", piece)
                json.member("delta", text)
            }
        case .call: break
        }
    }

    private mutating func arguments(_ key: Int, _ text: EscapedText) {
        guard let item = item(key), !item.isCustom else { return }
        event("response.function_call_arguments.delta", key) { json in
            json.member("delta", text)
        }
    }

    /// The frame around more of an open item's text; nil where that goes out whole.
    mutating func template(of key: Int, isArguments: Bool) -> FrameTemplate? {
        guard let entry = transcript.item(key) else { return nil }
        let next = sequence
        if isArguments {
            arguments(key, FrameTemplate.mark)
        } else {
            delta(key, FrameTemplate.mark, entry)
        }
        sequence = next
        let frame = Array(output.bytes)
        output.removeAll()
        return FrameTemplate(frame, numberedBehind: "\"sequence_number\":")
    }

    /// Takes more of an item's text, which was passed on already.
    mutating func keep(_ text: EscapedText, of key: Int, isArguments: Bool) {
        transcript.take(isArguments ? .arguments(key: key, text) : .text(key: key, text))
    }

    private mutating func beginPiece(_ key: Int, _ piece: Int) {
        event("response.reasoning_summary_part.added", key) { json in
            json.member("summary_index", piece)
            json.key("part")
            ResponsesItem.writeSummary(.empty, to: &json)
        }
    }

    /// Ends the piece before the one that the transcript has begun.
    private mutating func endPiece(_ key: Int) {
        guard let entry = transcript.item(key), entry.pieces.count > 1 else { return }
        endPiece(key, entry.pieces.count - 2, entry)
    }

    private mutating func endPiece(
        _ key: Int, _ piece: Int, _ entry: AnswerTranscript.Item
    ) {
        let text = EscapedText(inner: entry.pieces[piece][...])
        guard !text.isEmpty else { return }
        event("response.reasoning_summary_text.done", key) { json in
            json.member("summary_index", piece)
            json.member("text", text)
        }
        event("response.reasoning_summary_part.done", key) { json in
            json.member("summary_index", piece)
            json.key("part")
            ResponsesItem.writeSummary(text, to: &json)
        }
    }

    private mutating func cite(_ key: Int, _ citation: Citation) {
        guard let entry = transcript.item(key) else { return }
        let position = entry.citations.count - 1
        event("response.output_text.annotation.added", key) { json in
            json.member("content_index", 0)
            json.member("annotation_index", position)
            json.key("annotation")
            ResponsesItem.write(citation, to: &json)
        }
    }

    /// An item for a signature that stands alone.
    private mutating func seal(_ sealed: Sealed, before item: AnswerItem) {
        // Keys of the vendor's count up from zero.
        let key = -1 - item.key
        let path = "\(item.path).thoughtSignature"
        take(.opened(AnswerItem(key: key, kind: .reasoning, path: path)))
        take(.sealed(key: key, sealed, path: path))
        take(.closed(key: key, isCut: false))
    }

    private mutating func close(_ key: Int, _ isCut: Bool) {
        if ids[key] == nil, !isCut, let entry = transcript.item(key) { open(entry.item) }
        guard let item = item(key) else { return }
        let entry = item.entry
        switch entry.item.kind {
        case .text:
            event("response.output_text.done", key) { json in
                json.member("content_index", 0)
                json.member("text", entry.text)
                json.key("logprobs")
                TokenOdds.write(entry.odds, to: &json)
            }
            endPart(key, item)
        case .refusal:
            event("response.refusal.done", key) { json in
                json.member("content_index", 0)
                json.member("refusal", entry.text)
            }
            endPart(key, item)
        case .reasoning: endPiece(key, entry.pieces.count - 1, entry)
        case .call: endCall(key, item, isCut)
        }
        let index = indexes[key] ?? 0
        event("response.output_item.done") { json in
            json.member("output_index", index)
            json.key("item")
            item.write(isCut ? .incomplete : .completed, to: &json)
        }
    }

    private mutating func endPart(_ key: Int, _ item: ResponsesItem) {
        event("response.content_part.done", key) { json in
            json.member("content_index", 0)
            json.key("part")
            item.writePart(isWhole: true, to: &json)
        }
    }

    private mutating func endCall(_ key: Int, _ item: ResponsesItem, _ isCut: Bool) {
        guard !isCut, item.tool?.ownItem == nil else { return }
        if item.isCustom {
            let text = item.entry.freeText
            if !text.isEmpty {
                event("response.custom_tool_call_input.delta", key) { json in
                    json.member("delta", text)
                }
            }
            event("response.custom_tool_call_input.done", key) { json in
                json.member("input", text)
            }
        } else if case .call(_, let name) = item.entry.item.kind {
            let arguments = EscapedText(inner: item.entry.arguments[...])
            event("response.function_call_arguments.done", key) { json in
                json.member("name", item.tool?.name ?? name)
                json.member("arguments", arguments)
            }
        }
    }

    // MARK: The end

    private mutating func end(_ finish: Finish, _ counts: TokenCounts) {
        start()
        if let path = finish.ownPath { transcript.lose(path) }
        let isWhole = finish.incompleteReason == nil
        let name: StaticString = isWhole ? "response.completed" : "response.incomplete"
        let status: StaticString = isWhole ? "completed" : "incomplete"
        let (envelope, items) = (envelope, writtenItems)
        event(name) { json in
            json.key("response")
            envelope.write(status, finish: finish, counts: counts, to: &json) { json in
                for item in items {
                    item.write(item.entry.isCut ? .incomplete : .completed, to: &json)
                }
            }
        }
    }

    private mutating func fail(_ failure: AnswerFailure) {
        start()
        let (envelope, items) = (envelope, writtenItems.filter(\.entry.isClosed))
        event("response.failed") { json in
            json.key("response")
            envelope.write("failed", failure: failure, to: &json) { json in
                for item in items { item.write(.completed, to: &json) }
            }
        }
    }

    private var writtenItems: [ResponsesItem] {
        var items: [ResponsesItem] = []
        for entry in order {
            if let item = item(entry.key) { items.append(item) }
        }
        return items
    }
}
