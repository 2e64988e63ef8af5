import JSON

/// Reads a generateContent answer, whole or in chunks.
struct GeminiAnswerReader {
    private let seed: String
    private var hasStarted = false
    private var isDone = false
    private var nextKey = 0
    private var openText: Int?
    private var openReasoning: Int?
    private var callCount = 0
    private var finish: String?
    private var message: EscapedText?
    private var hasContent = false
    private var counts = TokenCounts()
    private var lost: Set<String> = []
    /// What the candidate says of its tokens, until its text takes it.
    private var odds: [TokenOdds] = []
    /// A call whose arguments come in pieces.
    private var openCall: (key: Int, arguments: PartialArguments)?

    init(seed: String) {
        self.seed = seed
    }

    /// Takes a whole answer.
    mutating func takeWhole(_ body: RawJSON, _ events: inout [AnswerEvent]) {
        take(body, &events)
        end(&events)
    }

    /// Takes a chunk of a stream.
    mutating func take(_ chunk: RawJSON, _ events: inout [AnswerEvent]) {
        guard !isDone else { return }
        // A vendor may wrap the answer, or an error, in a list.
        let chunk = (chunk.elements.first ?? chunk).opened
        if let error = chunk["error"] {
            isDone = true
            return events.append(.failed(AnswerFailure(gemini: error)))
        }
        takeUsage(of: chunk)
        let candidates = chunk["candidates"]?.elements ?? []
        if !hasStarted, !candidates.isEmpty {
            hasStarted = true
            events.append(
                .started(
                    id: chunk.camel("responseId")?.text, model: chunk.camel("modelVersion")?.text
                ))
            if counts.input != nil { events.append(.counted(counts)) }
        }
        for (index, candidate) in candidates.enumerated() {
            guard (candidate["index"]?.integer ?? index) == 0 else {
                let loss = Loss(kind: .dropped, path: "candidates[\(index)]", isHarmless: false)
                events.append(.lost(loss))
                continue
            }
            take(candidate: candidate, &events)
        }
        if let feedback = chunk.camel("promptFeedback") {
            if feedback.camel("blockReason") != nil { finish = finish ?? "SAFETY" }
            lose(["blockReasonMessage", "safetyRatings"], of: feedback, "promptFeedback", &events)
        }
        if candidates.isEmpty { events.append(.alive) }
    }

    /// Takes the usage of a chunk: the last one that says anything counts.
    mutating func takeUsage(of chunk: RawJSON) {
        guard let usage = chunk.camel("usageMetadata") else { return }
        let fresh = TokenCounts(gemini: usage)
        if !fresh.isEmpty { counts = fresh }
    }

    /// Ends the answer: only the stream's end says that nothing follows.
    mutating func end(_ events: inout [AnswerEvent]) {
        guard !isDone else { return }
        isDone = true
        guard let finish else { return events.append(.failed(.unfinished)) }
        if !hasStarted { events.append(.started(id: nil, model: nil)) }
        let contents = AnswerContents(hasAny: hasContent, hasCalls: callCount > 0)
        guard
            let reason = contents.finish(
                FinishWord(gemini: finish), spelled: finish, at: "candidates[0].finishReason",
                message: message, &events)
        else { return }
        // The message explains the reason: where that is declared, the two are one loss.
        let isDeclared =
            if case .unknown = FinishWord(gemini: finish) { true } else { false }
        if message?.isEmpty == false, !isDeclared {
            events.append(.lost(Loss(dropped: "candidates[0].finishMessage")))
        }
        closeTexts(isCut: reason.isCut, &events)
        events.append(.finished(reason, counts))
    }

    private mutating func take(candidate: RawJSON, _ events: inout [AnswerEvent]) {
        let parts = candidate["content"]?["parts"]
        odds = TokenOdds.list(gemini: candidate.camel("logprobsResult"))
        let hasOdds = !odds.isEmpty
        defer { odds = [] }
        for (index, part) in (parts?.elements ?? []).enumerated() {
            take(part: part, "candidates[0].content.parts[\(index)]", &events)
        }
        if let word = candidate.camel("finishReason")?.plain,
            word != "FINISH_REASON_UNSPECIFIED"
        {
            finish = word
        }
        message = candidate.camel("finishMessage")?.text ?? message
        lose(
            [
                "citationMetadata", "groundingMetadata", "urlContextMetadata", "avgLogprobs",
                "safetyRatings",
            ], of: candidate, "candidates[0]", &events)
        if !hasOdds || !odds.isEmpty {
            lose(["logprobsResult"], of: candidate, "candidates[0]", &events)
        }
    }

    /// Declares members that no other dialect has, each once: some are in every chunk.
    private mutating func lose(
        _ names: [String], of value: RawJSON, _ path: String, _ events: inout [AnswerEvent]
    ) {
        for name in names where value.camel(name)?.isEmptyValue == false {
            let path = "\(path).\(name)"
            guard lost.insert(path).inserted else { continue }
            events.append(.lost(Loss(dropped: path)))
        }
    }

    private mutating func take(
        part: RawJSON, _ path: String, _ events: inout [AnswerEvent]
    ) {
        let sealed = part.camel("thoughtSignature")?.text.map { text in
            Sealed(form: .gemini, kind: .thought, value: text)
        }
        if let call = part.camel("functionCall") {
            hasContent = true
            return take(call: call, sealed, path, &events)
        }
        guard let text = part["text"]?.text ?? Self.bareText(part) else {
            hasContent = true
            return events.append(
                .lost(Loss(kind: .dropped, path: path, isHarmless: false)))
        }
        if part["thought"]?.flag == true, !text.isEmpty || sealed != nil {
            reasoning(text, sealed, path, &events)
        } else {
            self.text(text, sealed, path, &events)
        }
    }

    /// No text, where a signature stands alone or the part says nothing; nil for any other part.
    private static func bareText(_ part: RawJSON) -> EscapedText? {
        let isBare = part.camelMembers.allSatisfy { member in
            ["thoughtSignature", "thought"].contains(member.name) || member.value.isNull
        }
        return isBare ? .empty : nil
    }

    private mutating func makeKey() -> Int {
        nextKey += 1
        return nextKey - 1
    }

    private mutating func reasoning(
        _ text: EscapedText, _ sealed: Sealed?, _ path: String, _ events: inout [AnswerEvent]
    ) {
        hasContent = true
        if openReasoning == nil {
            closeTexts(isCut: false, &events)
            let key = makeKey()
            openReasoning = key
            events.append(.opened(AnswerItem(key: key, kind: .reasoning, path: path)))
        }
        guard let key = openReasoning else { return }
        if !text.isEmpty { events.append(.text(key: key, text)) }
        if let sealed {
            events.append(.sealed(key: key, sealed, path: "\(path).thoughtSignature"))
        }
    }

    private mutating func text(
        _ text: EscapedText, _ sealed: Sealed?, _ path: String, _ events: inout [AnswerEvent]
    ) {
        if let sealed { seal(sealed, path, &events) }
        guard !text.isEmpty else { return }
        hasContent = true
        if openText == nil {
            closeTexts(isCut: false, &events)
            let key = makeKey()
            openText = key
            events.append(.opened(AnswerItem(key: key, kind: .text, path: path)))
        }
        guard let key = openText else { return }
        if !odds.isEmpty {
            events.append(.odds(key: key, odds, path: "candidates[0].logprobsResult"))
            odds = []
        }
        events.append(.text(key: key, text))
    }

    /// A text's signature ends the reasoning before it, or stands for reasoning without a text.
    private mutating func seal(
        _ sealed: Sealed, _ path: String, _ events: inout [AnswerEvent]
    ) {
        let path = "\(path).thoughtSignature"
        if let key = openReasoning {
            events.append(.sealed(key: key, sealed, path: path))
            return
        }
        closeTexts(isCut: false, &events)
        let key = makeKey()
        events.append(.opened(AnswerItem(key: key, kind: .reasoning, path: path)))
        events.append(.sealed(key: key, sealed, path: path))
        events.append(.closed(key: key, isCut: false))
    }

    private mutating func closeTexts(isCut: Bool, _ events: inout [AnswerEvent]) {
        for key in [openReasoning, openText].compactMap({ $0 }) {
            events.append(.closed(key: key, isCut: isCut))
        }
        (openReasoning, openText) = (nil, nil)
        // A call that something else follows never became whole.
        if let call = openCall { events.append(.closed(key: call.key, isCut: true)) }
        openCall = nil
    }

    private mutating func take(
        call: RawJSON, _ sealed: Sealed?, _ path: String, _ events: inout [AnswerEvent]
    ) {
        guard let name = call["name"]?.plain, !name.isEmpty else {
            return argue(call, &events)
        }
        closeTexts(isCut: false, &events)
        let key = makeKey()
        let own = call["id"]?.plain ?? ""
        let id = own.isEmpty ? AnswerContext.callName(seed, callCount) : own
        callCount += 1
        var item = AnswerItem(key: key, kind: .call(id: id, name: name), path: path)
        item.sealed = sealed
        guard call.camel("willContinue")?.flag != true else {
            openCall = (key, PartialArguments(call["args"]))
            events.append(.opened(item))
            return argue(call, &events)
        }
        let arguments = call["args"] ?? RawJSON(literal: "{}")
        item.arguments = EscapedText(bytes: arguments.compact[...])
        events.append(.opened(item))
        events.append(.closed(key: key, isCut: false))
    }

    /// Takes more of a call whose arguments come in pieces; the last piece says so by its silence.
    private mutating func argue(_ call: RawJSON, _ events: inout [AnswerEvent]) {
        guard var open = openCall else { return }
        for piece in call.camel("partialArgs")?.elements ?? [] { open.arguments.take(piece) }
        openCall = open
        guard call.camel("willContinue")?.flag != true else { return }
        openCall = nil
        events.append(.arguments(key: open.key, open.arguments.text))
        events.append(.closed(key: open.key, isCut: false))
    }
}
