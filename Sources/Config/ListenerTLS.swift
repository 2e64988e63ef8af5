/// `[server.tls]` and `[admin.tls]`: what a listener for TLS shows and demands.
public struct ListenerTLS: Sendable, Equatable {
    /// A certificate with its chain and its key: the paths of two PEM files.
    public struct Certificate: Sendable, Equatable {
        /// The certificate and its chain.
        public var chain = ""
        /// Its private key.
        public var key = ""
    }

    /// The versions that `min_version` may name.
    public static let versions = ["1.2", "1.3"]

    /// The certificates; none where the listener speaks plain HTTP.
    public var certificates: [Certificate] = []
    /// The authorities of the clients' certificates; empty where none is asked for.
    public var clientAuthorities = ""
    /// The lowest version of TLS.
    public var versionMin = "1.2"

    /// Whether the listener speaks TLS.
    public var isOn: Bool { !certificates.isEmpty }

    /// Plain HTTP.
    public init() {}
}

extension ListenerTLS {
    mutating func read(_ reader: inout TableReader) {
        readCertificates(&reader)
        reader.string("client_ca", &clientAuthorities)
        reader.choice("min_version", &versionMin, Self.versions)
        // A guard that is asked for must not be off because a line beside it is missing.
        if !isOn, !clientAuthorities.isEmpty {
            reader.error("client_ca", "needs a certificate beside it: without one there is no TLS")
        }
    }

    private mutating func readCertificates(_ reader: inout TableReader) {
        var key = ""
        reader.string("key", &key)
        guard case .array? = reader.node("certificate") else {
            var chain = ""
            reader.string("certificate", &chain)
            if chain.isEmpty != key.isEmpty {
                reader.error(
                    chain.isEmpty ? "certificate" : "key",
                    "is missing; a certificate and its key are set together")
            } else if !chain.isEmpty {
                certificates = [Certificate(chain: chain, key: key)]
            }
            return
        }
        if !key.isEmpty {
            reader.error("key", "stands in each entry of the list of certificates")
        }
        var found: [Certificate] = []
        reader.tables("certificate") { reader in
            var certificate = Certificate()
            reader.string("certificate", &certificate.chain)
            reader.string("key", &certificate.key)
            if certificate.chain.isEmpty { reader.error("certificate", "is missing") }
            if certificate.key.isEmpty { reader.error("key", "is missing") }
            found.append(certificate)
        }
        if found.isEmpty { reader.error("certificate", "is empty; one is needed at least") }
        certificates = found
    }
}
