import JSON

/// What the scripted vendor says at `/stats`.
package struct VendorView: Sendable {
    /// A request as it arrived there.
    package struct Request: Sendable {
        package let method: String
        package let target: String
        package let fields: [(name: String, value: String)]
        package let bodyBytes: Int
        package let bodyDigest: String

        /// The value of a field; nil when there is none.
        ///
        /// Several are joined with a bar.
        package subscript(name: String) -> String? {
            let values = fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
            return values.isEmpty ? nil : values.joined(separator: "|")
        }
    }

    /// A client that went away before its answer was complete.
    package struct Disconnect: Sendable {
        package let request: Int
        package let phase: String
        package let chunks: Int
    }

    package let connections: Int
    package let openConnections: Int
    package let requestCount: Int
    package let requests: [Request]
    package let disconnects: [Disconnect]

    package init(_ text: String) throws {
        let json = try JSONValue(parsing: text)
        connections = json["connections"]?.integer ?? -1
        openConnections = json["open_connections"]?.integer ?? -1
        requestCount = json["requests"]?.integer ?? -1
        requests = (json["request_log"]?.elements ?? []).map { entry in
            Request(
                method: entry["method"]?.text ?? "", target: entry["target"]?.text ?? "",
                fields: (entry["headers"]?.elements ?? []).map {
                    ($0.elements?.first?.text ?? "", $0.elements?.last?.text ?? "")
                }, bodyBytes: entry["body_bytes"]?.integer ?? -1,
                bodyDigest: entry["body_sha256"]?.text ?? ""
            )
        }
        disconnects = (json["disconnect_log"]?.elements ?? []).map { entry in
            Disconnect(
                request: entry["request"]?.integer ?? -1, phase: entry["phase"]?.text ?? "",
                chunks: entry["chunks"]?.integer ?? -1
            )
        }
    }
}
