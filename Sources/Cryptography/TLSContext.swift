import COpenSSL
import Glibc
import Primitives

/// What every connection of a listener for TLS has in common: certificates, versions, tickets.
///
/// It is complete once made, and all workers use the one: OpenSSL counts its references atomically.
/// A certificate that was replaced is a new context; connections keep the one they began with.
@safe
public final class TLSContext: Sendable {
    /// Why a listener's certificates cannot be used.
    public struct LoadError: Error, CustomStringConvertible {
        /// What is wrong, with the file's name.
        public let description: String
    }

    /// One certificate as OpenSSL has it, an `SSL_CTX`: written in `init` alone.
    @safe
    private struct Entry: @unchecked Sendable {
        nonisolated(unsafe) let context: OpaquePointer
    }

    /// AEAD ciphers with forward secrecy; those of TLS 1.3 all are.
    private static let ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
        + "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
        + "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

    /// The curves of a handshake, as Mozilla recommends: a client chooses, and every client knows
    /// one of them.
    private static let groups = "X25519:P-256:P-384"

    private let entries: [Entry]
    /// A digest of the clients' authorities: who was let in under others is not let in by these.
    public let policy: String
    private let tickets: TicketKeys
    /// When the first of the certificates ends, in seconds since 1970.
    public let expiresAt: Int

    /// Loads the files of these settings.
    ///
    /// `tickets` are those of the context before it, so that clients resume their sessions; a
    /// change of the clients' authorities voids them all the same, by the sessions' own context.
    public init(_ settings: TLSSettings, tickets: TicketKeys) throws(LoadError) {
        // OpenSSL writes with write(2), and a client may be gone.
        signal(SIGPIPE, SIG_IGN)
        self.tickets = tickets
        policy = Self.policy(of: settings)
        var entries: [Entry] = []
        var expiresAt = Int.max
        do throws(LoadError) {
            for path in settings.files where Self.isPipe(path) {
                throw LoadError(description: "\(path) is no regular file")
            }
            for certificate in settings.certificates {
                guard let context = unsafe SSL_CTX_new(TLS_server_method()) else {
                    throw LoadError(description: "SSL_CTX_new failed: out of memory")
                }
                unsafe entries.append(Entry(context: context))
                try unsafe Self.prepare(context, settings, tickets)
                try unsafe Self.load(certificate, into: context)
                expiresAt = min(expiresAt, try unsafe Self.end(of: context, certificate.chain))
            }
        } catch {
            for entry in entries { unsafe SSL_CTX_free(entry.context) }
            throw error
        }
        guard !entries.isEmpty else { throw LoadError(description: "there is no certificate") }
        self.entries = entries
        self.expiresAt = expiresAt
        if entries.count > 1 {
            unsafe copenssl_set_servername_callback(
                entries[0].context, chooseCertificate, Unmanaged.passUnretained(self).toOpaque())
        }
    }

    deinit {
        for entry in entries { unsafe SSL_CTX_free(entry.context) }
    }

    /// The certificates, each by the first eight bytes of its SHA-256.
    public var names: String {
        entries.map { entry in
            var digest = [UInt8](repeating: 0, count: 64)
            guard let certificate = unsafe SSL_CTX_get0_certificate(entry.context),
                unsafe X509_digest(certificate, EVP_sha256(), &digest, nil) == 1
            else { return "unknown" }
            return digest.prefix(8).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
        }.joined(separator: ", ")
    }

    /// A new connection's state; nil without memory for it.
    @unsafe
    func makeConnection() -> OpaquePointer? {
        unsafe SSL_new(entries[0].context)
    }

    /// The certificate for a host: one with exactly that name, else one with a wildcard for it,
    /// else the first.
    @unsafe
    fileprivate func context(for host: UnsafePointer<CChar>) -> OpaquePointer {
        let length = unsafe strlen(host)
        for flags in [UInt32(X509_CHECK_FLAG_NO_WILDCARDS), 0] {
            for entry in entries {
                guard let certificate = unsafe SSL_CTX_get0_certificate(entry.context) else {
                    continue
                }
                if unsafe X509_check_host(certificate, host, length, flags, nil) == 1 {
                    return unsafe entry.context
                }
            }
        }
        return unsafe entries[0].context
    }

    @unsafe
    private static func prepare(
        _ context: OpaquePointer, _ settings: TLSSettings, _ tickets: TicketKeys
    ) throws(LoadError) {
        unsafe copenssl_set_modes(context)
        unsafe copenssl_set_server_options(context)
        let version = settings.versionMin == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
        guard unsafe copenssl_set_min_version(context, version) == 1,
            unsafe SSL_CTX_set_cipher_list(context, ciphers) == 1,
            unsafe copenssl_set_groups(context, groups) == 1,
            unsafe SSL_CTX_set_num_tickets(context, 1) == 1,
            unsafe SSL_CTX_set_max_early_data(context, 0) == 1
        else { throw failure("OpenSSL refuses the settings for TLS") }
        unsafe SSL_CTX_set_alpn_select_cb(context, chooseProtocol, nil)
        unsafe copenssl_set_ticket_callback(
            context, ticketKey, Unmanaged.passUnretained(tickets).toOpaque())
        if !settings.clientAuthorities.isEmpty {
            try unsafe demandCertificates(context, settings.clientAuthorities)
        }
        // A session is resumed without its certificate being looked at again, so a ticket is only
        // good while the clients' authorities are the ones that it was given under.
        let name = Array(policy(of: settings).utf8)
        guard unsafe SSL_CTX_set_session_id_context(context, name, UInt32(name.count)) == 1 else {
            throw failure("OpenSSL refuses the name of the sessions")
        }
    }

    private static func policy(of settings: TLSSettings) -> String {
        var policy = Digest()
        policy.add(Array("weir clients \(settings.clientAuthorities)".utf8).span)
        if !settings.clientAuthorities.isEmpty {
            let held = TrustStore.fingerprint(of: settings.clientAuthorities) ?? ""
            policy.add(Array(held.utf8).span)
        }
        return String(policy.finish().prefix(32))
    }

    @unsafe
    private static func demandCertificates(
        _ context: OpaquePointer, _ file: String
    ) throws(LoadError) {
        guard unsafe SSL_CTX_load_verify_file(context, file) == 1,
            let names = unsafe SSL_load_client_CA_file(file)
        else { throw failure("cannot load the clients' authorities from \(file)") }
        guard unsafe copenssl_trusts_any(context) == 1 else {
            throw LoadError(description: "every authority of clients in \(file) has expired")
        }
        unsafe SSL_CTX_set_client_CA_list(context, names)
        unsafe SSL_CTX_set_verify(
            context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        unsafe SSL_CTX_set_verify_depth(context, 2)
    }

    @unsafe
    private static func load(
        _ certificate: TLSSettings.Certificate, into context: OpaquePointer
    ) throws(LoadError) {
        unsafe SSL_CTX_set_default_passwd_cb(context, refusePassphrase)
        guard unsafe SSL_CTX_use_certificate_chain_file(context, certificate.chain) == 1 else {
            throw failure("cannot load a certificate from \(certificate.chain)")
        }
        guard
            unsafe SSL_CTX_use_PrivateKey_file(context, certificate.key, SSL_FILETYPE_PEM) == 1
        else { throw failure("cannot load a key without a passphrase from \(certificate.key)") }
        guard unsafe SSL_CTX_check_private_key(context) == 1 else {
            throw failure("\(certificate.key) is not the key of \(certificate.chain)")
        }
    }

    /// Whether there is something else than a file, which OpenSSL might wait for.
    private static func isPipe(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && !TrustStore.isRegular(path)
    }

    /// When a certificate ends; throws where it has, or has not begun.
    @unsafe
    private static func end(of context: OpaquePointer, _ file: String) throws(LoadError) -> Int {
        var parts = unsafe tm()
        guard let certificate = unsafe SSL_CTX_get0_certificate(context),
            let end = unsafe X509_get0_notAfter(certificate),
            unsafe ASN1_TIME_to_tm(end, &parts) == 1
        else { throw failure("cannot read when the certificate in \(file) ends") }
        let seconds = unsafe timegm(&parts)
        guard seconds > time(nil) else {
            throw LoadError(description: "the certificate in \(file) has expired")
        }
        // Every client would refuse it.
        guard let begin = unsafe X509_get0_notBefore(certificate),
            unsafe ASN1_TIME_to_tm(begin, &parts) == 1
        else { throw failure("cannot read when the certificate in \(file) begins") }
        guard unsafe timegm(&parts) <= time(nil) else {
            throw LoadError(description: "the certificate in \(file) is not valid yet")
        }
        return seconds
    }

    /// A failure with OpenSSL's own reason, whose queue is empty afterwards: the next call on this
    /// thread must not find it.
    private static func failure(_ what: String) -> LoadError {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return LoadError(description: what) }
        // A system's error has no reason of OpenSSL's.
        let reason =
            if let text = unsafe ERR_reason_error_string(code) {
                unsafe String(cString: text)
            } else {
                unsafe String(cString: strerror(copenssl_system_error(code)))
            }
        return LoadError(description: "\(what): \(reason)")
    }
}

// The client's offer of protocols: HTTP/1.1 is the one that is spoken here. Without an offer it is
// meant; an offer without it is refused with an alert, which a client understands better than an
// answer in a protocol that it has not offered.
private func chooseProtocol(
    _ ssl: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenLength: UnsafeMutablePointer<UInt8>?, _ offers: UnsafePointer<UInt8>?,
    _ length: UInt32, _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let chosen = unsafe chosen, let chosenLength = unsafe chosenLength,
        let offers = unsafe offers
    else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    var index = 0
    while index < Int(length) {
        let count = unsafe Int(offers[index])
        guard index + 1 + count <= Int(length) else { break }
        let name = unsafe UnsafeBufferPointer(start: offers + index + 1, count: count)
        if unsafe name.elementsEqual("http/1.1".utf8) {
            unsafe chosen.pointee = offers + index + 1
            unsafe chosenLength.pointee = UInt8(count)
            return SSL_TLSEXT_ERR_OK
        }
        index += 1 + count
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
}

// The name of the host that the client asks for decides which certificate it is shown.
private func chooseCertificate(
    _ ssl: OpaquePointer?, _ alert: UnsafeMutablePointer<Int32>?,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let argument = unsafe argument,
        let host = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
    else { return SSL_TLSEXT_ERR_OK }
    let contexts = unsafe Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
    unsafe SSL_set_SSL_CTX(ssl, contexts.context(for: host))
    return SSL_TLSEXT_ERR_OK
}

// What OpenSSL asks for the passphrase of a file: there is none. Its own way is to ask at the
// terminal, and to wait, on whichever thread reads the file.
func refusePassphrase(
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _ isWriting: Int32,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 { -1 }
