import Dialects
import JSON
import Primitives

/// Reads the usage that a vendor reports, for a caller that is charged by it.
///
/// An object of its own, because few responses need one. The record is made of the same facts.
final class UsageObserver {
    private var observer: AnswerObserver
    private var outline = JSONOutline()
    /// Bytes of the response so far.
    private(set) var bytes = 0
    private var hasEnded = false

    init(dialect: Dialect, isEventStream: Bool) {
        observer = AnswerObserver(dialect: dialect, isEventStream: isEventStream)
    }

    /// Takes a piece, as it reads; `isReadable`: false where the rest cannot be read.
    func take(_ plain: Span<UInt8>, isReadable: Bool, now: Instant) {
        guard !hasEnded else { return }
        bytes += plain.count
        observer.take(plain, at: now, in: &outline)
        if !isReadable { observer.markGap() }
    }

    /// The facts, at the end of the response; nil where it could not be decoded to its end.
    func end(isDecoded: Bool, now: Instant) -> AnswerFacts? {
        if !hasEnded { observer.end(at: now, in: &outline) }
        hasEnded = true
        return isDecoded ? observer.facts : nil
    }
}
