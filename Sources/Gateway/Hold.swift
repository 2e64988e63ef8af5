import Dialects
import ExchangeCore
import HTTP
import JSON
import Primitives

/// A vendor's response that is held back, piece by piece as it came, until it is known to be an
/// answer.
final class Hold {
    /// What the bytes so far have shown.
    enum Finding: Equatable {
        /// Nothing yet.
        case waiting
        /// It is an answer, or cannot be held: it goes out.
        case release
        /// An event says that the vendor failed.
        case failed
    }

    let reason: AttemptVerdict.HoldReason
    private(set) var status: Int
    /// The status line and the vendor's fields, the framing included.
    var head = ByteBuffer()
    private(set) var framing: ResponseFraming
    /// Whether its time has no bound: it cannot go out before its end.
    let awaitsEnd: Bool
    let bytesMax: Int
    let began: Instant
    /// What the vendor asks for before it is tried again.
    private(set) var advice: RetryAdvice
    /// What an error event or an error's body says.
    private(set) var facts = ErrorFacts()
    private(set) var finding = Finding.waiting
    /// Whether the response is here to its end.
    var isWhole = false
    /// Whether it is in another dialect than the vendor's.
    private var isTranslated = false

    /// Bytes of an error that are read: a few compressed ones can stand for very many.
    private static let textBytesMax = 256 << 10
    private var body = ByteBuffer()
    /// Where each piece ends.
    private var ends: ContiguousArray<Int> = []
    /// How the body reads, where it is looked into as a whole.
    private var text = ByteBuffer()
    private var firstValue = FirstJSONValue()
    /// What the answer's body is, once that is known.
    private(set) var answerBody: AnswerBody?

    init(
        _ reason: AttemptVerdict.HoldReason, status: Int, framing: ResponseFraming,
        advice: RetryAdvice, bytesMax: Int, now: Instant, awaitsEnd: Bool = false
    ) {
        self.awaitsEnd = awaitsEnd
        self.reason = reason
        self.status = status
        self.framing = framing
        self.advice = advice
        self.bytesMax = bytesMax
        began = now
    }

    /// Bytes of the body so far.
    var bodyBytes: Int { body.count }

    /// Takes a piece of the body, which reads as `plain` once its content coding is undone.
    ///
    /// A response that cannot be read counts as an answer: nothing says that it is none.
    func take(_ bytes: Span<UInt8>, reads plain: Span<UInt8>, isReadable: Bool) {
        body.append(bytes)
        ends.append(body.count)
        switch reason {
        case .stream: break
        case .answer: takeAnswer(plain, isReadable: isReadable)
        case .refusal, .suspicion:
            if text.count < Self.textBytesMax { text.append(plain) }
        }
        if finding == .waiting, body.count > bytesMax { finding = .release }
    }

    /// Takes a piece of an answer that is no stream of events.
    ///
    /// An error may stand in it under a good status: it is known by its first JSON object, and read
    /// to its end, so that it can be passed on whole where nothing else is left.
    private func takeAnswer(_ plain: Span<UInt8>, isReadable: Bool) {
        guard finding == .waiting, answerBody == nil else { return }
        firstValue.take(plain)
        text.append(plain)
        if !isReadable || firstValue.finding == .other || text.count > Self.textBytesMax {
            finding = .release
        } else if firstValue.finding == .whole {
            // An array without an object holds nothing.
            let body =
                firstValue.range.isEmpty
                ? .nothing : AnswerBody(text.bytes(firstValue.range))
            if body == .content { finding = .release } else { answerBody = body }
        }
    }

    /// Observes what the events of a stream say.
    func observe(_ finding: Finding, _ facts: ErrorFacts) {
        self.finding = finding
        if finding == .failed { remember(facts) }
    }

    /// Takes what stands for the vendor's response in the client's dialect: it is whole.
    func adopt(
        _ answer: AnswerTranslator.Answer, framing: ResponseFraming, head: consuming ByteBuffer
    ) {
        status = answer.status
        self.framing = framing
        self.head = head
        body.append(answer.body.span)
        ends.append(body.count)
        text.append(answer.body.span)
        isWhole = true
        isTranslated = true
        guard answer.isError else { return finding = .release }
        remember(answer.facts)
        if reason == .stream { finding = .failed } else { answerBody = .error }
    }

    /// Reads the body of an error that is whole.
    func readText() {
        // The vendor's own words were read.
        guard !isTranslated else { return }
        switch reason {
        case .stream: break
        case .answer:
            // An object that does not end is the client's to make sense of.
            if finding == .waiting, answerBody == nil, text.bytes.holdsText { finding = .release }
            if answerBody == .error { remember(ErrorFacts(text.bytes)) }
        case .refusal, .suspicion: remember(ErrorFacts(text.bytes))
        }
    }

    /// Appends an error's body as an event of its dialect; false where it is none.
    func writeErrorEvent(_ dialect: Dialect, to output: inout ByteBuffer) -> Bool {
        guard status >= 400, AnswerBody(text.bytes) == .error else { return false }
        if dialect == .anthropic { output.append("event: error\n") }
        output.append("data: ")
        for index in 0..<text.count {
            let byte = text.bytes[index]
            output.append(byte: byte == 0x0A || byte == 0x0D ? 0x20 : byte)
        }
        output.append("\n\n")
        return true
    }

    private func remember(_ facts: ErrorFacts) {
        self.facts = facts
        if advice.after == nil { advice.after = facts.retryAfter }
    }

    /// Appends the status line and the vendor's fields.
    func writeHead(to output: inout ByteBuffer) {
        output.append(contentsOf: head)
    }

    /// Lends each piece as it came.
    func eachPiece(_ use: (borrowing ByteBuffer, Range<Int>) -> Void) {
        var start = 0
        for end in ends {
            use(body, start..<end)
            start = end
        }
    }

    /// Gives the memory of the passed pieces back.
    func release() {
        body.release()
        ends = []
        text.release()
        head.release()
    }
}

extension Span where Element == UInt8 {
    /// Whether a byte is no space.
    fileprivate var holdsText: Bool {
        for index in indices where self[index] > 0x20 || self[index] == 0 { return true }
        return false
    }
}
