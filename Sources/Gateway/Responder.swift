public import HTTP

/// An answer of the gateway's own.
public struct LocalResponse: Sendable {
    /// The HTTP status.
    public let status: Int
    /// The media type of the body.
    public let contentType: String
    /// The body.
    public let body: [UInt8]
    /// What names this version of it, in quotes; empty where nothing does.
    public let entityTag: String
    /// Further fields.
    public var fields: [Field] = []

    /// A field of the head.
    public struct Field: Sendable {
        let name: String
        let value: String

        /// A field of these parts, which hold no line's end.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// An answer of these parts.
    public init(status: Int, contentType: String, body: String, entityTag: String = "") {
        self.init(
            status: status, contentType: contentType, bytes: Array(body.utf8),
            entityTag: entityTag)
    }

    /// An answer of these parts, its body as bytes.
    public init(status: Int, contentType: String, bytes: [UInt8], entityTag: String = "") {
        self.entityTag = entityTag
        self.status = status
        self.contentType = contentType
        body = bytes
    }
}

/// Answers requests without a vendor: the pages for operators and probes.
public protocol Responder: AnyObject {
    /// The answer to a request; nil where the one that `later` makes is given by another thread.
    ///
    /// It is called on a loop that others need: what waits for a disk is for later.
    func respond(
        to head: borrowing RequestHead, body: Span<UInt8>, later: () -> LaterAnswer?
    ) -> LocalResponse?
}

/// The usual phrase for a status of ours.
func reasonPhrase(_ status: Int) -> StaticString {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 204: "No Content"
    case 303: "See Other"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 414: "URI Too Long"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 429: "Too Many Requests"
    case 426: "Upgrade Required"
    case 431: "Request Header Fields Too Large"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: "Error"
    }
}
