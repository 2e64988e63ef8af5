public import Primitives

/// A destination of records besides the store.
public struct SinkSettings: Sendable, Equatable {
    /// What a sink speaks.
    public enum Kind: String, Sendable, CaseIterable {
        /// JSON Lines in a file, or on standard output.
        case jsonl
        /// OTLP over HTTP: a trace for each exchange.
        case otlp
        /// OTLP over HTTP: histograms of tokens and times.
        case otlpMetrics = "otlp_metrics"
        /// ClickHouse over HTTP: a row for each exchange.
        case clickhouse
    }

    /// A field set on every request.
    public struct Header: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// Its value, which may be a key.
        public var value: Secret
    }

    /// The name in the file, in metrics and in the store.
    public var name: String
    /// What it speaks.
    public var kind: Kind
    /// The file, `-` for standard output.
    ///
    /// JSON Lines alone.
    public var path = "-"
    /// Bytes of a file after which another is begun; zero is never.
    public var rotateBytes = 64 << 20
    /// Full files that are kept.
    public var rotateKeep = 5
    /// Whether header fields and bodies go along.
    public var bodies = false
    /// Where to send to: the whole URL for OTLP, the server's for ClickHouse.
    public var url = ""
    /// Fields set on every request, in the order of their names.
    public var headers: [Header] = []
    /// A PEM bundle of authorities; empty is the system's.
    public var caFile = ""
    /// ClickHouse's database.
    public var database = "default"
    /// ClickHouse's table, made when it is not there.
    public var table = "weir_records"
    /// ClickHouse's user.
    public var user = "default"
    /// Its password.
    public var password: Secret?
    /// Records sent at once, at most.
    public var batch = 1000
    /// For a delivery to be acknowledged.
    public var timeout = Interval.seconds(10)

    /// A sink with the defaults of its kind.
    public init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}
