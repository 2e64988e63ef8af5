public import Cryptography
public import Primitives
public import Transfers

/// What is compared, and how.
public struct BenchPlan: Sendable {
    /// An endpoint that answers chat calls of OpenAI's shape: the vendor itself, or one through a
    /// gateway.
    public struct Target: Sendable {
        /// The name in the report.
        public var name: String
        /// Scheme, host and port.
        public var origin: Endpoint.Origin
        /// The path before `/chat/completions`.
        public var basePath: String
        /// The process on this machine whose cost is measured; nil where there is none.
        public var process: Int32?
        /// Sent as `Authorization: Bearer`.
        public var key: Secret?

        /// A target of these parts.
        public init(
            name: String, origin: Endpoint.Origin, basePath: String, process: Int32? = nil,
            key: Secret? = nil
        ) {
            self.name = name
            self.origin = origin
            self.basePath = basePath
            self.process = process
            self.key = key
        }
    }

    /// One way of calling, which each target is measured in.
    public struct Scenario: Sendable, Equatable {
        /// Whether answers are streamed.
        public var streams: Bool
        /// Calls at once in a closed loop.
        public var connections: Int
        /// Calls a second of an open loop; nil is a closed one.
        public var rate: Int?
        /// The script of the scripted vendor; empty for a real one.
        public var script: String

        /// A scenario of these parts.
        public init(streams: Bool, connections: Int, rate: Int? = nil, script: String = "") {
            self.streams = streams
            self.connections = connections
            self.rate = rate
            self.script = script
        }

        /// The name in the report.
        public var name: String {
            let kind = streams ? "stream" : "plain"
            guard let rate else {
                return "\(kind), \(connections) at once"
            }
            return "\(kind), \(rate)/s"
        }
    }

    /// The vendor first, called directly, then the ways through gateways.
    public var targets: [Target]
    /// In the order in which they are measured.
    public var scenarios: [Scenario]
    /// The model asked for.
    public var model = "gpt-4o"
    /// Bytes of each prompt.
    public var promptBytes = 1000
    /// `max_tokens` of each call; nil leaves it out.
    public var tokensMax: Int?
    /// How long each scenario is measured.
    public var duration = Interval.seconds(5)
    /// Calls in all, at most.
    public var callsMax = Int.max
    /// Whether the vendor is the scripted one, whose every answer is known.
    public var isScripted = false
    /// Open streams held for the measurement of memory; zero is none.
    public var idleStreams = 0
    /// The authorities for https.
    public var trust: TrustStore?

    /// A plan of these parts.
    public init(targets: [Target], scenarios: [Scenario]) {
        self.targets = targets
        self.scenarios = scenarios
    }
}
