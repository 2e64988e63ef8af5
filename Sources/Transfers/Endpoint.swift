import CCurl
public import Cryptography
import Glibc

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

        /// Whether the host is a name that must be looked up.
        public var needsResolution: Bool {
            !host.hasPrefix("[") && !host.utf8.allSatisfy { $0 == 0x2E || 0x30...0x39 ~= $0 }
        }
    }

    /// Whether libcurl can parse an origin.
    public static func canBeAsked(_ origin: Origin) -> Bool {
        Endpoint(name: "", origin: origin, index: 0, trust: nil, addresses: nil) != nil
    }

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
    /// Whether only transfers in flight still use it.
    private(set) var isRetired = false
    let addresses: AddressBook.Entry?
    private(set) var resolution: Resolution?

    /// The addresses of a name in the form that libcurl takes, one list per change of them.
    @safe
    final class Resolution {
        let generation: Int
        let list: UnsafeMutablePointer<curl_slist>?

        init(generation: Int, line: String) {
            self.generation = generation
            unsafe list = curl_slist_append(nil, line)
        }

        deinit {
            unsafe curl_slist_free_all(list)
        }
    }

    /// An endpoint for a vendor; nil when libcurl cannot parse its origin.
    public init?(
        name: String, origin: Origin, index: Int, trust: TrustStore?,
        addresses: AddressBook.Entry?
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
    }

    deinit {
        unsafe curl_url_cleanup(url)
    }

    /// Lets the handles at rest go; those in flight are thrown away when they have ended.
    ///
    /// Each holds its endpoint, so that without this neither would ever be freed.
    func retire() {
        isRetired = true
        restingTransfers.removeAll()
    }

    /// Brings the addresses up to date.
    ///
    /// Returns false when the name is known not to resolve.
    func refreshAddresses() -> Bool {
        guard let addresses else { return true }
        let generation = addresses.generation
        if let resolution, resolution.generation == generation { return true }
        switch addresses.state {
        case .pending: return true
        case .failed: return false
        case .resolved(let list, let generation):
            resolution = Resolution(
                generation: generation,
                line: "\(origin.host):\(origin.port):\(list.joined(separator: ","))"
            )
            return true
        }
    }
}

@available(*, unavailable)
extension Endpoint: Sendable {}
