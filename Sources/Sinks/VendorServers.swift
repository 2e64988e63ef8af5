import Synchronization

/// The vendors' addresses, by their names: set when the configuration is read, read by sinks on
/// their own threads.
///
/// An address is the one of the last reading. A removed vendor is still known: records
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
