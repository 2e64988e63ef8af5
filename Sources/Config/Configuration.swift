public import Dialects
public import Primitives

/// Everything an operator can decide, with the defaults that serve without a file.
public struct Configuration: Sendable {
    /// `[server]`
    public var server = Server()
    /// `[admin]`
    public var admin = Admin()
    /// `[log]`
    public var log = Log()
    /// `[vendors.NAME]`, in the order of the file.
    public var vendors = Vendor.defaults
    /// `[[chains]]`, in the order of the file.
    public var chains: [Chain] = []

    /// The defaults.
    public init() {}

    /// The vendor of a name.
    public func vendor(named name: String) -> Vendor? {
        vendors.first { $0.name == name }
    }

    /// The front that clients talk to.
    public struct Server: Sendable {
        /// Address and port.
        public var listen = "127.0.0.1:8080"
        /// Worker threads; 0 is one per processor this process may use.
        public var workers = 0
        /// Client connections at once, over all workers.
        public var maxConnections = 20_000
        /// Bytes of a request body.
        public var maxBodyBytes = 64 << 20
        /// Bytes of a request body up to which it is kept whole.
        public var replayLimitBytes = 16 << 20
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
    public struct Admin: Sendable {
        /// Address and port; empty is off.
        public var listen = "127.0.0.1:9090"
    }

    /// The record of exchanges.
    public struct Log: Sendable {
        /// Folder of the journal and the store.
        public var path = "weir-data"
        /// Bodies kept: full, head or none.
        public var capture = "full"
        /// Bytes kept of each body.
        public var captureLimitBytes = 256 << 10
        /// Age at which records are dropped.
        public var retain = Interval.seconds(30 * 86_400)
        /// Bytes of each worker's journal.
        public var journalSizeBytes = 64 << 20
        /// Between writes to the disk; zero leaves them to the kernel.
        public var journalSync = Interval.zero
    }
}

/// A vendor: who is called, how, and with whose credential.
public struct Vendor: Sendable {
    /// Whose key a vendor is shown.
    public enum Credential: Sendable, Equatable {
        /// The caller's own, passed on as it came.
        case client
        /// Ours, in place of whatever the caller sent.
        case own(Secret)
        /// Nobody's: whatever the caller sent is taken out.
        case none
    }

    /// What becomes of a transfer whose client went away.
    public enum DisconnectPolicy: String, Sendable, CaseIterable {
        case cancel, drain
    }

    /// What a stream without its terminal marker is taken for.
    public enum TerminalPolicy: String, Sendable, CaseIterable {
        case strict, lenient
    }

    /// The name in the file, in metrics and in records.
    public var name: String
    /// How it is spoken to.
    public var dialect: Dialect
    /// Scheme, host and port of `base_url`.
    public var scheme: String
    /// The host, an IPv6 address in brackets.
    public var host: String
    /// The port.
    public var port: Int
    /// The path of `base_url` without a slash at its end; empty for none.
    public var basePath: String
    /// Whose credential is sent.
    public var credential: Credential = .client
    /// Fields set on every request, in the order of the file.
    public var headers: [(name: String, value: String)] = []
    /// What happens when the client goes away.
    public var onClientDisconnect = DisconnectPolicy.cancel
    /// A PEM bundle of authorities; empty is the system's.
    public var caFile = ""
    /// What a stream without its terminal marker is.
    public var terminal = TerminalPolicy.lenient

    /// `base_url` as it is used.
    public var baseURL: String {
        let isDefault = port == (scheme == "https" ? 443 : 80)
        return "\(scheme)://\(host)\(isDefault ? "" : ":\(port)")\(basePath)"
    }

    init(name: String, dialect: Dialect, host: String, basePath: String) {
        self.name = name
        self.dialect = dialect
        scheme = "https"
        self.host = host
        port = 443
        self.basePath = basePath
    }

    static let defaults = [
        Vendor(name: "openai", dialect: .openai, host: "api.openai.com", basePath: "/v1"),
        Vendor(name: "anthropic", dialect: .anthropic, host: "api.anthropic.com", basePath: ""),
        Vendor(
            name: "gemini", dialect: .gemini, host: "generativelanguage.googleapis.com", basePath: ""
        ),
    ]
}

/// The targets that serve the requests it matches.
public struct Chain: Sendable {
    /// One vendor with what differs there.
    public struct Target: Sendable {
        /// The vendor's name.
        public var vendor: String
        /// The model asked for instead of the client's; nil leaves it.
        public var model: String?

        /// A target of these parts.
        public init(vendor: String, model: String? = nil) {
            self.vendor = vendor
            self.model = model
        }
    }

    /// How long each part of an exchange may take; zero is without end.
    public struct Clocks: Sendable, Equatable {
        /// DNS, TCP and TLS.
        public var connect = Interval.seconds(5)
        /// Until the first content of the response.
        public var firstContent = Interval.seconds(120)
        /// Between bytes of the response.
        public var idle = Interval.seconds(60)
        /// Between contents.
        public var contentIdle = Interval.zero
        /// All of it.
        public var total = Interval.zero

        /// The defaults.
        public init() {}
    }

    /// Which ends of an attempt try the next target.
    public struct Failover: Sendable, Equatable {
        /// Refused, DNS, TLS.
        public var connect = true
        /// The first content did not come in time.
        public var timeout = true
        /// Closed or reset before the first content.
        public var reset = true
        /// Statuses, classes among them written `5xx`.
        public var statuses = ["408", "425", "429", "5xx"]
        /// The credential is ours and was refused.
        public var credential = true
        /// An error event or an empty stream.
        public var streamError = true
        /// How long a failing target is passed over.
        public var bench = Interval.seconds(30)
        /// Failures in a row before that.
        public var benchAfter = 3

        /// The defaults.
        public init() {}
    }

    /// The unique name.
    public var name: String
    /// Stripped from the path.
    public var prefix = ""
    /// Globs on the path that is left.
    public var paths = ["/*"]
    /// Globs on the request's model.
    public var models = ["*"]
    /// In order of preference.
    public var targets: [Target]
    /// Attempts in all; 0 is one per target.
    public var attempts = 0
    /// Further tries at one target.
    public var retries = 0
    /// Lifecycle frames held before the commit.
    public var holdBytes = 64 << 10
    /// How long they are held.
    public var holdTime = Interval.seconds(5)
    /// `[chains.clocks]`
    public var clocks = Clocks()
    /// `[chains.failover]`
    public var failover = Failover()

    /// A chain of these targets with the defaults.
    public init(name: String, targets: [Target]) {
        self.name = name
        self.targets = targets
    }
}
