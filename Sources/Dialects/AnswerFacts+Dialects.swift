import JSON
import Primitives

// What each dialect's answers say, whole or by events. Shapes are those of the vendors' own SDKs
// and of the many who follow OpenAI.
extension AnswerFacts {
    // MARK: OpenAI: chat completions, completions, embeddings, responses

    mutating func readOpenAI(_ root: JSONValue) {
        // What some call a response is a text.
        let response = root.object("response") ?? root
        if let name = response["model"]?.text, !name.isEmpty { model = name }
        readTier(root["service_tier"] ?? response["service_tier"])
        let choices = root["choices"]?.elements
        readOpenAIUsage(root, response, choices)
        for choice in choices ?? [] {
            if let reason = choice["finish_reason"]?.text, !reason.isEmpty {
                finishReason = reason
                sawTerminal = true
            }
        }
        readError(root["error"])
        if root["object"]?.text == "error" { readError(root) }
        readResponse(root, response)
        readOthers(root)
    }

    private mutating func readOpenAIUsage(
        _ root: JSONValue, _ response: JSONValue, _ choices: [JSONValue]?
    ) {
        let before = usageCount
        // Groq and Moonshot put it beside, or below, where OpenAI has it.
        readUsage(root["x_groq"]?["usage"])
        for choice in choices ?? [] { readUsage(choice["usage"]) }
        // Where nothing is answered but a list, all tokens are of the request.
        let isList = choices == nil && root.object("response") == nil && root["type"] == nil
        readUsage(response["usage"].map { isList ? Self.withPrompt($0) : $0 })
        // Cohere's accounts, whole or at the end of a stream.
        readUsage(root["delta"]?["usage"])
        readUsage(response["meta"]?.members(["billed_units", "tokens", "cached_tokens"]))
        // Ollama's stand beside the answer.
        readUsage(root.members(["prompt_eval_count", "eval_count"]))
        guard usageCount > before else { return }
        // A chunk of usage alone, and the last event of pictures and transcripts.
        let type = root["type"]?.text ?? ""
        isUsageFinal =
            choices?.isEmpty ?? false || root["done"]?.isTrue == true || type == "message-end"
            || type.hasSuffix(".completed") || type.hasSuffix(".done")
    }

    /// Usage whose total is the prompt's where it says no more.
    private static func withPrompt(_ usage: JSONValue) -> JSONValue {
        guard case .object(let members) = usage, let total = usage["total_tokens"],
            !members.contains(where: { $0.name != "total_tokens" && $0.name.hasSuffix("_tokens") })
        else { return usage }
        return .object(members + [JSONValue.Member("prompt_tokens", total)])
    }

    /// Takes over how Cohere's and Ollama's answers say that they are at their end.
    private mutating func readOthers(_ root: JSONValue) {
        if root["type"]?.text == "message-end" || root["event_type"]?.text == "stream-end" {
            let reason = root["delta"]?["finish_reason"] ?? root["finish_reason"]
            finishReason = reason?.text ?? finishReason
            sawTerminal = true
        }
        guard root["done"]?.isTrue == true else { return }
        finishReason = root["done_reason"]?.text ?? finishReason
        sawTerminal = true
    }

    private mutating func readResponse(_ root: JSONValue, _ response: JSONValue) {
        let type = root["type"]?.text ?? ""
        if type == "error", errorKind.isEmpty { readError(root) }
        guard type.hasPrefix("response.") || response["object"]?.text == "response",
            let status = response["status"]?.text,
            ["completed", "incomplete", "failed", "cancelled"].contains(status)
        else { return }
        sawTerminal = true
        finishReason = response["incomplete_details"]?["reason"]?.text ?? status
        if status == "failed" { readError(response["error"]) }
    }

    // MARK: Anthropic: messages

    mutating func readAnthropic(_ root: JSONValue) {
        switch root["type"]?.text {
        case "message_start":
            if let message = root["message"] { readMessage(message) }
        case "message_delta":
            readUsage(root["usage"], keepsEarlier: true)
            if let reason = root["delta"]?["stop_reason"]?.text {
                finishReason = reason
                isUsageFinal = usageCount > 0
            }
        case "message_stop":
            sawTerminal = true
        case "error":
            readError(root["error"])
        case "message":
            readMessage(root)
            sawTerminal = true
        default:
            // Counting tokens answers with a number alone.
            if let count = root["input_tokens"], case .number = count {
                readUsage(.object([JSONValue.Member("input_tokens", count)]))
            }
        }
    }

    private mutating func readMessage(_ message: JSONValue) {
        if let name = message["model"]?.text { model = name }
        readUsage(message["usage"])
        if let reason = message["stop_reason"]?.text { finishReason = reason }
    }

    // MARK: Gemini

    mutating func readGemini(_ root: JSONValue) {
        if let name = root["modelVersion"]?.text { model = name }
        let metadata = root["usageMetadata"]
        readUsage(metadata)
        readTier(metadata?["trafficType"])
        readTier(metadata?["serviceTier"])
        let candidates = root["candidates"]?.elements ?? []
        // Of several one had ended, and another goes on.
        if !candidates.isEmpty { sawTerminal = false }
        for candidate in candidates {
            if let reason = candidate["finishReason"]?.text {
                finishReason = reason
                sawTerminal = true
            }
        }
        if let reason = root["promptFeedback"]?["blockReason"]?.text {
            finishReason = reason
            sawTerminal = true
        }
        readError(root["error"])
        readInteraction(root)
    }

    /// Takes over what an interaction says, whole or as an event of its stream.
    private mutating func readInteraction(_ root: JSONValue) {
        let interaction = root["interaction"] ?? root
        let isInteraction =
            root["event_type"] != nil || interaction["object"]?.text == "interaction"
        guard isInteraction else { return }
        if let name = interaction["model"]?.text, !name.isEmpty { model = name }
        readTier(interaction["service_tier"])
        readUsage(interaction["usage"])
        guard let status = interaction["status"]?.text,
            ["completed", "requires_action", "failed", "incomplete", "cancelled"].contains(status)
        else { return }
        sawTerminal = true
        finishReason = status
    }
}

extension JSONValue {
    /// The value of a member that is an object.
    fileprivate func object(_ name: String) -> JSONValue? {
        guard let value = self[name], case .object = value else { return nil }
        return value
    }

    /// An object of some members alone; nil where none is there.
    fileprivate func members(_ names: [String]) -> JSONValue? {
        let found = names.compactMap { name in self[name].map { Member(name, $0) } }
        return found.isEmpty ? nil : .object(found)
    }
}

extension Dialect {
    /// The parts of an answer that a record may be interested in; nil where it is no JSON.
    func parse(_ text: Span<UInt8>) -> JSONValue? {
        try? JSONValue(parsing: text) { name, kind in leavesOut(name, kind) }
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
    /// Whether usage, an end or an error may stand in an event of OpenAI's: one walk from quote to
    /// quote.
    fileprivate var saysSomethingOpenAI: Bool {
        var index = 0
        while let quote = firstIndex(of: UInt8(ascii: "\""), from: index) {
            index = quote + 1
            guard index < count else { return false }
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
