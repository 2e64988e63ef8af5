import Synchronization

/// The counters of a sink, and its current trouble.
///
/// Its own thread changes it, any thread reads it.
public final class SinkMetrics: Sendable {
    /// The sink's name.
    public let name: String
    /// Records it took.
    public let delivered = Counter()
    /// Records it will never take.
    public let quarantined = Counter()
    /// Records that were removed before it had them.
    public let skipped = Counter()
    /// Deliveries that failed, and are tried again.
    public let failures = Counter()
    /// The last record's number that it is done with.
    public let number = Counter()
    /// The number of the record that was stored last, as the sink last saw it.
    public let newest = Counter()
    private let trouble = Mutex<String>("")

    /// Counters at zero.
    public init(name: String) {
        self.name = name
    }

    /// Why nothing can be delivered now; empty when all is well.
    public var currentTrouble: String { trouble.withLock { $0 } }

    /// Sets why nothing can be delivered, or that all is well again; true when that changes.
    @discardableResult
    public func remember(trouble text: String) -> Bool {
        trouble.withLock { current in
            defer { current = text }
            return current.isEmpty != text.isEmpty
        }
    }
}
