import Synchronization

/// Where vendors are, by their names: told by whoever reads the configuration, asked by sinks on
/// their own threads.
///
/// What is told is the place of the time of telling. A vendor that went is still known: records
/// that name it may be on their way.
public final class VendorServers: Sendable {
    private let servers = Mutex<[String: TraceSink.Server]>([:])

    /// No vendor is known yet.
    public init() {}

    /// Where a vendor is.
    public subscript(_ vendor: String) -> TraceSink.Server? {
        get { servers.withLock { $0[vendor] } }
        set { servers.withLock { $0[vendor] = newValue } }
    }
}
