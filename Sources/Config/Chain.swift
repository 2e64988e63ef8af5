public import Primitives

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
        public var connect = Interval.seconds(10)
        /// Until the first content of the response, while another target is left.
        public var firstContent = Interval.seconds(240)
        /// Between bytes of the response, once it has begun.
        public var idle = Interval.seconds(600)
        /// Between bytes of a tunnel, either way.
        public var tunnelIdle = Interval.zero
        /// Between contents.
        public var contentIdle = Interval.zero
        /// All of it.
        public var total = Interval.zero

        /// The defaults.
        public init() {}

        /// The clocks of a request that no chain serves: a direct call has none but that of its
        /// connect.
        public static var withoutChain: Clocks {
            var clocks = Clocks()
            clocks.firstContent = .zero
            clocks.idle = .zero
            return clocks
        }
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
        public var cooldown = Interval.seconds(30)
        /// Failures in a row before that.
        public var cooldownAfter = 3

        /// The defaults.
        public init() {}
    }

    /// What becomes of a target that would lose some of a request in its translation.
    public enum LossPolicy: String, Sendable, CaseIterable {
        /// It is asked, and the answer says what is lost.
        case declare
        /// It is passed over.
        case refuse
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
    /// Whether targets of other dialects serve requests, translated.
    public var translates = true
    /// What becomes of a target where a translation loses something.
    public var translateLoss = LossPolicy.declare
    /// Whether WebSocket handshakes on all of its paths open tunnels.
    public var tunnel = false
    /// How long a client of a stream gets nothing before it gets a sign of life; zero is for ever.
    public var heartbeat = Interval.zero
    /// Lifecycle frames held before the commit.
    public var holdBytes = 64 << 10
    /// How long they are held.
    public var holdTime = Interval.seconds(5)
    /// `[chains.clocks]`.
    public var clocks = Clocks()
    /// `[chains.failover]`.
    public var failover = Failover()

    /// A chain of these targets with the defaults.
    public init(name: String, targets: [Target]) {
        self.name = name
        self.targets = targets
    }
}
