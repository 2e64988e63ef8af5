import Synchronization

/// The certificates that a listener shows now: replaced while it runs, for the connections that
/// begin afterwards.
public final class ServerIdentity: Sendable {
    private let context: Mutex<TLSContext>

    /// An identity of these certificates.
    public init(_ context: TLSContext) {
        self.context = Mutex(context)
    }

    /// The certificates for a connection that begins now.
    public var current: TLSContext { context.withLock { $0 } }

    /// Shows other certificates from now on.
    public func replace(by next: TLSContext) {
        context.withLock { $0 = next }
    }
}
