import COpenSSL
import Glibc

/// What connections to one server over TLS have in common: its name, and the authorities that its
/// certificate is checked against.
@safe
public final class TLSClient: Sendable {
    private let host: String
    private let isAddress: Bool
    private let trust: TrustStore
    /// An `SSL_CTX`.
    ///
    /// Written in `init` alone.
    private nonisolated(unsafe) let context: OpaquePointer

    /// A client of a host, by its name or its address.
    public init(host: String, trust: TrustStore) throws(TLSContext.LoadError) {
        // OpenSSL writes with write(2), and a server may be gone.
        signal(SIGPIPE, SIG_IGN)
        self.host = host
        self.trust = trust
        isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else {
            throw TLSContext.LoadError(description: "SSL_CTX_new failed: out of memory")
        }
        unsafe self.context = unsafe context
        unsafe copenssl_set_modes(context)
        unsafe TrustStore.install(trust.address, in: UnsafeMutableRawPointer(context))
        unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        guard unsafe copenssl_set_min_version(context, TLS1_2_VERSION) == 1 else {
            throw TLSContext.LoadError(description: "OpenSSL refuses TLS 1.2")
        }
    }

    deinit {
        unsafe SSL_CTX_free(context)
    }

    /// A new connection's state; nil without memory for it.
    @unsafe
    func makeConnection() -> OpaquePointer? {
        guard let ssl = unsafe SSL_new(context) else { return nil }
        guard unsafe copenssl_expect_host(ssl, host, isAddress ? 1 : 0) == 1 else {
            unsafe SSL_free(ssl)
            return nil
        }
        return unsafe ssl
    }
}
