import HTTP
import JSON
import Primitives

@testable import Dialects

/// What a record keeps of an answer beside its bytes.
struct ReferenceFacts: Equatable, Sendable {
    /// The model that answered, as the vendor names it; empty where it did not.
    var model = ""
    /// Why the answer ended, in the vendor's words; empty where it gave none.
    var finishReason = ""
    /// The numbers of usage.
    var usageFields = ReferenceUsageFields()
    /// Whether the last usage was the account of the whole answer, by what stood beside it.
    ///
    /// Where it was not, it is one only if the answer is whole.
    var isUsageFinal = false
    /// The vendor's own usage objects; empty without any.
    var usageText = ""
    /// The tier of service that the vendor says it answered in.
    var serviceTier = ServiceTier.standard
    /// Whether the answer ended in the middle of its JSON.
    var isCut = false
    /// The first of several usage objects, where they are parts of one account.
    var firstUsageText = ""
    /// Bytes of a usage object kept as text.
    static let usageBytesMax = 16 << 10
    /// The kind of an error the answer holds; empty without one.
    var errorKind = ""
    /// Its message.
    var errorMessage = ""
    /// When the first content came; nil where none did.
    var firstContent: Instant?
    /// Whether the answer says that it is at its end.
    var sawTerminal = false
    /// Whether all of it could be looked at: one with a hole, in an encoding that cannot be undone,
    /// or with more beside its content than the observer keeps, is not.
    var isUnderstood = true
    /// Usage objects seen.
    var usageCount = 0
    /// Events of a stream seen.
    var eventCount = 0

    /// Events in which the model is looked for.
    static let namingEventsMax = 4

    /// Nothing known.
    init() {}
}

// What each dialect's answers say, whole or by events. Shapes are those of the vendors' own SDKs
// and of the many who follow OpenAI.
extension ReferenceFacts {
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
    func object(_ name: String) -> JSONValue? {
        guard let value = self[name], case .object = value else { return nil }
        return value
    }

    /// An object of some members alone; nil where none is there.
    func members(_ names: [String]) -> JSONValue? {
        let found = names.compactMap { name in self[name].map { Member(name, $0) } }
        return found.isEmpty ? nil : .object(found)
    }
}

extension Dialect {
    /// The parts of an answer that a record may be interested in; nil where it is no JSON.
    func parse(_ text: Span<UInt8>) -> JSONValue? {
        try? JSONValue(parsing: text) { name, kind in leavesOut(name, kind) }
    }
}

extension ServiceTier {
    init?(referenceWord word: String) {
        switch word.lowercased() {
        case "standard", "default", "on_demand": self = .standard
        case "flex", "on_demand_flex": self = .flex
        case "priority", "on_demand_priority": self = .priority
        case "batch", "batches": self = .batch
        case "fast": self = .fast
        case "ultrafast": self = .ultrafast
        case "scale", "reserved", "provisioned", "provisioned_throughput": self = .provisioned
        default: return nil
        }
    }
}
