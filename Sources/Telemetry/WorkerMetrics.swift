import Synchronization

/// What one worker counts.
public final class WorkerMetrics: Sendable {
    private let everyVendor: Mutex<[VendorMetrics]>
    /// Client connections accepted.
    public let accepted = Counter()
    /// Client connections ended.
    public let closed = Counter()
    /// Connections turned away because there were too many.
    public let turnedAway = Counter()
    /// Requests refused before a vendor was asked.
    public let refused = Counter()
    /// Times that accepting paused while descriptors ran out.
    public let acceptPauses = Counter()
    /// Resting connections closed because there were no descriptors left.
    public let gaveWay = Counter()
    /// Handshakes of TLS that were completed.
    public let handshakes = Counter()
    /// Those of them that resumed an earlier session.
    public let handshakesResumed = Counter()
    /// Handshakes that failed, took too long, or were too many.
    public let handshakesFailed = Counter()
    /// Connections ended because the client changed keys, or began handshakes anew, too often.
    public let handshakeFloods = Counter()
    /// Clients that spoke plain HTTP to a listener for TLS.
    public let plainOnTLS = Counter()
    /// Clients that spoke TLS to a listener for plain HTTP.
    public let tlsOnPlain = Counter()
    /// Bytes of response chunks whose client went away before they were sent.
    public let undeliveredBytes = Counter()
    /// Bodies of which the rest was not written down, because nothing could be taken out of it.
    public let withheldBodies = Counter()
    /// WebSockets that vendors have opened.
    public let tunnels = Counter()
    /// Detached answers.
    public let detached = Counter()
    /// Exchanges begun without a journal to record them.
    public let unrecorded = Counter()
    /// Turns of the event loop.
    public let turns = Counter()

    /// The monotonic clock at the latest turn, in nanoseconds: a worker turns at least once in
    /// fifteen seconds, or it is stuck.
    public let lastTurn = Counter()

    /// Counters at zero for these vendors.
    public init(vendors: [String]) {
        everyVendor = Mutex(vendors.map(VendorMetrics.init))
    }

    /// By vendor, in the order in which they were first named.
    ///
    /// None is ever removed: a counter that came back would have lost its count, and exchanges in
    /// flight to a removed vendor are still counted there.
    public var vendors: [VendorMetrics] { everyVendor.withLock { $0 } }

    /// The counters for vendors of these names, in that order; new ones where a name is new.
    public func vendors(named names: [String]) -> [VendorMetrics] {
        everyVendor.withLock { vendors in
            names.map { name in
                if let known = vendors.first(where: { $0.vendor == name }) { return known }
                let added = VendorMetrics(vendor: name)
                vendors.append(added)
                return added
            }
        }
    }
}
