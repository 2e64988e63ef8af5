import Synchronization

/// When the certificates of the listeners end, in seconds since 1970.
public final class CertificateMetrics: Sendable {
    private let ends = Mutex<[(listener: String, seconds: Int)]>([])

    /// None.
    public init() {}

    /// The first certificate of a listener ends then.
    public func set(_ listener: String, _ seconds: Int) {
        ends.withLock { ends in
            ends.removeAll { $0.listener == listener }
            ends.append((listener, seconds))
        }
    }

    /// All of them.
    public var all: [(listener: String, seconds: Int)] { ends.withLock { $0 } }
}
