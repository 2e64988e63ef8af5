import JSON

/// Reads a Messages answer, whole or in events.
struct MessagesAnswerReader {
    private struct Block {
        let key: Int
        let isCall: Bool
        let isReasoning: Bool
        /// A text may stay empty: it begins with its first piece.
        var isOpened = true
        /// A call's arguments that came with its beginning.
        var prefilled: EscapedText?
        var hasArguments = false
        /// A signature may come in several pieces.
        var signature: [EscapedText] = []
        let path: String
    }

    private var blocks: [Int: Block] = [:]
    private var order: [Int] = []
    private var nextKey = 0
    private var hasCalls = false
    private var counts = TokenCounts()
    private var uncached: Int?
    private var stop: EscapedText?
    private var stopWord: EscapedText?
    private var isDone = false
    private var hasStarted = false
    private var id: EscapedText?

    /// Takes a whole answer.
    mutating func takeWhole(_ body: RawJSON, _ events: inout [AnswerEvent]) {
        if body["type"]?.plain == "error", let error = body["error"] {
            return events.append(.failed(AnswerFailure(messages: error)))
        }
        // What is no answer of the dialect must not become one that is empty and whole.
        guard let content = body["content"] else { return events.append(.failed(.unfinished)) }
        start(body, &events)
        for (index, block) in content.elements.enumerated() {
            begin(block, index, &events)
            end(index, &events)
        }
        delta(body, &events)
        finish(&events)
    }

    /// Takes an event of a stream.
    mutating func take(_ event: RawJSON, _ events: inout [AnswerEvent]) {
        guard !isDone else { return }
        let event = event.opened
        let index = event["index"]?.integer ?? 0
        switch event["type"]?.plain {
        case "message_start":
            let message = event["message"] ?? event
            if !hasStarted {
                start(message, &events)
            } else if !order.isEmpty, message["id"]?.text != id {
                isDone = true
                events.append(.failed(.spliced))
            }
        case "content_block_start":
            if let block = event["content_block"] { begin(block, index, &events) }
        case "content_block_delta":
            if let delta = event["delta"] { take(delta: delta, index, &events) }
        case "content_block_stop": end(index, &events)
        case "message_delta":
            delta(event["delta"] ?? event, &events)
            if let usage = event["usage"] { counts.take(messages: usage, uncached: &uncached) }
        case "message_stop": finish(&events)
        case "error":
            isDone = true
            let error = event["error"] ?? event
            events.append(.failed(AnswerFailure(messages: error)))
        default: events.append(.alive)
        }
    }

    /// Ends the stream, which has an end mark of its own.
    mutating func end(_ events: inout [AnswerEvent]) {
        guard !isDone else { return }
        isDone = true
        events.append(.failed(.unfinished))
    }

    private mutating func start(_ message: RawJSON, _ events: inout [AnswerEvent]) {
        hasStarted = true
        id = message["id"]?.text
        if let usage = message["usage"] { counts.take(messages: usage, uncached: &uncached) }
        events.append(.started(id: message["id"]?.text, model: message["model"]?.text))
    }

    private mutating func delta(_ value: RawJSON, _ events: inout [AnswerEvent]) {
        stop = value["stop_reason"]?.text ?? stop
        stopWord = value["stop_sequence"]?.text ?? stopWord
        // Why the model refuses is said by no other dialect.
        for name in ["category", "explanation"]
        where value["stop_details"]?[name]?.isEmptyValue == false {
            events.append(.lost(Loss(dropped: "stop_details.\(name)")))
        }
    }

    private mutating func finish(_ events: inout [AnswerEvent]) {
        guard !isDone else { return }
        isDone = true
        let contents = AnswerContents(hasAny: !order.isEmpty, hasCalls: hasCalls)
        let word = stop?.plain
        let meaning = word.map { FinishWord(messages: $0, stopWord: stopWord) } ?? .unknown
        guard let reason = contents.finish(meaning, spelled: word, at: "stop_reason", &events)
        else { return }
        for index in order {
            // What the length cut off has no end of its own; some servers write none at all.
            guard reason.isCut else {
                end(index, &events)
                continue
            }
            if let block = blocks.removeValue(forKey: index), block.isOpened {
                events.append(.closed(key: block.key, isCut: true))
            }
        }
        events.append(.finished(reason, counts))
    }

    // MARK: Blocks

    private mutating func begin(
        _ block: RawJSON, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        let path = "content[\(index)]"
        let kind: AnswerItem.Kind
        var text = EscapedText.empty
        switch block["type"]?.plain {
        case "text":
            kind = .text
            text = block["text"]?.text ?? .empty
        case "thinking":
            kind = .reasoning
            text = block["thinking"]?.text ?? .empty
        case "redacted_thinking": kind = .reasoning
        case "tool_use":
            let id = block["id"]?.plain ?? ""
            kind = .call(
                id: id.isEmpty ? "call_\(index)" : id, name: block["name"]?.plain ?? "")
        default:
            // Tools that the vendor runs are no calls of the client's.
            events.append(.lost(Loss(kind: .dropped, path: path, isHarmless: false)))
            return events.append(.alive)
        }
        // Some servers end no block, and some have one index for all of them. Behind its signature
        // reasoning is whole.
        let whole = blocks.filter { !$0.value.signature.isEmpty }.keys
        for known in whole.sorted() + [index] { end(known, &events) }
        let item = AnswerItem(key: nextKey, kind: kind, path: path)
        nextKey += 1
        var open = Block(
            key: item.key, isCall: item.isCall, isReasoning: kind.isReasoning, path: path)
        if let input = block["input"], !input.isEmptyValue {
            open.prefilled = EscapedText(bytes: input.compact[...])
        }
        if let signature = block["signature"]?.text, !signature.isEmpty {
            open.signature = [signature]
        }
        if case .text = kind { open.isOpened = false }
        blocks[index] = open
        hasCalls = hasCalls || item.isCall
        if open.isOpened {
            order.append(index)
            events.append(.opened(item))
        }
        if !text.isEmpty {
            self.open(index, &events)
            events.append(.text(key: item.key, text))
        }
        if let data = block["data"]?.text, kind.isReasoning {
            let sealed = Sealed(form: .messages, kind: .redacted, value: data)
            events.append(.sealed(key: item.key, sealed, path: "\(path).data"))
        }
        for citation in block["citations"]?.elements ?? [] { cite(citation, index, &events) }
    }

    private mutating func open(_ index: Int, _ events: inout [AnswerEvent]) {
        guard let block = blocks[index], !block.isOpened else { return }
        blocks[index]?.isOpened = true
        order.append(index)
        events.append(.opened(AnswerItem(key: block.key, kind: .text, path: block.path)))
    }

    private mutating func take(
        delta: RawJSON, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        guard let block = blocks[index] else { return events.append(.alive) }
        let delta = delta.opened
        switch delta["type"]?.plain {
        case "text_delta" where !block.isCall && !block.isReasoning:
            if let text = delta["text"]?.text, !text.isEmpty {
                open(index, &events)
                events.append(.text(key: block.key, text))
            }
        case "thinking_delta" where block.isReasoning:
            if let text = delta["thinking"]?.text, !text.isEmpty {
                events.append(.text(key: block.key, text))
            }
        case "signature_delta" where block.isReasoning:
            if let text = delta["signature"]?.text, !text.isEmpty {
                blocks[index]?.signature.append(text)
            }
        case "input_json_delta" where block.isCall:
            if let text = delta["partial_json"]?.text, !text.isEmpty {
                blocks[index]?.hasArguments = true
                events.append(.arguments(key: block.key, text))
            }
        case "citations_delta":
            if let citation = delta["citation"] { cite(citation, index, &events) }
        default: events.append(.alive)
        }
    }

    private mutating func end(_ index: Int, _ events: inout [AnswerEvent]) {
        guard let block = blocks.removeValue(forKey: index), block.isOpened else { return }
        if let prefilled = block.prefilled, !block.hasArguments {
            events.append(.arguments(key: block.key, prefilled))
        }
        if !block.signature.isEmpty {
            let value = EscapedText.joined(block.signature, by: .empty)
            let sealed = Sealed(form: .messages, kind: .signature, value: value)
            events.append(.sealed(key: block.key, sealed, path: "\(block.path).signature"))
        }
        events.append(.closed(key: block.key, isCut: false))
    }

    private mutating func cite(
        _ value: RawJSON, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        guard let block = blocks[index] else { return }
        let path = "\(block.path).citations"
        guard let url = value["url"]?.text else {
            return events.append(.lost(Loss(kind: .dropped, path: path, isHarmless: false)))
        }
        open(index, &events)
        let citation = Citation(url: url, title: value["title"]?.text, range: nil)
        events.append(.citation(key: block.key, citation, path: path))
    }
}

extension AnswerItem.Kind {
    var isReasoning: Bool {
        if case .reasoning = self { true } else { false }
    }
}
