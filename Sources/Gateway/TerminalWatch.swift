import Dialects
import HTTP
import Primitives

/// Watches a stream for its terminal marker, so that one that ends without it is not taken for
/// whole.
///
/// Only for vendors with `terminal = "strict"`: the others' streams are not parsed for it.
final class TerminalWatch {
    /// Of a stream with an event larger than this nothing more is known, and its end is believed.
    private static let eventBytesMax = 1 << 20

    private let dialect: Dialect
    private var splitter: EventSplitter
    private var sawTerminal = false

    init(dialect: Dialect) {
        self.dialect = dialect
        splitter = EventSplitter(bytesMax: Self.eventBytesMax)
    }

    /// Takes a piece of the stream.
    ///
    /// A content after a marker takes that back: of several choices one had ended, and another goes
    /// on.
    func take(_ bytes: Span<UInt8>) {
        guard !splitter.isOverflown else { return }
        let dialect = dialect
        var sawTerminal = sawTerminal
        splitter.take(bytes) { event in
            if dialect.endsStream(event) {
                sawTerminal = true
            } else if sawTerminal, dialect.kind(of: event) == .content {
                sawTerminal = false
            }
        }
        self.sawTerminal = sawTerminal
    }

    /// Whether the stream, which has ended, lacks its marker.
    ///
    /// The marker counts without its blank line, and so does an error that stands there bare: the
    /// vendor has said its last word.
    func lacksTerminal() -> Bool {
        guard !sawTerminal, !splitter.isOverflown else { return false }
        let dialect = dialect
        var sawTerminal = false
        splitter.end { event in sawTerminal = dialect.endsStream(event) }
        splitter.withBareText { if !sawTerminal { sawTerminal = dialect.endsStream($0) } }
        self.sawTerminal = sawTerminal
        return !sawTerminal
    }
}
