public import Primitives

/// `[limits]`: where several replicas keep one count.
public struct LimitStoreSettings: Sendable, Equatable {
    /// What decides while the store cannot be reached.
    public enum Outage: String, CaseIterable, Sendable {
        /// Each replica keeps to the share that it had last.
        case lastShare = "last_share"
        /// Each replica keeps to the whole limit, as if it were alone.
        case open = "open"
        /// Requests with a limit are refused.
        case closed = "closed"
    }

    /// The store; nil where each process counts by itself.
    public var store: StoreAddress?
    /// What decides without it.
    public var outage = Outage.lastShare
    /// A PEM bundle of authorities; empty is the system's.
    public var caFile = ""

    /// Each process by itself.
    public init() {}
}

/// A Redis or Valkey server, as a URL names it.
public struct StoreAddress: Sendable, Equatable, CustomStringConvertible {
    /// Whether the connection is TLS.
    public let isEncrypted: Bool
    /// A name or an address, an IPv6 one without its brackets.
    public let host: String
    /// The port.
    public let port: Int
    /// Who is shown to the server; nil for its default user.
    public let user: String?
    /// The password; nil where none is shown.
    public let password: Secret?
    /// The number of the database.
    public let database: Int

    /// The URL without the password.
    public var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        let login = password == nil ? "" : "\(user ?? ""):<redacted>@"
        return "\(isEncrypted ? "rediss" : "redis")://\(login)\(name):\(port)/\(database)"
    }

    /// Why a text is no URL of a store.
    struct Malformation: Error {
        let fault: String
    }

    init(_ text: String) throws(Malformation) {
        guard let end = text.firstRange(of: "://"),
            ["redis", "rediss"].contains(String(text[..<end.lowerBound]))
        else { throw Malformation(fault: "must begin with redis:// or rediss://") }
        isEncrypted = text.hasPrefix("rediss:")
        var rest = text[end.upperBound...]
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !rest.contains("?"),
            !rest.contains("#")
        else { throw Malformation(fault: "has a query, or a byte to be escaped") }
        var login: Substring?
        if let at = rest.lastIndex(of: "@") {
            login = rest[..<at]
            rest = rest[rest.index(after: at)...]
        }
        (user, password) = try Self.login(login)
        var database = 0
        if let slash = rest.firstIndex(of: "/") {
            let number = rest[rest.index(after: slash)...]
            guard number.isEmpty || Int(number).map({ 0...65_535 ~= $0 }) == true else {
                throw Malformation(fault: "has a path that is no number of a database")
            }
            database = Int(number) ?? 0
            rest = rest[..<slash]
        }
        self.database = database
        (host, port) = try Self.authority(rest)
    }

    private static func login(
        _ text: Substring?
    ) throws(Malformation) -> (user: String?, password: Secret?) {
        guard let text else { return (nil, nil) }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        // "redis://word@host" is a name to some clients and a password to others.
        guard parts.count == 2, let user = VendorProxy.decoded(parts[0]),
            let word = VendorProxy.decoded(parts[1]), !word.isEmpty
        else { throw Malformation(fault: "needs :PASSWORD@ or USER:PASSWORD@ before the host") }
        return (user.isEmpty ? nil : user, Secret(word))
    }

    private static func authority(
        _ text: Substring
    ) throws(Malformation) -> (host: String, port: Int) {
        var host = text
        var port = 6379
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            guard let number = UInt16(text[text.index(after: colon)...]), number > 0 else {
                throw Malformation(fault: "has a port that is none")
            }
            port = Int(number)
            host = text[..<colon]
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        let isPlain = host.utf8.allSatisfy { byte in
            byte == 0x2D || byte == 0x2E || byte == 0x5F || 0x30...0x39 ~= byte
                || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte == 0x3A && isBracketed
        }
        guard !host.isEmpty, isPlain, isBracketed == host.contains(":") else {
            throw Malformation(fault: "has no host, or one that is none")
        }
        return (host.lowercased(), port)
    }
}
