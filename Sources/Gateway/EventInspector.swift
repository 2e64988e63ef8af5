import Dialects
import HTTP
import Primitives

/// Reads the events of a stream once, for all that ask: whether it shows content or an error,
/// whether it ends in its dialect's marker, when its last content came.
final class EventInspector {
    /// A stream with a larger event is not read further: the event counts as content, and the
    /// end of the stream as whole.
    static let eventBytesMax = 1 << 20

    private let dialect: Dialect
    private var splitter: EventSplitter
    /// Whether nothing more can be read.
    private var isBlind = false
    private var hasEnded = false
    private var sawTerminal = false
    /// The finding of the first event that decides.
    private(set) var finding = Hold.Finding.waiting
    /// What an error event says.
    private(set) var facts = ErrorFacts()
    /// When the last content came.
    private(set) var lastContent: Instant

    init(dialect: Dialect, bytesMax: Int = eventBytesMax, now: Instant) {
        self.dialect = dialect
        splitter = EventSplitter(bytesMax: bytesMax)
        lastContent = now
    }

    /// Takes a piece of the stream.
    func take(_ bytes: Span<UInt8>, now: Instant) {
        guard !isBlind else { return lastContent = now }
        let dialect = dialect
        var reading = Reading(sawTerminal: sawTerminal, finding: finding, facts: facts)
        splitter.take(bytes) { reading.take($0, dialect) }
        adopt(reading)
        if reading.hasContent { lastContent = now }
        if splitter.isOverflown { stopReading(now: now) }
    }

    /// The rest cannot be read: it may be anything.
    func stopReading(now: Instant) {
        isBlind = true
        lastContent = now
        if finding == .waiting { finding = .release }
    }

    /// The stream has ended: its last event may lack the blank line after it, and some clients read
    /// it all the same.
    func end() {
        guard !hasEnded, !isBlind else { return }
        hasEnded = true
        let dialect = dialect
        var reading = Reading(sawTerminal: sawTerminal, finding: finding, facts: facts)
        splitter.end { reading.take($0, dialect) }
        // An error without an event's framing counts as the vendor's last event.
        splitter.withBareText { if dialect.endsStream($0) { reading.sawTerminal = true } }
        adopt(reading)
    }

    /// Whether the stream, which has ended, lacks its marker.
    var lacksTerminal: Bool { !isBlind && !sawTerminal }

    /// What is wrong with a stream that shows nothing.
    var emptiness: String {
        splitter.eventCount == 0
            ? (splitter.commentCount > 0 ? "a stream of comments alone" : "an empty stream")
            : "a stream without content"
    }

    private func adopt(_ reading: Reading) {
        sawTerminal = reading.sawTerminal
        finding = reading.finding
        facts = reading.facts
    }

    /// The findings of some events, added to those before.
    private struct Reading {
        var sawTerminal: Bool
        var finding: Hold.Finding
        var facts: ErrorFacts
        var hasContent = false

        mutating func take(_ event: borrowing ServerSentEvent, _ dialect: Dialect) {
            let kind = dialect.kind(of: event)
            if kind != .lifecycle { hasContent = true }
            // A content after a marker cancels it: of several choices one had ended, and
            // another goes on.
            if dialect.endsStream(event) {
                sawTerminal = true
            } else if kind == .content {
                sawTerminal = false
            }
            guard finding == .waiting else { return }
            switch kind {
            case .content: finding = .release
            case .error:
                finding = .failed
                facts = ErrorFacts(event.data.bytes)
            // A stream that ends before any content has none: its end will say so.
            case .lifecycle, .terminal: break
            }
        }
    }
}
