public import Primitives

/// A proxy as libcurl needs it.
///
/// libcurl has a vendor of https reached through a tunnel, whose opening alone carries the name and
/// the password; a vendor of http through requests that the proxy itself makes.
public struct Proxy: Hashable, Sendable {
    /// `http` or `https`.
    public let scheme: String
    /// Name or literal address, an IPv6 one in brackets.
    public let host: String
    /// The port.
    public let port: Int
    let user: Secret?
    let password: Secret?

    /// A proxy of these parts.
    public init(
        scheme: String, host: String, port: Int, user: Secret? = nil, password: Secret? = nil
    ) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.user = user
        self.password = password
    }

    /// Whether the host is a name that must be looked up.
    public var needsResolution: Bool {
        Endpoint.Origin(scheme: scheme, host: host, port: port).needsResolution
    }

    var url: String { "\(scheme)://\(host):\(port)" }
}
