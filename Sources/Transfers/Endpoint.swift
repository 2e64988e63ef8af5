import CCurl
public import Cryptography
import Glibc
import Primitives
import Reactor

/// A vendor as libcurl needs it, made once per worker and reading of the configuration: its address
/// parsed, its authorities loaded.
@safe
public final class Endpoint {
    /// The scheme, host and port of a vendor.
    public struct Origin: Hashable, Sendable {
        /// `https` or `http`.
        public let scheme: String
        /// Name or literal address, an IPv6 one in brackets.
        public let host: String
        /// The port.
        public let port: Int

        /// An origin of these parts.
        public init(scheme: String, host: String, port: Int) {
            self.scheme = scheme
            self.host = host
            self.port = port
        }

        /// The beginning of its URLs, without a port that is the scheme's own: as libcurl writes
        /// the Host field.
        var text: String {
            let isDefault = port == (scheme == "https" ? 443 : 80)
            return "\(scheme)://\(host)\(isDefault ? "" : ":\(port)")"
        }

        /// Whether the host is a name that must be looked up.
        public var needsResolution: Bool {
            !host.hasPrefix("[") && !host.utf8.allSatisfy { $0 == 0x2E || 0x30...0x39 ~= $0 }
        }
    }

    /// Whether libcurl can parse an origin.
    public static func canBeAsked(_ origin: Origin) -> Bool {
        Endpoint(name: "", origin: origin, index: 0, trust: nil, addresses: nil) != nil
    }

    /// Configured handles kept.
    private static let restingTransfersMax = 256
    /// The same of handles for tunnels, each of which keeps its two buffers.
    private static let restingTunnelsMax = 16

    /// The vendor's name in the configuration.
    public let name: String
    /// Where it is.
    public let origin: Origin

    let url: OpaquePointer
    let trust: TrustStore?
    /// The index of the endpoint's origin in the pools of a lane, see ``OriginIndexes``.
    let index: Int
    /// Handles configured for this endpoint and at rest.
    var restingTransfers: ContiguousArray<Transfer> = []
    /// The same of those that have been tunnels.
    var restingTunnels: ContiguousArray<Transfer> = []
    /// Whether only transfers in flight still use it.
    private(set) var isRetired = false
    /// The proxy by way of which it is reached.
    let proxy: Proxy?
    /// Addresses of the host that is connected to: the proxy's where there is one.
    let addresses: AddressBook.Entry?
    /// The number of the addresses last seen; -1 before there were any.
    private var generation = -1
    /// How many connections were given an order of addresses; each worker begins somewhere else.
    private var turn = Int.random(in: 0..<1 << 16)

    /// The addresses of a name in the form that libcurl takes.
    @safe
    final class Resolution {
        let list: UnsafeMutablePointer<curl_slist>?

        init(line: String) {
            unsafe list = curl_slist_append(nil, line)
        }

        deinit {
            unsafe curl_slist_free_all(list)
        }
    }

    /// An endpoint for a vendor; nil when libcurl cannot parse its origin.
    public init?(
        name: String, origin: Origin, index: Int, trust: TrustStore?,
        addresses: AddressBook.Entry?, proxy: Proxy? = nil
    ) {
        guard let url = unsafe curl_url() else { return nil }
        let text = "\(origin.scheme)://\(origin.host):\(origin.port)/"
        guard unsafe curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK else {
            unsafe curl_url_cleanup(url)
            return nil
        }
        // A default port in the URL would be repeated in the Host field; libcurl drops it by
        // itself.
        unsafe self.url = unsafe url
        self.name = name
        self.origin = origin
        self.index = index
        self.trust = trust
        self.addresses = addresses
        self.proxy = proxy
    }

    deinit {
        unsafe curl_url_cleanup(url)
    }

    /// A handle at rest; those of tunnels serve tunnels alone.
    func takeResting(isTunnel: Bool) -> Transfer? {
        isTunnel ? restingTunnels.popLast() : restingTransfers.popLast()
    }

    /// Keeps a handle, with nothing of its exchange in it, for the next.
    ///
    /// A tunnel sets all of its handle anew that is not the same for every tunnel.
    func keep(_ transfer: Transfer, isTunnel: Bool) {
        guard !isRetired else { return }
        if isTunnel {
            if restingTunnels.count < Self.restingTunnelsMax { restingTunnels.append(transfer) }
        } else if restingTransfers.count < Self.restingTransfersMax {
            restingTransfers.append(transfer)
        }
    }

    /// Lets the handles at rest go; those in flight are thrown away when they have ended.
    ///
    /// Each holds its endpoint, so that without this neither would ever be freed.
    func retire() {
        isRetired = true
        restingTransfers.removeAll()
        restingTunnels.removeAll()
    }

    /// Brings the addresses up to date.
    ///
    /// Returns false when the name is known not to resolve.
    func refreshAddresses() -> Bool {
        guard let addresses else { return true }
        if generation >= 0, generation == addresses.generation { return true }
        switch addresses.state {
        case .pending: return true
        case .failed: return false
        case .resolved(_, let generation):
            self.generation = generation
            return true
        }
    }

    /// The addresses for libcurl before a request that may open a connection of the pool;
    /// nil where the pool's lane knows enough: it keeps addresses until it gets
    /// others.
    func resolution(for pool: ConnectionPool, isFresh: Bool, now: Instant) -> Resolution? {
        guard let addresses, generation >= 0 else { return nil }
        let isChanged = pool.resolvedGeneration != generation
        guard isChanged || isFresh || pool.idleCount == 0 else { return nil }
        turn &+= 1
        let list = addresses.list(turn: turn, now: now)
        // One address has one order.
        guard isChanged || list.count > 1 else { return nil }
        pool.resolvedGeneration = generation
        return Resolution(
            line: "\(connectHost):\(connectPort):\(list.joined(separator: ","))")
    }

    /// Whether no byte on the way is encrypted.
    var isPlain: Bool { origin.scheme == "http" && proxy?.scheme != "https" }

    /// The host that is connected to, and its port.
    var connectHost: String { proxy?.host ?? origin.host }
    private var connectPort: Int { proxy?.port ?? origin.port }
}

@available(*, unavailable)
extension Endpoint: Sendable {}
