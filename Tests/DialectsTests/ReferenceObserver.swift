import HTTP
import JSON
import Primitives

@testable import Dialects

// How answers were read before, over a tree of JSON values: what the observer is held against. It
// is left as it was, so that a difference is one.

/// Reads what a record needs out of a vendor's answer, piece by piece as it came.
///
/// It only looks, off the data path. Memory is bounded: of an answer of any size the content passes
/// by, and what stands beside it is kept up to a bound. Most events of a stream say nothing that a
/// record keeps; a search for a few words finds the others, and only those are parsed.
struct ReferenceObserver: ~Copyable {
    /// Bytes of an event, and of what is kept of a body that is no stream.
    static let bytesMax = 1 << 20

    /// What was found so far.
    private(set) var facts = ReferenceFacts()

    let dialect: Dialect
    private let isEventStream: Bool
    private var splitter = EventSplitter(bytesMax: bytesMax)
    private var largeEvent: LargeEvent
    private var body: AnswerSieve

    /// An observer of an answer in a dialect.
    init(dialect: Dialect, isEventStream: Bool) {
        self.dialect = dialect
        self.isEventStream = isEventStream
        largeEvent = LargeEvent(dialect: dialect, bytesMax: Self.bytesMax)
        body = AnswerSieve(dialect: dialect, bytesMax: Self.bytesMax)
    }

    /// Takes a piece of the body that came at a time.
    mutating func take(_ bytes: Span<UInt8>, at time: Instant) {
        guard facts.isUnderstood else { return }
        guard isEventStream else {
            if facts.firstContent == nil, bytes.count > 0 { facts.firstContent = time }
            var facts = facts
            let dialect = dialect
            body.take(bytes) { facts.readValue($0, dialect) }
            if body.isOverflown { facts.isUnderstood = false }
            return self.facts = facts
        }
        takeEvents(bytes, at: time)
    }

    private mutating func takeEvents(_ bytes: Span<UInt8>, at time: Instant) {
        var facts = facts
        let dialect = dialect
        var start = 0
        while facts.isUnderstood, start < bytes.count {
            let rest = bytes.extracting(start..<bytes.count)
            if !largeEvent.isOpen {
                splitter.take(rest) { event in facts.read(event, dialect, at: time) }
                guard splitter.isOverflown else { break }
                // A text without any framing is an error, and none is that long.
                guard splitter.bareText.isEmpty else {
                    facts.isUnderstood = false
                    break
                }
                start += splitter.overflowIndex
                if facts.firstContent == nil { facts.firstContent = time }
                splitter.withUnfinishedEvent { data, line in
                    largeEvent.open(data: data, line: line) { facts.readValue($0, dialect) }
                }
            } else {
                start += largeEvent.take(rest) { facts.readValue($0, dialect) }
            }
            if largeEvent.isOverflown { facts.isUnderstood = false }
            if !largeEvent.isOpen { splitter.resume() }
        }
        self.facts = facts
    }

    /// Pieces are missing from here on: the observer must not guess.
    mutating func markGap() {
        facts.isUnderstood = false
        body.release()
    }

    /// The answer is over, at a time.
    mutating func end(at time: Instant) {
        guard facts.isUnderstood else { return }
        if isEventStream {
            facts.isCut = largeEvent.isOpen
            var facts = facts
            let dialect = dialect
            splitter.end { event in facts.read(event, dialect, at: time) }
            // Gemini's last word may be an error without any framing.
            facts.readValue(splitter.bareText.bytes, dialect)
            self.facts = facts
        } else {
            facts.isCut = body.isInside
            // Something else follows: what was read may be a part of it.
            if body.isForeign, body.valueCount > 0 || facts.usageCount > 0 {
                facts.isUnderstood = false
            }
            // One value is all there is of most answers; of several the last says it is the last.
            if body.isWholeAnswer, facts.usageCount > 0 { facts.isUsageFinal = true }
        }
        body.release()
    }
}

extension ReferenceFacts {
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
        if data.matches("[DONE]") {
            sawTerminal = true
            isUsageFinal = usageCount > 0
            return
        }
        readValue(data, dialect)
    }

    /// Takes over what a JSON text says that is an answer, or a part of one.
    mutating func readValue(_ text: Span<UInt8>, _ dialect: Dialect) {
        if let root = dialect.parse(text) { read(root, dialect) }
    }

    /// Takes over what an answer, or a part of one, says.
    mutating func read(_ root: JSONValue, _ dialect: Dialect) {
        let earlier = (usages: usageCount, ended: sawTerminal)
        switch dialect {
        case .openai: readOpenAI(root)
        case .anthropic: readAnthropic(root)
        case .gemini: readGemini(root)
        }
        // An account that comes with the end or behind it is final. So is the account of an opening
        // and its correction, where the end states nothing new.
        if sawTerminal, usageCount > earlier.usages || dialect == .anthropic {
            isUsageFinal = usageCount > 0
        }
    }

    /// Takes over a usage object.
    mutating func readUsage(_ usage: JSONValue?, keepsEarlier: Bool = false) {
        guard let usage, case .object(let members) = usage, !members.isEmpty else { return }
        usageCount += 1
        isUsageFinal = false
        let earlier = usageFields
        usageFields.merge(usage, model: model)
        readTier(usage["service_tier"])
        if usage["speed"]?.text == "fast" { serviceTier = .fast }
        // An account of zeros behind another one: its text would deny the numbers.
        if usageFields == earlier, !usageText.isEmpty { return }
        let text = usage.withoutSentences.description
        guard text.utf8.count <= ReferenceFacts.usageBytesMax else {
            // What cannot be kept cannot be priced by its parts.
            if usage["iterations"] != nil { isUnderstood = false }
            return
        }
        // An account's opening and its latest correction: what lies between was only on the way.
        guard keepsEarlier else {
            firstUsageText = text
            return usageText = text
        }
        usageText = firstUsageText.isEmpty ? text : "[\(firstUsageText),\(text)]"
    }

    /// Takes over a tier of service.
    mutating func readTier(_ word: JSONValue?) {
        if let word = word?.text, let tier = ServiceTier(referenceWord: word) { serviceTier = tier }
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

extension JSONValue {
    /// The value without texts that are more than a name.
    ///
    /// An account has none, and a vendor may put anything into one. The tier of service has a field
    /// of its own.
    fileprivate var withoutSentences: JSONValue {
        switch self {
        case .object(let members):
            .object(
                members.filter { member in
                    member.name != "service_tier" && !member.value.isSentence
                        && Self.isName(member.name)
                }.map { Member($0.name, $0.value.withoutSentences) })
        case .array(let elements):
            .array(elements.filter { !$0.isSentence }.map(\.withoutSentences))
        default: self
        }
    }

    private var isSentence: Bool {
        guard case .string(let text) = self else { return false }
        return !Self.isName(text)
    }

    private static func isName(_ text: String) -> Bool {
        text.utf8.count <= 128 && text.utf8.allSatisfy(isOfName)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        // "-", ".", "/", digits and ":", "@" and capitals.
        0x2D...0x3A ~= byte || 0x40...0x5A ~= byte || byte == 0x5F || 0x61...0x7A ~= byte
    }
}
