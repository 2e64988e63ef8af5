public import Primitives

/// The proxy by way of which a vendor is reached.
public struct VendorProxy: Sendable, Equatable, CustomStringConvertible {
    /// `http` or `https`: how the proxy itself is spoken to.
    public let scheme: String
    /// The host, an IPv6 address in brackets.
    public let host: String
    /// The port.
    public let port: Int
    /// The name that the proxy is shown; nil for none.
    public let user: Secret?
    /// The password beside it; nil for none.
    public let password: Secret?

    /// What no record may hold.
    var secrets: [Secret] {
        guard let user else { return [] }
        guard let password else { return [user] }
        // Together they are what a request carries, in Base64.
        return [password, Secret("\(user.reveal()):\(password.reveal())")]
    }

    /// The URL without the name and the password.
    public var description: String {
        "\(scheme)://\(user == nil ? "" : "<redacted>@")\(host):\(port)"
    }
}
