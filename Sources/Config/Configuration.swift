public import JSON
public import Primitives

/// Everything that an operator can decide; the defaults serve without a file.
public struct Configuration: Sendable {
    /// `[server]`.
    public var server = Server()
    /// `[admin]`.
    public var admin = Admin()
    /// `[log]`.
    public var log = Log()
    /// `[vendors.NAME]`, in the order of the file.
    public var vendors = Vendor.defaults
    /// `[[chains]]`, in the order of the file.
    public var chains: [Chain] = []
    /// `[[quirks]]`, in the order of the file.
    public var quirks: [QuirkSettings] = []
    /// `[models.NAME]`, in the order of the file.
    public var models: [ModelAlias] = []
    /// `[prices]`.
    public var prices = PriceSettings()
    /// `[sinks.NAME]`, in the order of their names.
    public var sinks: [SinkSettings] = []
    /// `[alerts]`.
    public var alerts = AlertSettings()
    /// `[access]`.
    public var access = AccessSettings()
    /// `[keys.NAME]`, in the order of the file.
    public var keys: [KeySettings] = []
    /// `[groups.NAME]`, in the order of the file.
    public var groups: [GroupSettings] = []
    /// `[limits]`.
    public var limits = LimitStoreSettings()

    /// The defaults.
    public init() {}

    /// The gateway's own secrets, which no record may hold.
    public var ownSecrets: [Secret] {
        vendors.flatMap(\.ownSecrets) + sinks.flatMap { $0.headers.map(\.value) }
            + sinks.compactMap(\.password)
            + [admin.token, alerts.webhook, limits.store?.password].compactMap { $0 }
    }

    /// The vendor of a name.
    public func vendor(named name: String) -> Vendor? {
        vendors.first { $0.name == name }
    }

    /// What a WebSocket handshake gets.
    public enum TunnelPolicy: String, CaseIterable, Sendable {
        /// On paths known for it, and on those of chains with `tunnel`: a tunnel to the vendor.
        case known
        /// A refusal, everywhere.
        case refuse
    }

    /// Who lists the models.
    public enum ModelListPolicy: String, CaseIterable, Sendable {
        /// The vendor that the question is routed to.
        case vendor
        /// The gateway: its aliases, and the models that chains name.
        case own
    }

    /// The front that clients talk to.
    public struct Server: Sendable, Equatable {
        /// Addresses with their ports.
        public var listen = ["127.0.0.1:8080"]
        /// Names besides loopback's that a `Host` may have on a loopback listener.
        public var hosts: [String] = []
        /// Web origins, with `*` for any run of letters, whose pages may call.
        public var origins: [String] = []
        /// Whether the gateway's own credentials may serve any client at an address beyond
        /// loopback.
        public var isAnonymous = false
        /// Networks whose connections begin with a header of PROXY protocol, version 2.
        public var proxyNetworks: [IPNetwork] = []
        /// What vendors get of the fields in which proxies name the client.
        public var forwarded = ForwardedPolicy.pass
        /// `[server.tls]`.
        public var tls = ListenerTLS()
        /// Which WebSocket handshakes go to a vendor.
        public var tunnels = TunnelPolicy.known
        /// Who answers the question which models there are; nil where the chains decide it.
        public var models: ModelListPolicy?
        /// Whether the three vendors that need no entry are there beside those of the file.
        public var usesBuiltinVendors = true
        /// Whether the file, and those that it names for secrets, are read again when they change.
        public var isWatched = false
        /// From the moment a drain begins to be visible on `/readyz` to the moment it begins.
        public var drainDelay = Interval.zero
        /// Worker threads; 0 is one per processor this process may use.
        public var workers = 0
        /// Client connections at once, over all workers.
        public var maxConnections = 20_000
        /// Client connections at once of one address, over all workers; 0 is without a bound.
        public var maxConnectionsPerAddress = 0
        /// Bytes of a request body.
        public var maxBodyBytes = 1 << 30
        /// Bytes of a request body up to which it is kept whole.
        public var replayLimitBytes = 16 << 20
        /// Memory for the bodies of all requests.
        public var bodyBudget = MemoryShare.percent(25)
        /// From the first byte of a kept body to its last.
        public var bodyTimeout = Interval.seconds(600)
        /// From the first byte of a head to its last.
        public var headTimeout = Interval.seconds(10)
        /// Between requests of one connection.
        public var keepaliveTimeout = Interval.seconds(75)
        /// For a client that does not take, or does not send, what is due.
        public var slowClientTimeout = Interval.seconds(60)
        /// For streams to end after SIGTERM.
        public var drainTimeout = Interval.seconds(600)

        /// The defaults.
        public init() {}
    }

    /// The listener for operators and probes.
    public struct Admin: Sendable, Equatable {
        /// Address and port; empty is off.
        public var listen = "127.0.0.1:9090"
        /// What all but probes have to show; nil where nothing is asked for.
        public var token: Secret?
        /// Whether the page shows header fields and bodies.
        public var showsContent = false
        /// `[admin.tls]`.
        public var tls = ListenerTLS()
    }

    /// The record of exchanges.
    public struct Log: Sendable, Equatable {
        /// Folder of the journal and the store.
        public var path = "weir-data"
        /// Bodies kept: full, head or none.
        public var capture = "full"
        /// Bytes kept of each body.
        public var captureLimitBytes = 4 << 20
        /// Age at which records are dropped.
        public var retain = Interval.seconds(30 * 86_400)
        /// Bytes of all records at most; zero is without a bound.
        public var maxSizeBytes = 0
        /// Whether segments that are complete are compressed.
        public var isCompressed = true
        /// Bytes of each worker's journal.
        public var journalSizeBytes = 64 << 20
        /// Between writes to the disk; zero leaves them to the kernel.
        public var journalSync = Interval.zero
        /// Paths in JSON bodies whose values are not written down.
        public var redactPaths: [JSONPath] = []
        /// Extended regular expressions; what they match in bodies is not written down.
        public var redactPatterns: [String] = []
    }
}
