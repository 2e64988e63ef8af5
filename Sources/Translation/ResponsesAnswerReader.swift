import JSON

/// Reads a Responses answer, whole or in events.
///
/// An item is known by its index: behind some gateways its name differs from event to event.
struct ResponsesAnswerReader {
    private struct Item {
        var key: Int
        var isOpened = false
        var isClosed = false
        /// What was passed on of the item's text or arguments, to find what is missing at its end.
        var sent: [UInt8] = []
        /// The piece of reasoning that the last text belongs to.
        var piece: Piece?
        /// How many citations were passed on; the item's end repeats them.
        var citations = 0
        var kind: AnswerItem.Kind
        /// Whether the probabilities of its tokens were passed on; the item's end repeats them.
        var hasOdds = false
        /// Whether it is a call with free text.
        var isFreeText = false
        let path: String
    }

    /// A part of an item of reasoning.
    private struct Piece: Equatable {
        let isSummary: Bool
        let index: Int
    }

    private var items: [Int: Item] = [:]
    private var positions = TextPositions()
    /// Where an item is kept whose index had another one before.
    private var slots: [Int: Int] = [:]
    /// The names of items and of their calls.
    private var names: Set<String> = []
    private var nextKey = 0
    private var hasCalls = false
    private var hasRefused = false
    private var hasStarted = false
    private var id: EscapedText?
    private var isDone = false

    /// Takes a whole answer.
    mutating func takeWhole(_ body: RawJSON, _ events: inout [AnswerEvent]) {
        // What is no answer of the dialect must not become one that is empty and whole.
        guard body["output"] != nil || body["status"] != nil || body["error"] != nil else {
            return events.append(.failed(.unfinished))
        }
        start(body, &events)
        finish(body, nil, &events)
    }

    /// Takes an event of a stream.
    mutating func take(_ event: RawJSON, _ events: inout [AnswerEvent]) {
        guard !isDone else { return }
        let event = event.opened
        let number = event["output_index"]?.integer ?? 0
        let index = slots[number] ?? number
        switch event["type"]?.plain ?? "" {
        case "response.created": begin(event["response"] ?? event, &events)
        case "response.output_item.added":
            if let item = event["item"] { add(item, slot(of: item, number), &events) }
        case "response.output_item.done":
            if let item = event["item"] { complete(item, index, &events) }
        case "response.output_text.delta", "response.refusal.delta",
            "response.reasoning_text.delta", "response.reasoning_summary_text.delta":
            text(event, index, &events)
        case "response.reasoning_summary_part.added":
            let piece = Piece(isSummary: true, index: event["summary_index"]?.integer ?? 0)
            begin(piece, index, &events)
        case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
            if let delta = event["delta"]?.text { append(delta, index, &events) }
        case "response.function_call_arguments.done":
            if let text = event["arguments"]?.spokenArguments { reconcile(text, index, &events) }
        case "response.custom_tool_call_input.done":
            if let text = event["input"]?.text { reconcile(text, index, &events) }
        case "response.completed": finish(event["response"] ?? event, "completed", &events)
        case "response.incomplete": finish(event["response"] ?? event, "incomplete", &events)
        case "response.done": finish(event["response"] ?? event, nil, &events)
        case "response.failed":
            isDone = true
            let error = event["response"]?["error"] ?? event
            events.append(.failed(AnswerFailure(responses: error)))
        case "error":
            isDone = true
            events.append(.failed(AnswerFailure(responses: event["error"] ?? event)))
        case "response.output_text.annotation.added":
            if let annotation = event["annotation"] {
                cite(annotation, index, event["content_index"]?.integer ?? 0, &events)
            }
        case let type:
            if type.hasPrefix("response.audio.") {
                events.append(.lost(Loss(kind: .dropped, path: "audio", isHarmless: false)))
            }
            events.append(.alive)
        }
    }

    /// Ends the stream, which has end marks of its own.
    mutating func end(_ events: inout [AnswerEvent]) {
        guard !isDone else { return }
        isDone = true
        events.append(.failed(.unfinished))
    }

    /// Takes the beginning of a stream's answer; another answer in the same stream is a failure.
    private mutating func begin(_ response: RawJSON, _ events: inout [AnswerEvent]) {
        let next = response["id"]?.text
        if hasStarted, !items.isEmpty, next != id {
            isDone = true
            return events.append(.failed(.spliced))
        }
        start(response, &events)
    }

    private mutating func start(_ response: RawJSON, _ events: inout [AnswerEvent]) {
        guard !hasStarted else { return }
        hasStarted = true
        id = response["id"]?.text
        events.append(.started(id: response["id"]?.text, model: response["model"]?.text))
    }

    /// `event`: the status that the event itself says, of which some gateways keep an older one.
    private mutating func finish(
        _ response: RawJSON, _ event: String?, _ events: inout [AnswerEvent]
    ) {
        isDone = true
        if let error = response["error"] {
            return events.append(.failed(AnswerFailure(responses: error)))
        }
        for (index, item) in (response["output"]?.elements ?? []).enumerated()
        where items[index] != nil || !isKnown(item) {
            complete(item, index, &events)
        }
        guard let finish = reason(response, event, &events) else { return }
        for key in items.keys.sorted() {
            guard let item = items[key], item.isOpened, !item.isClosed else { continue }
            events.append(.closed(key: item.key, isCut: finish.isCut))
        }
        let counts = response["usage"].map { TokenCounts(responses: $0) } ?? TokenCounts()
        events.append(.finished(finish, counts))
    }

    /// Why the answer ends; nil where the vendor failed.
    private func reason(
        _ response: RawJSON, _ event: String?, _ events: inout [AnswerEvent]
    ) -> Finish? {
        let path = "incomplete_details.reason"
        switch response["incomplete_details"]?["reason"]?.plain {
        case nil: break
        case "max_output_tokens": return .length
        case "content_filter": return .filtered
        case let reason:
            events.append(.lost(Loss(kind: .changed, path: path, isHarmless: false)))
            // The model said all that it was to say here.
            let isEnd = reason == "max_messages" || reason == "steered"
            return isEnd ? .end : .length
        }
        let contents = AnswerContents(
            hasAny: items.values.contains(where: \.isOpened), hasCalls: hasCalls,
            hasRefused: hasRefused)
        var status = response["status"]?.plain ?? event ?? "completed"
        if let event, status == "in_progress" || status == "queued" { status = event }
        return contents.finish(
            FinishWord(status: status), spelled: status, at: "status", &events)
    }

    // MARK: Items

    private mutating func add(
        _ value: RawJSON, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        guard items[index] == nil else { return }
        let path = "output[\(index < 0 ? items.count : index)]"
        for name in ["id", "call_id"] { value[name]?.plain.map { _ = names.insert($0) } }
        let kind: AnswerItem.Kind
        switch value["type"]?.plain {
        case "message": kind = .text
        case "reasoning": kind = .reasoning
        case "function_call", "custom_tool_call":
            hasCalls = true
            let id = (value["call_id"] ?? value["id"])?.plain ?? ""
            kind = .call(
                id: id.isEmpty ? "call_\(index)" : id, name: value["name"]?.plain ?? "")
        default:
            // Tools that the vendor runs are no calls of the client's.
            items[index] = Item(key: -1, isClosed: true, kind: .text, path: path)
            events.append(.lost(Loss(kind: .dropped, path: path, isHarmless: false)))
            return events.append(.alive)
        }
        let isFreeText = value["type"]?.plain == "custom_tool_call"
        items[index] = Item(key: nextKey, kind: kind, isFreeText: isFreeText, path: path)
        if value["phase"]?.isEmptyValue == false {
            events.append(.lost(Loss(dropped: "\(path).phase")))
        }
        nextKey += 1
        // A text may stay empty, and reasoning sealed: they begin with their first piece.
        if case .call = kind { open(index, &events) }
    }

    /// Whether an item of this name, or a call, was there before.
    private func isKnown(_ item: RawJSON) -> Bool {
        ["id", "call_id"].contains { name in item[name]?.plain.map(names.contains) == true }
    }

    /// Where an item is kept that begins: some servers give several the same index.
    private mutating func slot(of item: RawJSON, _ number: Int) -> Int {
        let slot = slots[number] ?? number
        guard items[slot]?.isClosed == true, !isKnown(item) else { return slot }
        let next = Int.min + items.count
        slots[number] = next
        return next
    }

    private mutating func open(_ index: Int, _ events: inout [AnswerEvent]) {
        guard let item = items[index], !item.isOpened, !item.isClosed else { return }
        items[index]?.isOpened = true
        if case .text = item.kind { positions.begin(index) }
        var opened = AnswerItem(key: item.key, kind: item.kind, path: item.path)
        opened.isFreeText = item.isFreeText
        events.append(.opened(opened))
    }

    /// Goes on to a piece of reasoning, which some gateways write without its beginning.
    private mutating func begin(_ piece: Piece, _ index: Int, _ events: inout [AnswerEvent]) {
        guard let item = items[index], !item.isClosed, item.piece != piece else { return }
        if item.piece != nil, item.isOpened { events.append(.pieceEnded(key: item.key)) }
        items[index]?.piece = piece
    }

    private mutating func text(
        _ event: RawJSON, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        guard let delta = event["delta"]?.text else { return }
        switch event["type"]?.plain {
        case "response.refusal.delta": turn(index, to: .refusal, &events)
        case "response.output_text.delta":
            turn(index, to: .text, &events)
            let part = event["content_index"]?.integer ?? 0
            positions.begin(part: part, of: index, behind: items[index]?.sent ?? [])
        case "response.reasoning_summary_text.delta":
            let piece = Piece(isSummary: true, index: event["summary_index"]?.integer ?? 0)
            begin(piece, index, &events)
        default:
            let piece = Piece(isSummary: false, index: event["content_index"]?.integer ?? 0)
            begin(piece, index, &events)
        }
        if let odds = event["logprobs"], !odds.isEmptyValue { take(odds, index, &events) }
        append(delta, index, &events)
    }

    private mutating func take(
        _ odds: RawJSON, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        guard let item = items[index], !item.isClosed else { return }
        let tokens = TokenOdds.list(openAI: odds)
        let path = "output[\(index)].content[0].logprobs"
        guard !tokens.isEmpty, case .text = item.kind else {
            return events.append(.lost(Loss(dropped: path)))
        }
        open(index, &events)
        items[index]?.hasOdds = true
        events.append(.odds(key: item.key, tokens, path: path))
    }

    /// Goes on to a part of a message that is a text or a refusal: one is not the other's end.
    private mutating func turn(
        _ index: Int, to kind: AnswerItem.Kind, _ events: inout [AnswerEvent]
    ) {
        if case .refusal = kind { hasRefused = true }
        guard let item = items[index], !item.isClosed else { return }
        switch (item.kind, kind) {
        case (.text, .refusal), (.refusal, .text): break
        default: return
        }
        items[index]?.kind = kind
        guard item.isOpened else { return }
        events.append(.closed(key: item.key, isCut: false))
        items[index]?.key = nextKey
        items[index]?.isOpened = false
        nextKey += 1
    }

    private mutating func append(
        _ delta: EscapedText, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        // A piece of an item that was never added, or is whole, belongs to none.
        guard let item = items[index], !item.isClosed, !delta.isEmpty else { return }
        open(index, &events)
        items[index]?.sent += delta.inner
        switch item.kind {
        case .call: events.append(.arguments(key: item.key, delta))
        default: events.append(.text(key: item.key, delta))
        }
    }

    /// Takes more of an open item's text, which was passed on already.
    mutating func keep(_ text: EscapedText, of key: Int) {
        guard let index = items.first(where: { $0.value.key == key })?.key else { return }
        items[index]?.sent += text.inner
    }

    /// Passes on what is missing of a text that is now known whole.
    private mutating func reconcile(
        _ whole: EscapedText, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        guard let item = items[index], !item.isClosed else { return }
        guard whole.inner.starts(with: item.sent) else { return }
        append(EscapedText(inner: whole.inner.dropFirst(item.sent.count)), index, &events)
    }

    private mutating func complete(
        _ value: RawJSON, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        add(value, index, &events)
        guard let item = items[index], !item.isClosed else { return }
        switch item.kind {
        case .call:
            if let text = (value["arguments"] ?? value["input"])?.spokenArguments {
                reconcile(text, index, &events)
            }
        case .reasoning: reasoning(value, index, &events)
        case .text, .refusal: message(value, index, &events)
        }
        guard let item = items[index], item.isOpened else { return }
        items[index]?.isClosed = true
        let isCut = value["status"]?.plain == "incomplete"
        events.append(.closed(key: item.key, isCut: isCut))
    }

    private mutating func message(
        _ value: RawJSON, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        let parts = value["content"]?.elements ?? []
        hasRefused = hasRefused || parts.contains { $0["type"]?.plain == "refusal" }
        if items[index]?.hasOdds == false {
            for part in parts {
                if let odds = part["logprobs"], !odds.isEmptyValue { take(odds, index, &events) }
            }
        }
        var whole: [UInt8] = []
        for (position, part) in parts.enumerated() {
            guard let text = (part["text"] ?? part["refusal"])?.text else { continue }
            whole += text.inner
            guard let item = items[index], whole.count > item.sent.count else { continue }
            turn(index, to: part["type"]?.plain == "refusal" ? .refusal : .text, &events)
            positions.begin(part: position, of: index, behind: item.sent)
            reconcile(EscapedText(inner: whole[...]), index, &events)
        }
        let known = items[index]?.citations ?? 0
        let cited = parts.enumerated().flatMap { position, part in
            (part["annotations"]?.elements ?? []).map { (annotation: $0, part: position) }
        }
        for each in cited.dropFirst(known) { cite(each.annotation, index, each.part, &events) }
    }

    private mutating func cite(
        _ value: RawJSON, _ index: Int, _ part: Int, _ events: inout [AnswerEvent]
    ) {
        let path = "\(items[index]?.path ?? "output").content[\(part)].annotations"
        items[index]?.citations += 1
        guard let item = items[index], item.isOpened, let url = value["url"]?.text else {
            return events.append(.lost(Loss(kind: .dropped, path: path, isHarmless: false)))
        }
        var citation = Citation(value, url)
        let items = items
        positions.locate(&citation, part: part, of: index) { items[$0]?.sent ?? [] }
        events.append(.citation(key: item.key, citation, path: path))
    }

    private mutating func reasoning(
        _ value: RawJSON, _ index: Int, _ events: inout [AnswerEvent]
    ) {
        let parts = (value["summary"]?.elements ?? []) + (value["content"]?.elements ?? [])
        if items[index]?.sent.isEmpty == true {
            for (position, text) in parts.compactMap({ $0["text"]?.text }).enumerated() {
                if position > 0, let key = items[index]?.key {
                    events.append(.pieceEnded(key: key))
                }
                append(text, index, &events)
            }
        }
        guard let sealed = value["encrypted_content"]?.text, let item = items[index] else {
            return
        }
        open(index, &events)
        let whole = Sealed(
            form: .responses, kind: .encrypted, value: sealed, item: value["id"]?.text)
        events.append(
            .sealed(key: item.key, whole, path: "\(item.path).encrypted_content"))
    }
}
