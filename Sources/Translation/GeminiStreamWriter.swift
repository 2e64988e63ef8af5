import Primitives

/// Writes a generateContent answer in chunks.
struct GeminiStreamWriter: ~Copyable {
    private var output = ByteBuffer()
    private let frame = EventFrame(form: .gemini)
    private let context: AnswerContext
    private var model = ""
    private var hasStarted = false
    private var transcript = AnswerTranscript()
    /// The calls that are not written yet, in the order of their beginnings.
    private var waiting: [Int] = []
    private var hasCalled = false
    /// How likely the tokens of the next text were.
    private var odds: [TokenOdds] = []

    init(_ context: AnswerContext) {
        self.context = context
    }

    var lost: [Loss] { transcript.losses.entries }
    /// Whether something was written that a client sees as the answer's beginning.
    var hasBegun: Bool { hasStarted }

    /// Moves what was written out.
    mutating func take(into other: inout ByteBuffer) {
        other.append(contentsOf: output)
        output.removeAll()
    }

    /// The frame around more of a text; nil for arguments, which go out whole.
    mutating func template(of key: Int, isArguments: Bool) -> FrameTemplate? {
        guard !isArguments else { return nil }
        take(.text(key: key, FrameTemplate.mark))
        let frame = Array(output.bytes)
        output.removeAll()
        return FrameTemplate(frame)
    }

    /// Takes more of a call's arguments.
    mutating func keep(_ text: EscapedText, of key: Int) {
        transcript.take(.arguments(key: key, text))
    }

    mutating func take(_ event: AnswerEvent) {
        switch event {
        case .started(_, let model): self.model = context.model ?? model?.plain ?? ""
        case .text(let key, let text):
            guard let kind = transcript.item(key)?.item.kind else { return }
            return chunk { json in Self.writeText(text, isThought: kind.isReasoning, to: &json) }
        case .pieceEnded(let key): return take(.text(key: key, .blankLine))
        case .citation(_, _, let path): transcript.lose(path)
        case .closed(let key, let isCut):
            transcript.take(event)
            close(key, isCut)
        case .finished(let finish, let counts): end(finish, counts)
        case .failed(let failure):
            var json = JSONWriter()
            failure.write(for: .gemini, to: &json)
            frame.append("", json, to: &output)
        case .alive: if hasStarted { frame.appendSignOfLife(to: &output) }
        case .opened(let item):
            transcript.take(event)
            if item.isCall { waiting.append(item.key) }
        case .odds(_, let tokens, _): odds += tokens
        case .arguments, .sealed, .lost, .counted: transcript.take(event)
        }
    }

    static func writeText(_ text: EscapedText, isThought: Bool, to json: inout JSONWriter) {
        json.beginObject()
        json.member("text", text)
        if isThought { json.member("thought", true) }
        json.endObject()
    }

    /// A call, or the proof of reasoning: what its dialect has in one piece.
    ///
    /// The first call of an answer has a signature, because the vendor of this dialect wants one
    /// when the client comes back with it.
    static func writeWhole(
        _ entry: AnswerTranscript.Item, _ context: AnswerContext, isFirstCall: Bool,
        to json: inout JSONWriter
    ) {
        switch entry.item.kind {
        case .call(let id, let name):
            json.beginObject()
            json.key("functionCall")
            json.beginObject()
            json.member("id", id)
            json.member("name", context.tools[name]?.name ?? name)
            let arguments = RawJSON.object(of: EscapedText(inner: entry.arguments[...]))
            json.member("args", arguments ?? RawJSON(literal: "{}"))
            json.endObject()
            if let own = entry.item.sealed, own.isFor(.gemini) {
                json.member("thoughtSignature", own.value)
            } else if isFirstCall {
                let none = Sealed(form: context.source, kind: .none, value: .empty)
                json.member("thoughtSignature", ReasoningEnvelope.seal(none, for: .gemini))
            }
            json.endObject()
        case .reasoning:
            guard let sealed = entry.sealed else { return }
            json.beginObject()
            json.member("text", "")
            json.member("thought", true)
            json.member("thoughtSignature", ReasoningEnvelope.seal(sealed, for: .gemini))
            json.endObject()
        case .text, .refusal: break
        }
    }

    private mutating func close(_ key: Int, _ isCut: Bool) {
        guard let entry = transcript.item(key) else { return }
        // They may come behind their text.
        if !odds.isEmpty { chunk { json in Self.writeText(.empty, isThought: false, to: &json) } }
        switch entry.item.kind {
        case .call: writeClosedCalls()
        case .reasoning:
            if entry.sealed != nil { writeWhole(entry) }
        case .text, .refusal: break
        }
    }

    /// Writes calls that are whole, each behind those that began before it.
    private mutating func writeClosedCalls() {
        while let key = waiting.first, let entry = transcript.item(key), entry.isClosed {
            waiting.removeFirst()
            if !entry.isCut { writeWhole(entry) }
        }
    }

    private mutating func writeWhole(_ entry: AnswerTranscript.Item) {
        let (context, isFirst) = (context, !hasCalled)
        if entry.item.isCall { hasCalled = true }
        chunk { json in Self.writeWhole(entry, context, isFirstCall: isFirst, to: &json) }
    }

    private mutating func chunk(_ part: (inout JSONWriter) -> Void) {
        hasStarted = true
        var json = JSONWriter()
        json.beginObject()
        json.key("candidates")
        json.beginArray()
        json.beginObject()
        json.key("content")
        json.beginObject()
        json.key("parts")
        json.beginArray()
        part(&json)
        json.endArray()
        json.member("role", literal: "model")
        json.endObject()
        if !odds.isEmpty {
            TokenOdds.writeGemini(odds, to: &json)
            odds = []
        }
        json.member("index", 0)
        json.endObject()
        json.endArray()
        writeNames(to: &json)
        json.endObject()
        frame.append("", json, to: &output)
    }

    private func writeNames(to json: inout JSONWriter) {
        json.member("modelVersion", model)
        json.member("responseId", "resp_\(context.seed)")
    }

    private mutating func end(_ finish: Finish, _ counts: TokenCounts) {
        hasStarted = true
        if let path = finish.ownPath { transcript.lose(path) }
        var json = JSONWriter()
        json.beginObject()
        json.key("candidates")
        json.beginArray()
        json.beginObject()
        json.key("content")
        json.beginObject()
        json.key("parts")
        json.beginArray()
        Self.writeText(.empty, isThought: false, to: &json)
        json.endArray()
        json.member("role", literal: "model")
        json.endObject()
        json.member("finishReason", literal: finish.geminiWord)
        json.member("index", 0)
        json.endObject()
        json.endArray()
        if !counts.isEmpty {
            json.key("usageMetadata")
            counts.writeGemini(to: &json)
        }
        writeNames(to: &json)
        json.endObject()
        frame.append("", json, to: &output)
    }
}

extension Finish {
    var geminiWord: StaticString {
        switch self {
        case .end, .stopWord, .toolCalls, .paused: "STOP"
        case .length, .contextFull, .compaction: "MAX_TOKENS"
        case .filtered, .refused: "SAFETY"
        }
    }
}
