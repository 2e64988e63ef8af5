import HTTP
public import JSON
public import Primitives

/// Reads what a record needs out of a vendor's answer, piece by piece as it came.
///
/// It only looks, off the data path. Memory is bounded: of an answer of any size the content passes
/// by, and what stands beside it is kept up to a bound. Most events of a stream say nothing that a
/// record keeps; a search for a few words finds the others, and only those are parsed.
public struct AnswerObserver: ~Copyable {
    /// Bytes of an event, and of what is kept of a body that is no stream.
    public static let bytesMax = 1 << 20

    /// What was found so far.
    public private(set) var facts = AnswerFacts()

    let dialect: Dialect
    private let isEventStream: Bool
    private var splitter = EventSplitter(bytesMax: bytesMax)
    private var largeEvent: LargeEvent
    private var body: AnswerSieve

    /// An observer of an answer in a dialect; `templates`: usage objects of earlier answers.
    public init(
        dialect: Dialect, isEventStream: Bool, templates: UsageTemplates = UsageTemplates()
    ) {
        self.dialect = dialect
        self.isEventStream = isEventStream
        largeEvent = LargeEvent(dialect: dialect, bytesMax: Self.bytesMax)
        body = AnswerSieve(dialect: dialect, bytesMax: Self.bytesMax)
        facts.usageTemplates = templates
    }

    /// Takes a piece of the body that came at a time; `outline`: memory for what is read, of which
    /// nothing counts afterwards.
    public mutating func take(
        _ bytes: Span<UInt8>, at time: Instant, in outline: inout JSONOutline
    ) {
        guard facts.isUnderstood else { return }
        guard isEventStream else {
            if facts.firstContent == nil, bytes.count > 0 { facts.firstContent = time }
            Self.take(bytes, dialect, &body, &outline, &facts)
            if body.isOverflown { facts.isUnderstood = false }
            return
        }
        takeEvents(bytes, at: time, in: &outline)
    }

    // The parts one by one, and no copies of them: each would count the references of its texts.
    private static func take(
        _ bytes: Span<UInt8>, _ dialect: Dialect, _ body: inout AnswerSieve,
        _ outline: inout JSONOutline, _ facts: inout AnswerFacts
    ) {
        // Most answers come as one value in one piece.
        let templates = facts.isFirstUsage ? facts.usageTemplates : nil
        if body.takeWholeValue(bytes, in: &outline, templates) {
            return facts.read(outline, dialect)
        }
        body.take(bytes) { facts.readValue($0, dialect, in: &outline) }
    }

    private mutating func takeEvents(
        _ bytes: Span<UInt8>, at time: Instant, in outline: inout JSONOutline
    ) {
        var start = 0
        while facts.isUnderstood, start < bytes.count {
            let rest = bytes.extracting(start..<bytes.count)
            if !largeEvent.isOpen {
                Self.split(rest, dialect, at: time, &splitter, &outline, &facts)
                guard splitter.isOverflown else { break }
                // A text without any framing is an error, and none is that long.
                guard splitter.bareText.isEmpty else {
                    facts.isUnderstood = false
                    break
                }
                start += splitter.overflowIndex
                if facts.firstContent == nil { facts.firstContent = time }
                Self.open(&largeEvent, dialect, splitter, &outline, &facts)
            } else {
                start += Self.take(rest, dialect, &largeEvent, &outline, &facts)
            }
            if largeEvent.isOverflown { facts.isUnderstood = false }
            if !largeEvent.isOpen { splitter.resume() }
        }
    }

    private static func split(
        _ bytes: Span<UInt8>, _ dialect: Dialect, at time: Instant,
        _ splitter: inout EventSplitter, _ outline: inout JSONOutline, _ facts: inout AnswerFacts
    ) {
        splitter.take(bytes) { event in facts.read(event, dialect, at: time, in: &outline) }
    }

    private static func open(
        _ largeEvent: inout LargeEvent, _ dialect: Dialect, _ splitter: borrowing EventSplitter,
        _ outline: inout JSONOutline, _ facts: inout AnswerFacts
    ) {
        splitter.withUnfinishedEvent { data, line in
            largeEvent.open(data: data, line: line) {
                facts.readValue($0, dialect, in: &outline)
            }
        }
    }

    private static func take(
        _ bytes: Span<UInt8>, _ dialect: Dialect, _ largeEvent: inout LargeEvent,
        _ outline: inout JSONOutline, _ facts: inout AnswerFacts
    ) -> Int {
        largeEvent.take(bytes) { facts.readValue($0, dialect, in: &outline) }
    }

    /// Pieces are missing from here on: the observer must not guess.
    public mutating func markGap() {
        facts.isUnderstood = false
        body.release()
    }

    /// The answer is over, at a time; `outline`: as above.
    public mutating func end(at time: Instant, in outline: inout JSONOutline) {
        guard facts.isUnderstood else { return }
        if isEventStream {
            facts.isCut = largeEvent.isOpen
            Self.end(&splitter, dialect, at: time, &outline, &facts)
        } else {
            facts.isCut = body.isInside
            // Something else follows: what was read may be a part of it.
            if body.isForeign, body.valueCount > 0 || facts.usageCount > 0 {
                facts.isUnderstood = false
            }
            // One value is all there is of most answers; of several the last says it is the last.
            if body.isWholeAnswer, facts.usageCount > 0 {
                facts.isUsageFinal = true
                facts.isOutputOpen = false
            }
        }
        body.release()
    }

    private static func end(
        _ splitter: inout EventSplitter, _ dialect: Dialect, at time: Instant,
        _ outline: inout JSONOutline, _ facts: inout AnswerFacts
    ) {
        splitter.end { event in facts.read(event, dialect, at: time, in: &outline) }
        // Gemini's last word may be an error without any framing.
        facts.readValue(splitter.bareText.bytes, dialect, in: &outline)
    }
}
