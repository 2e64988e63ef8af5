import HTTP

/// A request that one of our commands sends.
struct Enquiry {
    var method = Method.post
    /// Path and query.
    var path: String
    /// In their order, without what the connection brings.
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// Whether it asks for a WebSocket.
    var isHandshake = false

    /// A request with a body of JSON.
    init(_ path: String, _ fields: [(name: String, value: String)], json: String) {
        self.path = path
        self.fields = fields + [("content-type", "application/json")]
        body = Array(json.utf8)
    }

    /// A request without a body.
    init(
        _ method: Method, _ path: String, _ fields: [(name: String, value: String)] = [],
        isHandshake: Bool = false
    ) {
        self.method = method
        self.path = path
        self.fields = fields
        self.isHandshake = isHandshake
    }

    /// The value of a field; nil where it has none.
    subscript(name: String) -> String? {
        fields.first { $0.name == name }?.value
    }
}
