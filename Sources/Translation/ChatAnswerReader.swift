import JSON
import Primitives

/// Reads a chat answer, whole or in chunks.
struct ChatAnswerReader {
    /// A call by its index in the vendor's list.
    private struct OpenCall {
        let index: Int
        let key: Int
        var id: String
        var name: String
        var isOpened = false
        var isClosed = false
        var held: [EscapedText] = []
        /// Whether the arguments are a whole object.
        var object = FirstJSONValue()
        var sealed: Sealed?
        let path: String
    }

    private let seed: String
    private var hasStarted = false
    private var isDone = false
    private var id: EscapedText?
    private var model: EscapedText?
    private var nextKey = 0
    private var openText: Int?
    private var openReasoning: Int?
    private var openRefusal: Int?
    private var hasRefused = false
    private var calls: [OpenCall] = []
    private var finish: String?
    var counts = TokenCounts()

    init(seed: String) {
        self.seed = seed
    }

    /// Takes a whole answer.
    mutating func takeWhole(_ body: RawJSON, _ events: inout [AnswerEvent]) {
        take(body, member: "message", &events)
        if !isDone { end(isMarked: true, &events) }
    }

    /// Takes a chunk of a stream.
    mutating func take(_ chunk: RawJSON, _ events: inout [AnswerEvent]) {
        take(chunk, member: "delta", &events)
    }

    private mutating func take(
        _ chunk: RawJSON, member: String, _ events: inout [AnswerEvent]
    ) {
        guard !isDone else { return }
        var choices: [RawJSON] = []
        for entry in chunk.members where !entry.value.isNull {
            switch entry.name {
            case "error":
                isDone = true
                return events.append(.failed(AnswerFailure(chat: entry.value)))
            case "id": id = id ?? entry.value.text
            case "model": model = model ?? entry.value.text
            case "usage":
                if entry.value.isObject { counts = TokenCounts(chat: entry.value) }
            case "choices": choices = entry.value.elements
            default: break
            }
        }
        for (index, choice) in choices.enumerated() {
            guard (choice["index"]?.integer ?? index) == 0 else {
                let loss = Loss(kind: .dropped, path: "choices[\(index)]", isHarmless: false)
                events.append(.lost(loss))
                continue
            }
            take(choice: choice, member, &events)
        }
        if choices.isEmpty, !hasStarted { events.append(.alive) }
    }

    /// Ends the stream: with its mark, or because the vendor closed it.
    mutating func end(isMarked: Bool, _ events: inout [AnswerEvent]) {
        guard !isDone else { return }
        isDone = true
        // Some vendors end with the mark alone.
        guard finish != nil || isMarked && hasStarted else {
            return events.append(.failed(.unfinished))
        }
        start(&events)
        let contents = AnswerContents(
            hasAny: nextKey > 0, hasCalls: !calls.isEmpty, hasRefused: hasRefused)
        guard
            let reason = contents.finish(
                finish.map { FinishWord(chat: $0) } ?? .unknown, spelled: finish,
                at: "choices[0].finish_reason", &events)
        else { return }
        closeTexts(isCut: reason.isCut && calls.isEmpty, &events)
        for index in calls.indices {
            open(&calls[index], &events)
            guard calls[index].isOpened, !calls[index].isClosed else { continue }
            events.append(.closed(key: calls[index].key, isCut: reason.isCut))
        }
        events.append(.finished(reason, counts))
    }

    // MARK: One choice

    private mutating func take(
        choice: RawJSON, _ member: String, _ events: inout [AnswerEvent]
    ) {
        for entry in choice.members where !entry.value.isNull {
            switch entry.name {
            case "error":
                isDone = true
                return events.append(.failed(AnswerFailure(chat: entry.value)))
            case member: take(message: entry.value, "choices[0].\(member)", &events)
            case "usage":
                if entry.value.isObject { counts = TokenCounts(chat: entry.value) }
            case "logprobs":
                if entry.value.members.contains(where: { !$0.value.isEmptyValue }) {
                    let path = "choices[0].logprobs"
                    events.append(.lost(Loss(kind: .dropped, path: path, isHarmless: false)))
                }
            default: break
            }
        }
        if let word = choice["finish_reason"]?.plain, !word.isEmpty {
            start(&events)
            finish = word
            // What the vendor says of its failure is not waited for: its end may never come.
            if case .failed = FinishWord(chat: word) { end(isMarked: true, &events) }
        }
    }

    private mutating func take(
        message: RawJSON, _ path: String, _ events: inout [AnswerEvent]
    ) {
        let members = message.members
        for name in ["reasoning_content", "reasoning"] {
            let value = members.last { $0.name == name }?.value
            guard let text = value?.text, !text.isEmpty else { continue }
            reasoning(text, "\(path).\(name)", &events)
            break
        }
        for entry in members where !entry.value.isNull {
            switch entry.name {
            case "content": content(entry.value, "\(path).content", &events)
            case "refusal":
                if let text = entry.value.text, !text.isEmpty {
                    refusal(text, "\(path).refusal", &events)
                }
            case "tool_calls":
                for (index, call) in entry.value.elements.enumerated() {
                    take(call: call, index, "\(path).tool_calls[\(index)]", &events)
                }
            case "function_call":
                take(function: entry.value, 0, "", "\(path).function_call", nil, &events)
            case "annotations": citations(entry.value, "\(path).annotations", &events)
            case "audio":
                let loss = Loss(kind: .dropped, path: "\(path).audio", isHarmless: false)
                events.append(.lost(loss))
            default: break
            }
        }
    }

    private mutating func start(_ events: inout [AnswerEvent]) {
        guard !hasStarted else { return }
        hasStarted = true
        events.append(.started(id: id, model: model))
        if counts.input != nil { events.append(.counted(counts)) }
    }

    private mutating func makeKey() -> Int {
        nextKey += 1
        return nextKey - 1
    }

    private mutating func reasoning(
        _ text: EscapedText, _ path: String, _ events: inout [AnswerEvent]
    ) {
        start(&events)
        if openReasoning == nil {
            closeTexts(isCut: false, &events)
            let key = makeKey()
            openReasoning = key
            events.append(.opened(AnswerItem(key: key, kind: .reasoning, path: path)))
        }
        if let key = openReasoning { events.append(.text(key: key, text)) }
    }

    private mutating func content(
        _ value: RawJSON, _ path: String, _ events: inout [AnswerEvent]
    ) {
        // Some vendors have a list of parts where the dialect has a text.
        let texts = value.text.map { [$0] } ?? value.elements.compactMap { $0["text"]?.text }
        for text in texts where !text.isEmpty {
            start(&events)
            if openText == nil {
                closeTexts(isCut: false, &events)
                closeWholeCalls(&events)
                let key = makeKey()
                openText = key
                events.append(.opened(AnswerItem(key: key, kind: .text, path: path)))
            }
            if let key = openText { events.append(.text(key: key, text)) }
        }
    }

    private mutating func refusal(
        _ text: EscapedText, _ path: String, _ events: inout [AnswerEvent]
    ) {
        start(&events)
        hasRefused = true
        if openRefusal == nil {
            closeTexts(isCut: false, &events)
            let key = makeKey()
            openRefusal = key
            events.append(.opened(AnswerItem(key: key, kind: .refusal, path: path)))
        }
        if let key = openRefusal { events.append(.text(key: key, text)) }
    }

    private mutating func citations(
        _ value: RawJSON, _ path: String, _ events: inout [AnswerEvent]
    ) {
        for (index, annotation) in value.elements.enumerated() {
            let path = "\(path)[\(index)]"
            let inner = annotation["url_citation"] ?? annotation
            guard let key = openText, let url = inner["url"]?.text else {
                events.append(.lost(Loss(kind: .dropped, path: path, isHarmless: false)))
                continue
            }
            events.append(.citation(key: key, Citation(inner, url), path: path))
        }
    }

    private mutating func closeTexts(isCut: Bool, _ events: inout [AnswerEvent]) {
        let open = [openReasoning, openText, openRefusal].compactMap { $0 }
        for key in open { events.append(.closed(key: key, isCut: isCut)) }
        (openReasoning, openText, openRefusal) = (nil, nil, nil)
    }

    // MARK: Calls

    private mutating func take(
        call: RawJSON, _ position: Int, _ path: String, _ events: inout [AnswerEvent]
    ) {
        let index = call["index"]?.integer ?? position
        let function = call["function"] ?? call["custom"] ?? RawJSON(literal: "{}")
        take(
            function: function, index, call["id"]?.plain ?? "", path,
            call["extra_content"]?["google"]?["thought_signature"]?.text, &events)
    }

    private mutating func take(
        function: RawJSON, _ index: Int, _ id: String, _ path: String,
        _ signature: EscapedText?, _ events: inout [AnswerEvent]
    ) {
        start(&events)
        let position: Int
        if let known = calls.firstIndex(where: { $0.index == index }) {
            position = known
        } else {
            closeTexts(isCut: false, &events)
            closeWholeCalls(&events)
            position = calls.count
            calls.append(
                OpenCall(index: index, key: makeKey(), id: "", name: "", path: path))
        }
        // A vendor may repeat them with every piece: the first ones count.
        if calls[position].id.isEmpty { calls[position].id = id }
        if calls[position].name.isEmpty { calls[position].name = function["name"]?.plain ?? "" }
        if let signature {
            calls[position].sealed = Sealed(form: .gemini, kind: .thought, value: signature)
        }
        let text = (function["arguments"] ?? function["input"])?.text ?? .empty
        if !calls[position].name.isEmpty { open(&calls[position], &events) }
        guard !text.isEmpty, !calls[position].isClosed else { return }
        let plain = text.unescaped
        calls[position].object.take(plain.span)
        if calls[position].isOpened {
            events.append(.arguments(key: calls[position].key, text))
        } else {
            calls[position].held.append(text)
        }
    }

    /// Takes more of an open call's arguments, which were passed on already.
    mutating func keep(_ text: EscapedText, of key: Int) {
        guard let index = calls.firstIndex(where: { $0.key == key }) else { return }
        let plain = text.unescaped
        calls[index].object.take(plain.span)
    }

    private func open(_ call: inout OpenCall, _ events: inout [AnswerEvent]) {
        guard !call.isOpened, !call.name.isEmpty else { return }
        call.isOpened = true
        let id = call.id.isEmpty ? AnswerContext.callName(seed, call.index) : call.id
        var item = AnswerItem(
            key: call.key, kind: .call(id: id, name: call.name), path: call.path)
        item.sealed = call.sealed
        events.append(.opened(item))
        for text in call.held { events.append(.arguments(key: call.key, text)) }
        call.held = []
    }

    /// Calls whose arguments are whole end where something else begins.
    private mutating func closeWholeCalls(_ events: inout [AnswerEvent]) {
        for index in calls.indices
        where calls[index].isOpened && !calls[index].isClosed
            && calls[index].object.finding == .whole
        {
            calls[index].isClosed = true
            events.append(.closed(key: calls[index].key, isCut: false))
        }
    }
}

extension Citation {
    /// A citation of OpenAI's.
    init(_ value: RawJSON, _ url: EscapedText) {
        self.url = url
        title = value["title"]?.text
        if let start = value["start_index"]?.integer, let end = value["end_index"]?.integer,
            start >= 0, start <= end
        {
            range = start..<end
        } else {
            range = nil
        }
    }
}
