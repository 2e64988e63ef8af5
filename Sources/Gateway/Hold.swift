import Dialects
import ExchangeCore
import HTTP
import Primitives
import Routing

/// A vendor's response that is held back, byte for byte as it would go out, until it is known to be
/// an answer.
final class Hold {
    /// What the bytes so far have shown.
    enum Finding: Equatable {
        /// Nothing yet.
        case waiting
        /// It is an answer, or too large to be held: it goes out.
        case release
        /// An event says that the vendor failed.
        case failed
    }

    let kind: AttemptVerdict.HoldReason
    let vendor: String
    /// Which attempt's response it is.
    let attempt: Int
    let status: Int
    /// The status line and fields, without ours and without the blank line.
    var head = ByteBuffer()
    /// The body in its framing.
    var body = ByteBuffer()
    let framing: ResponseFraming
    /// Whether the connection ends with this response.
    let closes: Bool
    /// What the vendor asks for before it is tried again.
    private(set) var advice: RetryAdvice
    /// What an error event or an error's body says.
    private(set) var facts = ErrorFacts()
    let began: Instant
    private(set) var finding = Finding.waiting
    /// Whether the response is here to its end.
    var isWhole = false
    /// Bytes of the body without its framing.
    private(set) var bodyBytes = 0
    private(set) var streamEnd = StreamEnd()
    /// What the journal was told of it, once it is kept for later.
    var told: ToldResponse?

    private let dialect: Dialect
    private let bytesMax: Int
    /// Bytes of an error that are read: a few compressed ones can stand for very many.
    private let textBytesMax = 256 << 10
    private var splitter: EventSplitter
    /// The body of an error without its framing.
    private var text = ByteBuffer()

    init(
        kind: AttemptVerdict.HoldReason, vendor: String, attempt: Int, status: Int,
        framing: ResponseFraming, closes: Bool, advice: RetryAdvice,
        dialect: Dialect, bytesMax: Int, now: Instant
    ) {
        self.kind = kind
        self.vendor = vendor
        self.attempt = attempt
        self.status = status
        self.framing = framing
        self.closes = closes
        self.advice = advice
        self.dialect = dialect
        self.bytesMax = bytesMax
        began = now
        splitter = EventSplitter(bytesMax: bytesMax)
    }

    /// Takes a piece of the body, which reads as `plain` once its content coding is undone.
    ///
    /// What cannot be read is an answer: nothing says that it is none.
    func take(
        _ bytes: Span<UInt8>, reads plain: Span<UInt8>, isReadable: Bool = true
    ) -> Finding {
        framing.write(bytes, to: &body)
        bodyBytes += bytes.count
        streamEnd.take(plain)
        guard finding == .waiting else { return finding }
        if kind == .stream {
            look(at: plain)
            if finding == .waiting, !isReadable { finding = .release }
        } else if kind == .answer {
            if !isReadable || plain.holdsText { finding = .release }
        } else if text.count < textBytesMax {
            text.append(plain)
        }
        if finding == .waiting, body.count > bytesMax { finding = .release }
        return finding
    }

    private func look(at bytes: Span<UInt8>) {
        var seen = Finding.waiting
        var facts = ErrorFacts()
        let dialect = dialect
        splitter.take(bytes) { event in
            if seen == .waiting { (seen, facts) = Self.finding(of: event, dialect) }
        }
        finding = seen == .waiting && splitter.isOverflown ? .release : seen
        note(facts)
    }

    private static func finding(
        of event: borrowing ServerSentEvent, _ dialect: Dialect
    ) -> (Finding, ErrorFacts) {
        switch dialect.kind(of: event) {
        case .content: (.release, ErrorFacts())
        case .error: (.failed, ErrorFacts(event.data.bytes))
        // A stream that ends before any content has none: its end will say so.
        case .lifecycle, .terminal: (.waiting, ErrorFacts())
        }
    }

    /// Notes that the stream has ended: its last event may lack the blank line after it, and some
    /// clients read it all the same.
    func endStream() {
        guard kind == .stream, finding == .waiting else { return }
        var seen = Finding.waiting
        var facts = ErrorFacts()
        let dialect = dialect
        splitter.end { event in (seen, facts) = Self.finding(of: event, dialect) }
        finding = seen
        note(facts)
    }

    /// Reads the body of an error that is whole.
    func readBody() {
        guard kind != .stream, kind != .answer else { return }
        note(ErrorFacts(text.bytes))
    }

    private func note(_ facts: ErrorFacts) {
        self.facts = facts
        if advice.after == nil { advice.after = facts.retryAfter }
    }

    /// What is wrong with an answer that is whole.
    var emptiness: String {
        splitter.eventCount == 0
            ? (splitter.commentCount > 0 ? "a stream of comments alone" : "an empty stream")
            : "a stream without content"
    }
}

extension Span where Element == UInt8 {
    /// Whether a byte is no space.
    fileprivate var holdsText: Bool {
        for index in indices where self[index] > 0x20 || self[index] == 0 { return true }
        return false
    }
}
