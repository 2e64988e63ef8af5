import HTTP
import JSON
public import Primitives

/// Reads what a record needs out of a vendor's answer, piece by piece as it came.
///
/// It only looks, off the data path. Memory is bounded: of an event or a body beyond the bound
/// nothing is known, and said so. Most events of a stream say nothing that a record keeps; they are
/// told by a search for a few words, and only the others are parsed.
public struct AnswerObserver: ~Copyable {
    /// Bytes of an event, or of a body that is no stream, looked at.
    public static let bytesMax = 1 << 20

    /// What was found so far.
    public private(set) var facts = AnswerFacts()

    let dialect: Dialect
    private let isEventStream: Bool
    private var splitter = EventSplitter(bytesMax: bytesMax)
    private var body = ByteBuffer()

    /// An observer of an answer in a dialect.
    public init(dialect: Dialect, isEventStream: Bool) {
        self.dialect = dialect
        self.isEventStream = isEventStream
    }

    /// Takes a piece of the body that came at a time.
    public mutating func take(_ bytes: Span<UInt8>, at time: Instant) {
        guard facts.isUnderstood else { return }
        guard isEventStream else {
            if facts.firstContent == nil, bytes.count > 0 { facts.firstContent = time }
            guard body.count + bytes.count <= Self.bytesMax else {
                facts.isUnderstood = false
                return body.release()
            }
            return body.append(bytes)
        }
        var facts = facts
        let dialect = dialect
        splitter.take(bytes) { event in facts.read(event, dialect, at: time) }
        if splitter.isOverflown { facts.isUnderstood = false }
        self.facts = facts
    }

    /// Tells the observer that pieces are missing from here on, so that it must not guess.
    public mutating func markGap() {
        facts.isUnderstood = false
        body.release()
    }

    /// The answer is over, at a time.
    public mutating func end(at time: Instant) {
        guard facts.isUnderstood else { return }
        if isEventStream {
            var facts = facts
            let dialect = dialect
            splitter.end { event in facts.read(event, dialect, at: time) }
            // Gemini's last word may be an error without any framing.
            if let root = dialect.parse(splitter.bareText.bytes) {
                facts.read(root, dialect)
            }
            self.facts = facts
        } else if let root = dialect.parse(body.bytes) {
            // Gemini streams an array of answers where it is not asked for events.
            for answer in root.elements ?? [root] { facts.read(answer, dialect) }
        }
        body.release()
    }
}

extension AnswerFacts {
    /// Takes over what an event of a stream says.
    mutating func read(
        _ event: borrowing ServerSentEvent, _ dialect: Dialect, at time: Instant
    ) {
        let data = event.data.bytes
        if firstContent == nil, dialect.kind(of: event) == .content { firstContent = time }
        // The first ones name the model, whatever else they say.
        eventCount += 1
        let mayName = model.isEmpty && eventCount <= Self.namingEventsMax
        let saysSomething = dialect.saysSomethingToKeep(data)
        // Of several choices one had ended, and another goes on.
        if sawTerminal, !saysSomething, dialect.kind(of: event) == .content { sawTerminal = false }
        guard mayName || saysSomething else { return }
        if data.matches("[DONE]") { return sawTerminal = true }
        guard let root = dialect.parse(data) else { return }
        read(root, dialect)
    }

    /// Takes over what an answer, or a part of one, says.
    mutating func read(_ root: JSONValue, _ dialect: Dialect) {
        switch dialect {
        case .openai: readOpenAI(root)
        case .anthropic: readAnthropic(root)
        case .gemini: readGemini(root)
        }
    }

    /// Takes over a usage object.
    mutating func readUsage(_ usage: JSONValue?, keepsEarlier: Bool = false) {
        guard let usage, case .object(let members) = usage, !members.isEmpty else { return }
        usageFields.merge(usage)
        let text = usage.description
        guard text.utf8.count <= AnswerFacts.usageBytesMax else { return }
        // An account's opening and its latest correction: what lies between was only on the way.
        guard keepsEarlier else {
            firstUsageText = text
            return usageText = text
        }
        usageText = firstUsageText.isEmpty ? text : "[\(firstUsageText),\(text)]"
    }

    mutating func readError(_ error: JSONValue?) {
        guard let error else { return }
        switch error {
        case .string(let text):
            errorMessage = text
            errorKind = "error"
        case .object:
            errorKind =
                error["type"]?.text ?? error["status"]?.text ?? error["code"]?.text
                ?? error["code"]?.integer.map { "\($0)" } ?? "error"
            errorMessage = error["message"]?.text ?? ""
        default:
            break
        }
    }
}
