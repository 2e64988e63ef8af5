import Synchronization

/// The counters of the journals' reader, and its current trouble.
///
/// One thread changes it, any thread reads it.
public final class RecordMetrics: Sendable {
    /// Records of this process that are in the store.
    public let stored = Counter()
    /// Records that earlier processes left in their journals, and that are in the store now.
    public let recovered = Counter()
    /// Exchanges whose frames were damaged, or that the store would never take.
    public let lost = Counter()
    /// Runs of bytes in journals that were no frames.
    public let damage = Counter()
    /// Transactions of the store.
    public let transactions = Counter()
    /// Transactions that failed, and are tried again.
    public let failures = Counter()
    /// Records that grew too old and were taken out.
    public let retired = Counter()
    /// Segments that were taken away to keep to a bound of bytes.
    public let evictedSegments = Counter()
    /// Segments that are gone, and that were not taken away here.
    public let missingSegments = Counter()
    /// What is lost of the record and was not acknowledged, as of the last look.
    public let newLosses = Counter()
    /// What is lost of it, and an operator has said that it is known.
    public let acknowledgedLosses = Counter()
    /// What the records that were stored say of tokens, money and times.
    public let usage = UsageMetrics()
    private let trouble = Mutex<String>("")

    /// Counters at zero.
    public init() {}

    /// Why nothing can be stored now; empty when all is well.
    public var currentTrouble: String { trouble.withLock { $0 } }

    /// Sets why nothing can be stored, or that all is well again; true when that changes.
    @discardableResult
    public func remember(trouble text: String) -> Bool {
        trouble.withLock { current in
            defer { current = text }
            return current.isEmpty != text.isEmpty
        }
    }
}

/// Where the record's numbers come from.
public struct RecordSource: Sendable {
    /// What its reader counts.
    public var metrics: RecordMetrics
    /// What the journals' writers count, now.
    public var counts: @Sendable () -> RecordCounts
    /// What the sinks count.
    public var sinks: [SinkMetrics]

    /// A source of these.
    public init(
        metrics: RecordMetrics, sinks: [SinkMetrics] = [],
        counts: @escaping @Sendable () -> RecordCounts
    ) {
        self.metrics = metrics
        self.sinks = sinks
        self.counts = counts
    }
}

/// What the writers of the journals count, at one moment.
public struct RecordCounts: Equatable, Sendable {
    /// Exchanges that need a record.
    public var emitted = 0
    /// Of those, the ones that found no room, and never will have one.
    public var dropped = 0
    /// Pieces of bodies that found no room.
    public var droppedFrames = 0
    /// Their bytes.
    public var droppedBytes = 0

    /// Nothing counted.
    public init() {}
}
