import JSON
import Primitives

/// Reads a chat answer, whole or in chunks.
struct ChatAnswerReader {
    let seed: String
    private var hasStarted = false
    private var isDone = false
    private var id: EscapedText?
    /// Whether several chunks have the answer's name, so that another one is another answer's.
    private var isNamed = false
    private var model: EscapedText?
    private var nextKey = 0
    private var openText: Int?
    /// How many items with text there were.
    private var textCount = 0
    private var openReasoning: Int?
    private var openRefusal: Int?
    private var hasRefused = false
    var calls: [OpenCall] = []
    private var finish: String?
    /// What the choice says of its tokens, until its text takes it.
    private var odds: RawJSON?
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
        var isOther = false
        for entry in chunk.members where !entry.value.isNull {
            switch entry.name {
            case "error":
                isDone = true
                return events.append(.failed(AnswerFailure(chat: entry.value)))
            case "id":
                let name = entry.value.text
                if id == nil { id = name } else if id == name { isNamed = true }
                isOther = isNamed && id != name
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
            // Some vendors give each chunk a name of its own; none of them begins anew with it.
            if isOther, nextKey > 0, choice[member]?["role"] != nil {
                isDone = true
                return events.append(.failed(.spliced))
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
        let isTextCut = reason.isCut && calls.isEmpty
        for index in calls.indices {
            open(index, &events)
            guard calls[index].isOpened, !calls[index].isClosed else { continue }
            closeTexts(isCut: isTextCut, before: calls[index].key, &events)
            events.append(.closed(key: calls[index].key, isCut: reason.isCut))
        }
        closeTexts(isCut: isTextCut, &events)
        events.append(.finished(reason, counts))
    }

    // MARK: One choice

    private mutating func take(
        choice: RawJSON, _ member: String, _ events: inout [AnswerEvent]
    ) {
        odds = choice["logprobs"]
        defer { loseOdds(&events) }
        for entry in choice.members where !entry.value.isNull {
            switch entry.name {
            case "error":
                isDone = true
                return events.append(.failed(AnswerFailure(chat: entry.value)))
            case member:
                take(
                    message: entry.value, "choices[0].\(member)", isWhole: member == "message",
                    &events)
            case "usage":
                if entry.value.isObject { counts = TokenCounts(chat: entry.value) }
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
        message: RawJSON, _ path: String, isWhole: Bool, _ events: inout [AnswerEvent]
    ) {
        let members = message.members
        var isReasoned = false
        for name in ["reasoning_content", "reasoning"] {
            let value = members.last { $0.name == name }?.value
            guard let text = value?.text, !text.isEmpty else { continue }
            reasoning(text, "\(path).\(name)", &events)
            isReasoned = true
            break
        }
        if let details = members.last(where: { $0.name == "reasoning_details" })?.value {
            let path = "\(path).reasoning_details"
            take(reasoningDetails: details, path, isKnown: isReasoned, &events)
        }
        // A call closes the text that a citation is of, and servers write members in any order.
        let order = ["content", "annotations", "refusal", "tool_calls", "function_call"]
        let later = members.filter { !order.contains($0.name) }
        let ranked = order.flatMap { name in members.filter { $0.name == name } } + later
        for entry in ranked where !entry.value.isNull {
            switch entry.name {
            case "content": content(entry.value, "\(path).content", &events)
            case "refusal":
                if let text = entry.value.text, !text.isEmpty {
                    refusal(text, "\(path).refusal", &events)
                }
            case "tool_calls":
                let calls = entry.value.elements
                for (index, call) in calls.enumerated() {
                    var piece = CallPiece(path: "\(path).tool_calls[\(index)]")
                    (piece.position, piece.count) = (index, calls.count)
                    piece.isWhole = isWhole
                    take(call: call, piece, &events)
                }
            case "function_call":
                let piece = CallPiece(index: 0, path: "\(path).function_call")
                take(function: entry.value, piece, &events)
            case "annotations": citations(entry.value, "\(path).annotations", &events)
            case "audio":
                let loss = Loss(kind: .dropped, path: "\(path).audio", isHarmless: false)
                events.append(.lost(loss))
            case "role", "reasoning_content", "reasoning", "reasoning_details": break
            default:
                let value = entry.value
                guard !value.isEmptyValue, value.text?.isEmpty != true else { continue }
                events.append(.lost(Loss(dropped: "\(path).\(entry.name)")))
            }
        }
    }

    /// Reasoning in pieces, as routers have it: texts, summaries, and what only its vendor reads.
    ///
    /// `isKnown`: its text stands beside it as well.
    private mutating func take(
        reasoningDetails details: RawJSON, _ path: String, isKnown: Bool,
        _ events: inout [AnswerEvent]
    ) {
        for (index, detail) in details.elements.enumerated() {
            let path = "\(path)[\(index)]"
            if let text = (detail["text"] ?? detail["summary"])?.text {
                if !isKnown, !text.isEmpty { reasoning(text, path, &events) }
                let signature = detail["signature"]?.text
                if signature?.isEmpty == false {
                    events.append(.lost(Loss(dropped: "\(path).signature")))
                }
            } else if !detail.isEmptyValue {
                events.append(.lost(Loss(dropped: path)))
            }
        }
    }

    mutating func start(_ events: inout [AnswerEvent]) {
        guard !hasStarted else { return }
        hasStarted = true
        events.append(.started(id: id, model: model))
        if counts.input != nil { events.append(.counted(counts)) }
    }

    mutating func makeKey() -> Int {
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
        if let text = value.text { return self.text(text, path, &events) }
        // Some vendors have a list of parts where the dialect has a text.
        for (index, part) in value.elements.enumerated() {
            let path = "\(path)[\(index)]"
            if let text = part["text"]?.text {
                self.text(text, path, &events)
            } else if let text = part["refusal"]?.text {
                if !text.isEmpty { refusal(text, path, &events) }
            } else if let thinking = part["thinking"] {
                let texts =
                    thinking.text.map { [$0] }
                    ?? thinking.elements.compactMap { $0["text"]?.text }
                for text in texts where !text.isEmpty { reasoning(text, path, &events) }
            } else if !part.isEmptyValue {
                events.append(.lost(Loss(dropped: path)))
            }
        }
    }

    /// Declares probabilities that belong to no text.
    private mutating func loseOdds(_ events: inout [AnswerEvent]) {
        guard let rest = odds else { return }
        odds = nil
        let isEmpty =
            rest.isObject
            ? rest.members.allSatisfy { $0.value.isEmptyValue } : rest.isEmptyValue
        if !isEmpty { events.append(.lost(Loss(dropped: "choices[0].logprobs"))) }
    }

    private mutating func text(
        _ text: EscapedText, _ path: String, _ events: inout [AnswerEvent]
    ) {
        guard !text.isEmpty else { return }
        start(&events)
        if openText == nil {
            closeTexts(isCut: false, &events)
            closeWholeCalls(&events)
            let key = makeKey()
            openText = key
            textCount += 1
            events.append(.opened(AnswerItem(key: key, kind: .text, path: path)))
        }
        guard let key = openText else { return }
        let tokens = TokenOdds.list(openAI: odds?["content"])
        if !tokens.isEmpty {
            events.append(.odds(key: key, tokens, path: "choices[0].logprobs"))
            odds = odds?["refusal"]
        }
        events.append(.text(key: key, text))
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
            var citation = Citation(inner, url)
            // The vendor counts from the beginning of the first text, which is another item.
            if textCount > 1, citation.range != nil {
                citation.range = nil
                events.append(.lost(Loss(kind: .changed, path: path, isHarmless: false)))
            }
            events.append(.citation(key: key, citation, path: path))
        }
    }

    /// Closes what is open of texts, as far as it began before a call.
    mutating func closeTexts(
        isCut: Bool, before key: Int = .max, _ events: inout [AnswerEvent]
    ) {
        let open = [openReasoning, openText, openRefusal].compactMap { $0 }
        for text in open where text < key { events.append(.closed(key: text, isCut: isCut)) }
        if let text = openReasoning, text < key { openReasoning = nil }
        if let text = openText, text < key { openText = nil }
        if let text = openRefusal, text < key { openRefusal = nil }
    }
}

extension Citation {
    /// No text is so long.
    private static let positionMax = 1 << 32

    /// A citation of OpenAI's.
    init(_ value: RawJSON, _ url: EscapedText) {
        self.url = url
        title = value["title"]?.text
        if let start = value["start_index"]?.integer, let end = value["end_index"]?.integer,
            start >= 0, start <= end, end <= Self.positionMax
        {
            range = start..<end
        } else {
            range = nil
        }
    }
}
