public import HTTP
import JSON
import Primitives

/// What an event of a vendor's stream means to a gateway that waits for the first content.
public enum StreamEventKind: Equatable, Sendable {
    /// It came before any content and could come from any vendor: a role, an opening, a ping.
    case lifecycle
    /// A part of the answer, or an event that is not known here: it is for the client.
    case content
    /// The vendor failed, under whatever status.
    case error
    /// The stream ends.
    case terminal
}

extension Dialect {
    /// The kind of an event of this dialect.
    ///
    /// What is no JSON, or of a shape not known here, is content.
    public func kind(of event: borrowing ServerSentEvent) -> StreamEventKind {
        switch self {
        case .openai: Self.openAIKind(name: event.name.bytes, data: event.data.bytes)
        case .anthropic: Self.anthropicKind(name: event.name.bytes, data: event.data.bytes)
        case .gemini: Self.geminiKind(name: event.name.bytes, data: event.data.bytes)
        }
    }

    // MARK: OpenAI: chat completions, completions and responses

    private static func openAIKind(
        name: Span<UInt8>, data: Span<UInt8>
    ) -> StreamEventKind {
        if name.matches("error") { return .error }
        if data.count == 0 { return .lifecycle }
        if data.matches("[DONE]") { return .terminal }
        guard let seen = OpenAIEvent(data) else { return .content }
        if seen.isError { return .error }
        if let type = seen.type { return responsesKind(data.extracting(type), data) }
        return seen.choicesHaveContent == false ? .lifecycle : .content
    }

    private static func responsesKind(
        _ type: Span<UInt8>, _ data: Span<UInt8>
    ) -> StreamEventKind {
        if type.matches("\"error\"") || type.matches("\"response.failed\"") { return .error }
        for opening: StaticString in [
            "\"response.created\"", "\"response.in_progress\"", "\"response.queued\"",
            "\"response.output_item.added\"", "\"response.content_part.added\"",
            "\"response.reasoning_summary_part.added\"", "\"keepalive\"",
        ] where type.matches(opening) { return .lifecycle }
        return .content
    }

    // MARK: Anthropic: messages

    private static func anthropicKind(
        name: Span<UInt8>, data: Span<UInt8>
    ) -> StreamEventKind {
        if name.matches("error") { return .error }
        if data.count == 0 { return .lifecycle }
        guard let members = Members(of: data, "type", "content_block"),
            let range = members["type"]
        else { return .content }
        let type = data.extracting(range)
        if type.matches("\"error\"") { return .error }
        if type.matches("\"message_stop\"") { return .terminal }
        if type.matches("\"message_start\"") || type.matches("\"ping\"")
            || type.matches("\"content_block_stop\"")
        {
            return .lifecycle
        }
        guard type.matches("\"content_block_start\""), let block = members["content_block"] else {
            return .content
        }
        return blockIsEmpty(data.extracting(block)) ? .lifecycle : .content
    }

    /// Whether a block of content only opens text or thinking that is to come.
    private static func blockIsEmpty(_ block: Span<UInt8>) -> Bool {
        guard let members = Members(of: block, "type", "text", "thinking"),
            let type = members["type"]
        else { return false }
        let kind = block.extracting(type)
        guard kind.matches("\"text\"") || kind.matches("\"thinking\"") else { return false }
        for name: StaticString in ["text", "thinking"] {
            if let value = members[name], !isNothing(block.extracting(value)) { return false }
        }
        return true
    }

    // MARK: Gemini: contents, and interactions

    private static func geminiKind(
        name: Span<UInt8>, data: Span<UInt8>
    ) -> StreamEventKind {
        if name.matches("error") { return .error }
        if data.count == 0 { return .lifecycle }
        if data.matches("[DONE]") { return .terminal }
        guard let seen = GeminiEvent(data) else { return .content }
        if seen.isError { return .error }
        if let type = seen.interactionType {
            return interactionKind(data.extracting(type), seen, data)
        }
        return seen.hasContent ? .content : .lifecycle
    }

    private static func interactionKind(
        _ type: Span<UInt8>, _ seen: GeminiEvent, _ data: Span<UInt8>
    ) -> StreamEventKind {
        if type.matches("\"error\"") || type.matches("\"interaction.failed\"") { return .error }
        if type.matches("\"interaction.status_update\""), let status = seen.status {
            let word = data.extracting(status)
            return word.matches("\"failed\"") || word.matches("\"budget_exceeded\"")
                ? .error : .lifecycle
        }
        for opening: StaticString in [
            "\"interaction.created\"", "\"interaction.start\"", "\"interaction.queued\"",
            "\"interaction.in_progress\"", "\"step.stop\"", "\"content.stop\"",
        ] where type.matches(opening) { return .lifecycle }
        if type.matches("\"step.start\""), let step = seen.step {
            return stepIsEmpty(data.extracting(step)) ? .lifecycle : .content
        }
        return .content
    }

    /// Whether a step only opens thought or text that is to come.
    private static func stepIsEmpty(_ step: Span<UInt8>) -> Bool {
        guard let members = Members(of: step, "type", "content", "summary"),
            let type = members["type"]
        else { return false }
        let kind = step.extracting(type)
        guard kind.matches("\"thought\"") || kind.matches("\"model_output\"") else {
            return false
        }
        for name: StaticString in ["content", "summary"] {
            if let value = members[name], !isNothing(step.extracting(value)) { return false }
        }
        return true
    }

    private static func isNothing(_ value: Span<UInt8>) -> Bool {
        value.isJSONNothing
    }
}

/// What an event of OpenAI's says at first sight, found in one walk: this is asked of every event
/// until a hold ends.
private struct OpenAIEvent {
    /// Whether it holds an error, of OpenAI's shape or the flat one of some who follow it.
    var isError: Bool { holdsError || isNamedError }
    /// Where its type stands, which events of responses have.
    var type: Range<Int>?
    /// Whether some choice says more than its role; nil without choices.
    var choicesHaveContent: Bool?

    private var holdsError = false
    private var isNamedError = false

    /// Of repeated names the last counts; nil when the text is no JSON object.
    init?(_ data: Span<UInt8>) {
        var scanner = JSONScanner(data)
        guard (try? scanner.kind()) == .object else { return nil }
        var seen = (
            type: Range<Int>?.none, choices: Bool?.none, holdsError: false, isNamedError: false
        )
        let walked: Void? = try? scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
            if scanner.isKey(key, "choices") {
                seen.choices = try scanner.choicesHaveContent()
                return
            }
            let value = try scanner.value()
            if scanner.isKey(key, "error") {
                seen.holdsError = !scanner.isNothing(value)
            } else if scanner.isKey(key, "type") {
                seen.type = value
            } else if scanner.isKey(key, "object") {
                seen.isNamedError = scanner.bytes(at: value).matches("\"error\"")
            }
        }
        guard walked != nil else { return nil }
        (type, choicesHaveContent, holdsError, isNamedError) = seen
    }
}

extension JSONScanner {
    /// Walks over a list of choices; returns whether one says more than its role.
    ///
    /// What is no list is content.
    fileprivate mutating func choicesHaveContent() throws(Malformed) -> Bool {
        guard try kind() == .array else {
            _ = try value()
            return true
        }
        var hasContent = false
        try array { (scanner) throws(Malformed) in
            if try scanner.kind() == .object {
                if try scanner.choiceHasContent() { hasContent = true }
            } else {
                _ = try scanner.value()
            }
        }
        return hasContent
    }

    private mutating func choiceHasContent() throws(Malformed) -> Bool {
        var hasContent = false
        try object { (scanner, key) throws(Malformed) in
            if scanner.isKey(key, "delta") || scanner.isKey(key, "message"),
                try scanner.kind() == .object
            {
                try scanner.object { (scanner, key) throws(Malformed) in
                    let value = try scanner.value()
                    if !scanner.isKey(key, "role"), !scanner.isNothing(value) { hasContent = true }
                }
                return
            }
            let value = try scanner.value()
            if scanner.isKey(key, "finish_reason") || scanner.isKey(key, "text"),
                !scanner.isNothing(value)
            {
                hasContent = true
            }
        }
        return hasContent
    }
}

/// What an event of Gemini's says at first sight, found in one walk.
private struct GeminiEvent {
    var isError = false
    /// Whether it says more than accounts and names do: what is not known here is for the client.
    var hasContent = false
    /// Where the type of an interaction's event stands, its status and its step.
    var interactionType: Range<Int>?
    var status: Range<Int>?
    var step: Range<Int>?

    /// Nil when the text is no JSON object.
    init?(_ data: Span<UInt8>) {
        var scanner = JSONScanner(data)
        guard (try? scanner.kind()) == .object else { return nil }
        var seen = (
            isError: false, hasContent: false, type: Range<Int>?.none, status: Range<Int>?.none,
            step: Range<Int>?.none
        )
        let walked: Void? = try? scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
            let value = try scanner.value()
            if scanner.isKey(key, "error") {
                seen.isError = !scanner.isNothing(value)
            } else if scanner.isKey(key, "event_type") {
                seen.type = value
            } else if scanner.isKey(key, "status") {
                seen.status = value
            } else if scanner.isKey(key, "step") {
                seen.step = value
            } else if scanner.isKey(key, "candidates") {
                if !scanner.isNothing(value) { seen.hasContent = true }
            } else if !scanner.isKey(key, "usageMetadata"), !scanner.isKey(key, "modelVersion"),
                !scanner.isKey(key, "responseId"), !scanner.isKey(key, "createTime"),
                !scanner.isKey(key, "modelStatus")
            {
                seen.hasContent = true
            }
        }
        guard walked != nil else { return nil }
        (isError, hasContent, interactionType, status, step) = seen
    }
}

/// Where some members of a text's top-level object stand, the last one where a name is repeated.
///
/// Nothing is taken from the heap: this is asked of every event until a hold ends.
struct Members {
    typealias Names = InlineArray<4, StaticString?>

    private let names: Names
    private var ranges: InlineArray<4, Range<Int>?> = .init(repeating: nil)

    /// Finds members by name; nil when the text is no JSON object.
    init?(
        of text: Span<UInt8>, _ first: StaticString, _ second: StaticString,
        _ third: StaticString? = nil, _ fourth: StaticString? = nil
    ) {
        names = [first, second, third, fourth]
        var scanner = JSONScanner(text)
        guard (try? scanner.kind()) == .object else { return nil }
        let names = names
        var found = ranges
        let walked: Void? = try? scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
            let range = try scanner.value()
            for index in names.indices {
                if let name = names[index], scanner.isKey(key, name) {
                    found[index] = range
                    return
                }
            }
        }
        guard walked != nil else { return nil }
        ranges = found
    }

    /// Where a member's value stands, of those that were asked for.
    subscript(name: StaticString) -> Range<Int>? {
        for index in names.indices where names[index]?.spells(name) == true {
            return ranges[index]
        }
        return nil
    }
}

extension JSONScanner {
    /// Whether the value at a range says nothing: null, or an empty text, list or object.
    func isNothing(_ range: Range<Int>) -> Bool {
        bytes(at: range).isJSONNothing
    }
}

extension Span where Element == UInt8 {
    /// Whether a JSON value says nothing: null, false, or an empty text, list or object.
    fileprivate var isJSONNothing: Bool {
        guard count >= 2 else { return false }
        switch self[0] {
        case UInt8(ascii: "\""): return count == 2
        case UInt8(ascii: "n"): return matches("null")
        case UInt8(ascii: "f"): return matches("false")
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            return extracting(1..<count - 1).trimmed.count == 0
        default: return false
        }
    }
}
