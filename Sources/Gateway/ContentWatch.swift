import Dialects
import HTTP
import Primitives

/// Watches a stream after its commit for contents, so that comments and pings do not keep a dead
/// one alive.
///
/// Only where `content_idle` is set: otherwise nothing is parsed after the commit.
final class ContentWatch {
    /// An event larger than this counts as content: it is not looked into.
    private static let eventBytesMax = 64 << 10

    private let dialect: Dialect
    private var splitter: EventSplitter
    /// When the last content came.
    private(set) var last: Instant

    init(dialect: Dialect, now: Instant) {
        self.dialect = dialect
        splitter = EventSplitter(bytesMax: Self.eventBytesMax)
        last = now
    }

    func take(_ bytes: Span<UInt8>, now: Instant) {
        guard !splitter.isOverflown else { return last = now }
        let dialect = dialect
        var hasContent = false
        splitter.take(bytes) { event in
            if dialect.kind(of: event) != .lifecycle { hasContent = true }
        }
        if hasContent || splitter.isOverflown { last = now }
    }
}
