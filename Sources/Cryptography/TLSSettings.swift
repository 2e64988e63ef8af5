/// What a listener for TLS shows and demands.
public struct TLSSettings: Sendable, Equatable {
    /// A certificate and its key, each the path of a PEM file.
    public struct Certificate: Sendable, Equatable {
        /// The certificate, followed by the chain that leads to its authority.
        public var chain: String
        /// Its private key.
        public var key: String

        /// A certificate at these paths.
        public init(chain: String, key: String) {
            self.chain = chain
            self.key = key
        }
    }

    /// The versions of TLS that a client may speak at least.
    public enum Version: String, Sendable, CaseIterable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    /// The certificates; the first is shown to a client that names no host, or an unknown one.
    public var certificates: [Certificate]
    /// The authorities of the clients' certificates, a PEM file; empty where none is asked for.
    public var clientAuthorities: String
    /// The lowest version.
    public var versionMin: Version

    /// Settings of these parts.
    public init(
        certificates: [Certificate], clientAuthorities: String = "", versionMin: Version = .tls12
    ) {
        self.certificates = certificates
        self.clientAuthorities = clientAuthorities
        self.versionMin = versionMin
    }

    /// The files that it is made of.
    public var files: [String] {
        certificates.flatMap { [$0.chain, $0.key] }
            + (clientAuthorities.isEmpty ? [] : [clientAuthorities])
    }
}
