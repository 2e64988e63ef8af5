import JSON
import Primitives

/// What the scripted vendor saw, for tests and for people.
struct VendorStatistics {
    /// One request as it arrived.
    struct Request {
        let number: Int
        let method: String
        let target: String
        let fields: [(String, String)]
        let bodyBytes: Int
        let bodyDigest: String
    }

    /// A client that went away before its answer was complete.
    struct Disconnect {
        let request: Int
        /// `connected`, `uploading`, `waiting` or `streaming`.
        let phase: String
        /// Content events sent by then.
        let chunks: Int
        /// The monotonic clock.
        let atNanoseconds: Int64
    }

    /// Requests and disconnects remembered, the latest.
    private static let remembered = 2000

    var connections = 0
    var openConnections = 0
    var requestCount = 0
    var disconnectCount = 0
    private var requests: [Request] = []
    private var disconnects: [Disconnect] = []

    mutating func add(_ request: Request) {
        if requests.count >= Self.remembered { requests.removeFirst(Self.remembered / 2) }
        requests.append(request)
    }

    mutating func add(_ disconnect: Disconnect) {
        disconnectCount += 1
        if disconnects.count >= Self.remembered { disconnects.removeFirst(Self.remembered / 2) }
        disconnects.append(disconnect)
    }

    mutating func reset() {
        let open = openConnections
        self = VendorStatistics()
        openConnections = open
    }

    var json: String {
        let requests = requests.map { request in
            let fields = request.fields.map { "[\(JSONText.quote($0.0)),\(JSONText.quote($0.1))]" }
            return """
                {"number":\(request.number),"method":\(JSONText.quote(request.method)),\
                "target":\(JSONText.quote(request.target)),"body_bytes":\(request.bodyBytes),\
                "body_sha256":"\(request.bodyDigest)","headers":[\(fields.joined(separator: ","))]}
                """
        }
        let disconnects = disconnects.map {
            """
            {"request":\($0.request),"phase":"\($0.phase)","chunks":\($0.chunks),\
            "at_ns":\($0.atNanoseconds)}
            """
        }
        return """
            {"connections":\(connections),"open_connections":\(openConnections),\
            "requests":\(requestCount),"disconnects":\(disconnectCount),\
            "request_log":[\(requests.joined(separator: ","))],\
            "disconnect_log":[\(disconnects.joined(separator: ","))]}

            """
    }
}
