import HTTP
import JSON
public import Primitives

/// A stream of one form in another one, as its bytes come.
public struct StreamTranslation: ~Copyable {
    /// An error before anything that a client sees as an answer: it may still be a status.
    public struct EarlyFailure: Sendable {
        /// The status for the client.
        public let status: Int
        /// The body in the client's dialect.
        public let body: [UInt8]
        /// The vendor's own words for it; empty where it said nothing.
        public let source: [UInt8]
    }

    private let context: AnswerContext
    private let eventBytesMax: Int
    private var splitter: EventSplitter
    private var reader: AnswerReader
    private var guarded: CallGuard
    private var writer: StreamWriter
    private var events: [AnswerEvent] = []
    private var checked: [AnswerEvent] = []
    private var hasEnded = false
    private var current: [UInt8] = []
    /// The short way of the events that come now; nil where the last two differed.
    private var lane: TextLane?
    /// Whether there is a short way at all; a test compares its output with that of the other one.
    var takesShortWay = true
    /// The item whose text the last event said on.
    private var lastKey: Int?
    /// Whether a failure before the answer's beginning may still be a status.
    public var mayFailEarly = true
    /// Whether the stream ended with a failure.
    public private(set) var hasFailed = false
    /// The vendor's failure before the answer's beginning; nil where there was none.
    public private(set) var earlyFailure: EarlyFailure?

    /// A translation that keeps at most so many bytes of an event.
    public init(_ context: AnswerContext, eventBytesMax: Int = 10 << 20) {
        self.context = context
        self.eventBytesMax = eventBytesMax
        splitter = EventSplitter(bytesMax: eventBytesMax)
        reader = AnswerReader(context)
        guarded = CallGuard(context)
        writer = StreamWriter(context)
    }

    /// Whether the client has seen the answer's beginning.
    public var hasBegun: Bool { writer.hasBegun }
    /// Whether the answer is over, well or not: nothing follows.
    public var isOver: Bool { hasEnded }
    /// What the answer does not say.
    public var losses: [Loss] { writer.lost }

    /// Takes a piece of the vendor's stream, and appends what the client gets.
    public mutating func take(_ bytes: Span<UInt8>, into output: inout ByteBuffer) {
        var start = 0
        while start < bytes.count {
            if takesShortWay, bytes.count <= eventBytesMax, splitter.isBetweenEvents,
                let end = lane?.pass(from: start, of: bytes, into: &output)
            {
                start = end
                continue
            }
            // As far as the event may end behind which the short way goes on.
            let end =
                lane == nil || !takesShortWay
                ? bytes.count
                : min(bytes.count, (bytes.firstIndex(of: 0x0A, from: start) ?? bytes.count) + 1)
            split(bytes.extracting(start..<end), into: &output)
            start = end
        }
        if splitter.isOverflown { fail("an event of the vendor's is too large", into: &output) }
    }

    private mutating func split(_ bytes: Span<UInt8>, into output: inout ByteBuffer) {
        withSplitter { translation, splitter in
            splitter.take(bytes) { event in
                if event.hasData { translation.takeEvent(event.data.bytes, into: &output) }
            }
        }
    }

    /// Takes the end of the vendor's stream; `isWhole`: it was not cut off.
    ///
    /// A reason that came before a cut is no end: what follows it in its dialect never came.
    public mutating func end(isWhole: Bool = true, into output: inout ByteBuffer) {
        guard !hasEnded else { return }
        guard isWhole else {
            endLane()
            return fail(.unfinished, into: &output)
        }
        // Gemini breaks a stream off with an error as bare JSON; the others' last event needs its
        // blank line.
        if context.source == .gemini {
            withSplitter { translation, splitter in
                splitter.end { event in
                    if event.hasData { translation.takeEvent(event.data.bytes, into: &output) }
                }
                splitter.withBareText { text in
                    if text.count > 0 { translation.takeEvent(text, into: &output) }
                }
            }
        }
        guard !hasEnded else { return }
        endLane()
        current = []
        reader.end(isMarked: false, &events)
        pass(into: &output)
    }

    /// Lends the splitter out of the translation, which changes while events are read.
    private mutating func withSplitter(
        _ body: (inout StreamTranslation, inout EventSplitter) -> Void
    ) {
        var lent = EventSplitter(bytesMax: 0)
        swap(&lent, &splitter)
        body(&self, &lent)
        swap(&lent, &splitter)
    }

    /// Takes the data of one event.
    private mutating func takeEvent(_ data: Span<UInt8>, into output: inout ByteBuffer) {
        guard !hasEnded else { return }
        if takesShortWay, lane?.pass(data, into: &output) == true { return }
        endLane()
        read(event: Array(data), into: &output)
    }

    private mutating func read(event data: [UInt8], into output: inout ByteBuffer) {
        current = data
        if data.span.matches("[DONE]") {
            reader.end(isMarked: true, &events)
        } else if !data.isEmpty {
            do throws(JSONScanner.Malformed) {
                reader.take(try RawJSON(parsing: data), &events)
            } catch {
                return fail("an event of the vendor's is no JSON", into: &output)
            }
        }
        let only = events.count == 1 ? events.first : nil
        pass(into: &output)
        beginLane(only, data)
    }

    // MARK: The short way

    /// Opens the short way behind two events that said one item's text on.
    private mutating func beginLane(_ event: AnswerEvent?, _ data: [UInt8]) {
        let (key, text, isArguments): (Int, EscapedText, Bool)
        switch event {
        case .text(let item, let more): (key, text, isArguments) = (item, more, false)
        case .arguments(let item, let more): (key, text, isArguments) = (item, more, true)
        default: return lastKey = nil
        }
        guard takesShortWay, lastKey == key, !hasEnded, !guarded.isHeld(key) else {
            return lastKey = key
        }
        guard let template = EventTemplate(data, text: text, context.source) else { return }
        lane = writer.lane(key, isArguments: isArguments, template, from: context.source)
    }

    /// Gives what the short way gathered to those that keep it.
    private mutating func endLane() {
        guard let lane = lane.take() else { return }
        let text = lane.keptText
        if !text.isEmpty {
            reader.keep(text, of: lane.key, isArguments: lane.isArguments)
            if lane.isArguments { guarded.keep(text, of: lane.key) }
        }
        writer.keep(text, of: lane)
        let last = lane.lastEvent
        if !last.isEmpty { reader.takeUsage(of: RawJSON(walked: last[...])) }
    }

    /// Ends the answer with a failure of the vendor's, for a reason in words.
    public mutating func fail(_ reason: String, into output: inout ByteBuffer) {
        guard !hasEnded else { return }
        endLane()
        fail(AnswerFailure(kind: .server, message: EscapedText(reason)), into: &output)
    }

    private mutating func fail(_ failure: AnswerFailure, into output: inout ByteBuffer) {
        current = []
        events.append(.failed(failure))
        pass(into: &output)
    }

    private mutating func pass(into output: inout ByteBuffer) {
        guarded.take(events, &checked)
        events.removeAll(keepingCapacity: true)
        for event in checked where !hasEnded {
            switch event {
            case .failed(let failure):
                hasEnded = true
                hasFailed = true
                if mayFailEarly, !writer.hasBegun {
                    var json = JSONWriter()
                    failure.write(for: context.target, to: &json)
                    earlyFailure = EarlyFailure(
                        status: failure.status(for: context.target), body: json.bytes,
                        source: current)
                    continue
                }
            case .finished: hasEnded = true
            default: break
            }
            writer.take(event, into: &output)
        }
        checked.removeAll(keepingCapacity: true)
    }
}
