import COpenSSL
import Cryptography
import Glibc
import Primitives

/// A session and a client of OpenSSL's own at the other end of a pair of sockets.
@safe
final class TLSPair {
    let session: TLSSession
    private let server: Int32
    private let clientDescriptor: Int32
    private let context: OpaquePointer
    private let client: OpaquePointer

    /// `versionMax` bounds the client's version of TLS, `protocols` is its offer as it is sent.
    init(_ tls: TLSContext, versionMax: Int32 = TLS1_3_VERSION, protocols: [UInt8] = []) {
        var ends: [Int32] = [-1, -1]
        unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        (server, clientDescriptor) = (ends[0], ends[1])
        guard let session = TLSSession(tls, descriptor: server),
            let context = unsafe SSL_CTX_new(TLS_client_method()),
            let client = unsafe SSL_new(context)
        else { fatalError("no memory") }
        self.session = session
        unsafe self.context = unsafe context
        unsafe self.client = unsafe client
        unsafe SSL_set_fd(client, clientDescriptor)
        unsafe SSL_set_connect_state(client)
        unsafe SSL_ctrl(client, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(versionMax), nil)
        if !protocols.isEmpty {
            _ = unsafe SSL_set_alpn_protos(client, protocols, UInt32(protocols.count))
        }
    }

    deinit {
        unsafe SSL_free(client)
        unsafe SSL_CTX_free(context)
        close(server)
        close(clientDescriptor)
    }

    /// Runs both sides of the handshake in turn; the session's last outcome.
    func handshake() -> TLSSession.Outcome {
        var outcome = TLSSession.Outcome.wouldBlock
        for _ in 0..<20 where outcome == .wouldBlock {
            unsafe SSL_do_handshake(client)
            outcome = session.handshake()
        }
        // The client reads the tickets, or the alert.
        var byte: UInt8 = 0
        unsafe SSL_peek(client, &byte, 1)
        return outcome
    }

    /// Has the client send bytes; how many it could.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int { Int(unsafe SSL_write(client, bytes, Int32(bytes.count))) }

    /// Whether the kernel has bytes for the session.
    var isReadable: Bool {
        var watched = pollfd(fd: server, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&watched, 1, 0) == 1
    }

    /// What the client reads now.
    func read(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = unsafe SSL_read(client, &bytes, Int32(count))
        return Array(bytes.prefix(max(0, Int(got))))
    }

    /// Has the client say that it sends no more.
    func finish() { unsafe SSL_shutdown(client) }

    /// Has the client's socket end without a word.
    func cut() { shutdown(clientDescriptor, Int32(SHUT_RDWR)) }

    /// Has the client change its keys.
    func updateKeys() {
        unsafe SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED)
        unsafe SSL_do_handshake(client)
    }

    /// Has the client change its keys so many times, and puts all of it into the socket at once, as
    /// far as it takes it.
    func flood(keyUpdates count: Int) {
        // Each owns a reference, and the socket stays open without its own.
        let socket = unsafe SSL_get_wbio(client)
        unsafe BIO_up_ref(socket)
        defer { unsafe SSL_set0_wbio(client, socket) }
        let memory = unsafe BIO_new(BIO_s_mem())
        unsafe BIO_up_ref(memory)
        defer { unsafe BIO_free(memory) }
        unsafe SSL_set0_wbio(client, memory)
        for _ in 0..<count { updateKeys() }
        var bytes = [UInt8](repeating: 0, count: Int(unsafe BIO_ctrl_pending(memory)))
        _ = unsafe BIO_read(memory, &bytes, Int32(bytes.count))
        _ = unsafe write(clientDescriptor, bytes, bytes.count)
    }

    /// Has the client ask for another handshake, as TLS 1.2 allows.
    func renegotiate() {
        unsafe SSL_renegotiate(client)
        unsafe SSL_do_handshake(client)
    }

    /// Whether the kernel has bytes for the client, and what the client makes of them.
    func readsFault() -> Bool {
        var byte: UInt8 = 0
        let result = unsafe SSL_read(client, &byte, 1)
        return unsafe SSL_get_error(client, result) == SSL_ERROR_SSL
    }

    /// Whether the client saw the session's own word that it sends no more.
    var sawEnd: Bool { unsafe SSL_get_shutdown(client) & SSL_RECEIVED_SHUTDOWN != 0 }

    /// What the client knows of the session.
    var version: String { unsafe String(cString: SSL_get_version(client)) }
}
