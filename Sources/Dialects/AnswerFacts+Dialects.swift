import JSON
import Primitives

// What each dialect's answers say, whole or by events. Shapes are those of the vendors' own SDKs
// and of the many who follow OpenAI.
extension AnswerFacts {
    private static let root = JSONOutline.root

    // MARK: OpenAI: chat completions, completions, embeddings, responses

    mutating func readOpenAI(_ text: borrowing JSONOutline) {
        let root = Self.root
        // What some call a response is a text.
        let inner = text.member(root, "response")
        let response = text.isKind(.object, inner) ? inner ?? root : root
        readModel(text, text.member(response, "model"), isEmptyName: false)
        readTier(text, text.member(root, "service_tier") ?? text.member(response, "service_tier"))
        let member = text.member(root, "choices")
        let choices = text.isKind(.array, member) ? member : nil
        readOpenAIUsage(text, response, choices)
        text.eachElement(choices) { choice in
            guard let reason = text.string(text.member(choice, "finish_reason")), !reason.isEmpty
            else { return }
            finishReason = reason
            sawTerminal = true
        }
        readError(text, text.member(root, "error"))
        if text.isText(text.member(root, "object"), "error") { readError(text, root) }
        readResponse(text, response)
        readOthers(text)
    }

    private mutating func readOpenAIUsage(
        _ text: borrowing JSONOutline, _ response: Int, _ choices: Int?
    ) {
        let before = usageCount
        let root = Self.root
        // Groq and Moonshot put it beside, or below, where OpenAI has it.
        readUsage(text, text.member(text.member(root, "x_groq"), "usage"))
        text.eachElement(choices) { readUsage(text, text.member($0, "usage")) }
        // Where nothing is answered but a list, all tokens are of the request.
        let type = text.member(root, "type")
        let isList = choices == nil && response == root && type == nil
        readUsage(text, text.member(response, "usage"), totalIsPrompt: isList)
        // Cohere's accounts, whole or at the end of a stream.
        readUsage(text, text.member(text.member(root, "delta"), "usage"))
        readUsage(
            text, text.member(response, "meta"),
            ["billed_units", "tokens", "cached_tokens"])
        // Ollama's stand beside the answer.
        readUsage(text, root, ["prompt_eval_count", "eval_count", nil])
        guard usageCount > before else { return }
        isOutputOpen = isOnTheWay(text, response)
        // A chunk of usage alone, and the last event of pictures and transcripts.
        isUsageFinal =
            choices.map { text.isEmpty($0) } ?? false || text.isTrue(text.member(root, "done"))
            || text.withText(type) {
                $0.matches("message-end") || $0.hasSuffix(".completed") || $0.hasSuffix(".done")
            } ?? false
    }

    /// Whether an event states a response that goes on.
    private func isOnTheWay(_ text: borrowing JSONOutline, _ response: Int) -> Bool {
        let type = text.member(Self.root, "type")
        let goesOn: InlineArray<2, StaticString> = ["in_progress", "queued"]
        return text.withText(type) { $0.hasPrefix("response.") } ?? false
            && goesOn.indices.contains {
                text.isText(text.member(response, "status"), goesOn[$0])
            }
    }

    /// Takes over how Cohere's and Ollama's answers say that they are at their end.
    private mutating func readOthers(_ text: borrowing JSONOutline) {
        let root = Self.root
        if text.isText(text.member(root, "type"), "message-end")
            || text.isText(text.member(root, "event_type"), "stream-end")
        {
            let reason =
                text.member(text.member(root, "delta"), "finish_reason")
                ?? text.member(root, "finish_reason")
            finishReason = text.string(reason) ?? finishReason
            sawTerminal = true
        }
        guard text.isTrue(text.member(root, "done")) else { return }
        finishReason = text.string(text.member(root, "done_reason")) ?? finishReason
        sawTerminal = true
    }

    private mutating func readResponse(_ text: borrowing JSONOutline, _ response: Int) {
        let type = text.member(Self.root, "type")
        if errorKind.isEmpty, text.isText(type, "error") { readError(text, Self.root) }
        let status = text.member(response, "status")
        guard text.isKind(.string, status),
            text.withText(type, { $0.hasPrefix("response.") }) ?? false
                || text.isText(text.member(response, "object"), "response")
        else { return }
        let isFailed = text.isText(status, "failed")
        guard
            isFailed || text.isText(status, "completed") || text.isText(status, "incomplete")
                || text.isText(status, "cancelled")
        else { return }
        sawTerminal = true
        let details = text.member(response, "incomplete_details")
        finishReason =
            text.string(text.member(details, "reason")) ?? text.string(status) ?? finishReason
        if isFailed { readError(text, text.member(response, "error")) }
    }

    // MARK: Anthropic: messages

    mutating func readAnthropic(_ text: borrowing JSONOutline) {
        let root = Self.root
        let type = text.member(root, "type")
        if text.isText(type, "message_start") {
            if let message = text.member(root, "message") { readMessage(text, message) }
            isOutputOpen = usageCount > 0
        } else if text.isText(type, "message_delta") {
            let usage = text.member(root, "usage")
            readUsage(text, usage, keepsEarlier: true)
            if text.integer(text.member(usage, "output_tokens")) ?? -1 >= 0 { isOutputOpen = false }
            if let reason = text.string(text.member(text.member(root, "delta"), "stop_reason")) {
                finishReason = reason
                isUsageFinal = usageCount > 0
            }
        } else if text.isText(type, "message_stop") {
            sawTerminal = true
        } else if text.isText(type, "error") {
            readError(text, text.member(root, "error"))
        } else if text.isText(type, "message") {
            readMessage(text, root)
            sawTerminal = true
        } else if text.isKind(.number, text.member(root, "input_tokens")) {
            // Counting tokens answers with a number alone.
            readUsage(text, root, ["input_tokens", nil, nil])
        }
    }

    private mutating func readMessage(_ text: borrowing JSONOutline, _ message: Int) {
        readModel(text, text.member(message, "model"), isEmptyName: true)
        readUsage(text, text.member(message, "usage"))
        if let reason = text.string(text.member(message, "stop_reason")) { finishReason = reason }
    }

    // MARK: Gemini

    mutating func readGemini(_ text: borrowing JSONOutline) {
        let root = Self.root
        let before = usageCount
        readModel(text, text.member(root, "modelVersion"), isEmptyName: true)
        let metadata = text.member(root, "usageMetadata")
        readUsage(text, metadata)
        readTier(text, text.member(metadata, "trafficType"))
        readTier(text, text.member(metadata, "serviceTier"))
        let candidates = text.member(root, "candidates")
        // Of several one had ended, and another goes on.
        if let candidates, text.isKind(.array, candidates), !text.isEmpty(candidates) {
            sawTerminal = false
        }
        text.eachElement(candidates) { candidate in
            guard let reason = text.string(text.member(candidate, "finishReason")) else { return }
            finishReason = reason
            sawTerminal = true
        }
        let feedback = text.member(root, "promptFeedback")
        if let reason = text.string(text.member(feedback, "blockReason")) {
            finishReason = reason
            sawTerminal = true
        }
        readError(text, text.member(root, "error"))
        readInteraction(text)
        // A chunk on the way counts what was written up to then.
        if usageCount > before { isOutputOpen = candidates != nil && !sawTerminal }
    }

    /// Takes over what an interaction says, whole or as an event of its stream.
    private mutating func readInteraction(_ text: borrowing JSONOutline) {
        let root = Self.root
        let interaction = text.member(root, "interaction") ?? root
        let isInteraction =
            text.member(root, "event_type") != nil
            || text.isText(text.member(interaction, "object"), "interaction")
        guard isInteraction else { return }
        readModel(text, text.member(interaction, "model"), isEmptyName: false)
        readTier(text, text.member(interaction, "service_tier"))
        readUsage(text, text.member(interaction, "usage"))
        let status = text.member(interaction, "status")
        let ends: InlineArray<5, StaticString> = [
            "completed", "requires_action", "failed", "incomplete", "cancelled",
        ]
        guard ends.indices.contains(where: { text.isText(status, ends[$0]) }) else { return }
        sawTerminal = true
        finishReason = text.string(status) ?? finishReason
    }
}

extension Dialect {
    /// Reads the parts of an answer that a record may be interested in; false where it is no JSON.
    ///
    /// `templates`: usage objects whose like need not be read.
    func outline(
        _ text: Span<UInt8>, in outline: inout JSONOutline, _ templates: UsageTemplates? = nil
    ) -> Bool {
        outline.read(
            text, skipping: { name, kind in leavesOut(name, kind) },
            knowing: { name, rest in templates?.count(of: rest, name: name) })
    }

    /// Whether a member holds what was said, or what it was said with: most of an answer, and
    /// nothing that a record reads.
    func leavesOut(_ name: Span<UInt8>, _ kind: JSONScanner.Kind) -> Bool {
        switch name.count {
        case 2: name.matches("id")
        // Some count their tokens under these names.
        case 4: kind != .number && (name.matches("text") || name.matches("data"))
        case 5:
            name.matches("parts") || name.matches("tools") || name.matches("index")
                || name.matches("words")
        case 6:
            kind != .number && name.matches("output") || name.matches("object") && kind == .object
        // An error's message is text; a choice's, all that was said.
        case 7:
            name.matches("content") || name.matches("created")
                || name.matches("message") && kind == .object && self == .openai
        case 8:
            name.matches("logprobs") || name.matches("b64_json") || name.matches("segments")
        case 9: name.matches("embedding")
        case 10: name.matches("tool_calls") || name.matches("embeddings")
        case 18: name.matches("system_fingerprint")
        default: false
        }
    }

    /// Whether an event may say something that a record keeps, by a search, because most events do
    /// not.
    func saysSomethingToKeep(_ data: Span<UInt8>) -> Bool {
        switch self {
        case .openai:
            return data.count <= 8 || data.saysSomethingOpenAI
        case .anthropic:
            // The start, the delta of the whole message, its stop, and errors.
            return data.firstRange(of: "\"content_block_delta\"") == nil
        case .gemini:
            return true
        }
    }
}

extension Span where Element == UInt8 {
    /// Whether usage, an end or an error may stand in an event of OpenAI's: one walk over the
    /// quotes with the first letter of such a name behind them.
    fileprivate var saysSomethingOpenAI: Bool {
        let letters: InlineArray<4, UInt8> = [
            UInt8(ascii: "f"), UInt8(ascii: "u"), UInt8(ascii: "e"), UInt8(ascii: "s"),
        ]
        var index = 0
        while let quote = firstIndex(of: UInt8(ascii: "\""), before: letters, from: index) {
            index = quote + 1
            switch self[index] {
            case UInt8(ascii: "f") where hasValue(of: "finish_reason\"", at: index): return true
            case UInt8(ascii: "u") where hasValue(of: "usage\"", at: index): return true
            case UInt8(ascii: "e") where hasValue(of: "error\"", at: index): return true
            case UInt8(ascii: "e") where has("error\"", at: index) && isTypeOfError(index):
                return true
            case UInt8(ascii: "s") where hasValue(of: "status\"", at: index): return true
            default: break
            }
        }
        return false
    }

    /// Whether a name and its closing quote stand at an offset, before a value that is neither null
    /// nor empty.
    private func hasValue(of name: StaticString, at offset: Int) -> Bool {
        guard has(name, at: offset) else { return false }
        var index = offset + name.utf8CodeUnitCount
        let end = index
        while index < count, self[index] == 0x20 || self[index] == UInt8(ascii: ":") { index += 1 }
        return index > end && !has("null", at: index) && !has("\"\"", at: index)
    }

    /// Whether the word at an offset is a value, as in `"type":"error"`.
    private func isTypeOfError(_ offset: Int) -> Bool {
        var index = offset - 2
        while index >= 0, self[index] == 0x20 { index -= 1 }
        return index >= 0 && self[index] == UInt8(ascii: ":")
    }
}
