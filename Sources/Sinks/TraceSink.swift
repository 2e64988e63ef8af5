import Codings
import Dialects
import JSON
public import LogStore
import Primitives
import Transfers

/// Records as traces over OTLP/HTTP in its JSON form: a server's span for the exchange, and below
/// it a client's span for each attempt, with the attributes of OpenTelemetry's GenAI conventions.
///
/// An exchange whose client sent a `traceparent` goes on in that trace; any other begins one, whose
/// id is the exchange's.
public struct TraceSink: Sink {
    /// Where a vendor is, for `server.address`.
    public struct Server: Sendable {
        var address: String
        var port: Int

        /// A vendor's host and port.
        public init(address: String, port: Int) {
            self.address = address
            self.port = port
        }
    }

    private let remote: Remote
    private let version: String
    private let servers: VendorServers

    /// A sink into a collector; `servers` are the vendors'.
    public init(remote: Remote, version: String, servers: VendorServers) {
        self.remote = remote
        self.version = version
        self.servers = servers
    }

    /// Sends the records' spans in one request.
    public mutating func deliver(_ records: [StoredRecord]) -> Delivery {
        var spans: [JSONValue] = []
        for stored in records {
            let spanned = ExchangeSpans(stored, servers: servers)
            spans += spanned.all
        }
        let resource = AttributeList { list in
            list.add("service.name", "weir")
            list.add("service.version", version)
        }
        let body = JSONValue.object([
            .member(
                "resourceSpans",
                .array([
                    .object([
                        .member("resource", .object([.member("attributes", resource.value)])),
                        .member(
                            "scopeSpans",
                            .array([
                                .object([
                                    .member(
                                        "scope", .object([.member("name", .string("weir"))])),
                                    .member("spans", .array(spans)),
                                ])
                            ])),
                    ])
                ]))
        ])
        return remote.sendOTLP(body)
    }
}

extension Remote {
    /// Sends a request of OTLP's, whose answers mean what the protocol says.
    func sendOTLP(_ body: JSONValue) -> Delivery {
        guard let packed = Gzip.compress(Array(body.description.utf8)) else {
            return .later(reason: "out of memory", after: nil)
        }
        let own = [
            (name: "Content-Type", value: "application/json"),
            (name: "Content-Encoding", value: "gzip"),
        ]
        return send(packed, to: url, own) { answer in
            switch answer.status {
            case 200..<300: .delivered
            // As the protocol has it: what is wrong with the data is not tried again.
            case 400, 413, 422: .refused(reason: "status \(answer.status): \(answer.excerpt)")
            default: answer.asLater
            }
        }
    }
}

/// Attributes as OTLP writes them.
struct AttributeList {
    private var members: [JSONValue] = []

    init(_ fill: (inout AttributeList) -> Void) {
        fill(&self)
    }

    var value: JSONValue { .array(members) }

    mutating func add(_ key: String, _ text: String) {
        if !text.isEmpty { add(key, type: "stringValue", .string(text)) }
    }

    mutating func add(_ key: String, _ number: Int?) {
        // 64 bits are text in OTLP's JSON.
        if let number { add(key, type: "intValue", .string("\(number)")) }
    }

    mutating func add(_ key: String, _ number: Double?) {
        if let number { add(key, type: "doubleValue", .number("\(number)")) }
    }

    mutating func add(_ key: String, _ flag: Bool) {
        add(key, type: "boolValue", .bool(flag))
    }

    mutating func add(_ key: String, list texts: [String]) {
        guard !texts.isEmpty else { return }
        let values = texts.map { JSONValue.object([.member("stringValue", .string($0))]) }
        add(key, type: "arrayValue", .object([.member("values", .array(values))]))
    }

    private mutating func add(_ key: String, type: String, _ value: JSONValue) {
        members.append(
            .object([
                .member("key", .string(key)), .member("value", .object([.member(type, value)])),
            ]))
    }
}

extension JSONValue.Member {
    /// A member, for literals.
    static func member(_ name: String, _ value: JSONValue) -> JSONValue.Member {
        JSONValue.Member(name, value)
    }
}
