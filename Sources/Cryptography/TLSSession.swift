import COpenSSL
import Glibc
public import Primitives

/// One connection's TLS, over a socket that never blocks.
///
/// It is made with the connection's first byte: an `SSL` that waits for a client's greeting holds
/// 54 KiB, one that serves 13. Its owner closes the descriptor.
@safe
public final class TLSSession {
    /// The result of a step, a read or a write.
    public enum Outcome: Equatable, Sendable {
        /// So many bytes were moved; for a step of the handshake, it is over.
        case moved(Int)
        /// Nothing can be done before the socket is ready again, to write where ``wantsWrite`` is.
        case wouldBlock
        /// The client has ended its side.
        case closed
        /// The connection is of no use any more.
        case failed
    }

    /// KeyUpdates and greetings after the first one that a client may send in a second: OpenSSL
    /// itself has no bound, and refuses each of the greetings.
    private static let floodPerSecondMax = 10
    /// Reads of the socket in a call beside those that its room takes, of about a record each.
    private static let readsMin = 4
    /// Records written at a time, of 16 KiB each: an endless answer must not hold others up.
    private static let recordsPerWriteMax = 16
    /// The content of one record, at most.
    private static let recordBytesMax = 16 << 10

    private let context: AnyObject
    private let policy: String
    private let ssl: OpaquePointer
    private var floodCount = 0
    private var floodSince = Instant.now()
    private var isBroken = false
    private var hasGreeted = false
    /// Whether the client sent more KeyUpdates, or greetings after the first, than it may.
    public private(set) var isFlooded = false
    /// Whether a read or the handshake goes on once the socket can be written to.
    public private(set) var wantsWrite = false
    /// Whether a write goes on once the socket can be read from.
    public private(set) var writeWantsRead = false

    /// The session of a descriptor; nil where there is no memory for it.
    public init?(_ context: TLSContext, descriptor: Int32) {
        guard let ssl = unsafe context.makeConnection() else { return nil }
        self.context = context
        policy = context.policy
        unsafe self.ssl = unsafe ssl
        unsafe SSL_set_accept_state(ssl)
        guard unsafe SSL_set_fd(ssl, descriptor) == 1 else { return nil }
        guard unsafe copenssl_count_reads(ssl) == 1 else { return nil }
        unsafe copenssl_set_message_callback(
            ssl, sawMessage, Unmanaged.passUnretained(self).toOpaque())
    }

    /// The session of a descriptor that is connected to a server; nil where there is no memory for
    /// it.
    public init?(_ client: TLSClient, descriptor: Int32) {
        guard let ssl = unsafe client.makeConnection() else { return nil }
        context = client
        policy = ""
        unsafe self.ssl = unsafe ssl
        unsafe SSL_set_connect_state(ssl)
        guard unsafe SSL_set_fd(ssl, descriptor) == 1 else { return nil }
    }

    deinit {
        unsafe SSL_free(ssl)
    }

    /// What is wrong with the other side's certificate; nil where nothing is.
    public var certificateFault: String? {
        let code = unsafe SSL_get_verify_result(ssl)
        guard code != Int(X509_V_OK), let text = unsafe X509_verify_cert_error_string(code) else {
            return nil
        }
        return unsafe String(cString: text)
    }

    /// Whether the handshake is over.
    public var isEstablished: Bool { unsafe SSL_is_init_finished(ssl) == 1 }

    /// Whether the client resumed an earlier session.
    public var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

    /// Whether the client has shown a certificate of one of the authorities that are asked for,
    /// in this session or in the one that it resumed.
    public var isClientVerified: Bool {
        let certificate = unsafe SSL_get0_peer_certificate(ssl)
        return unsafe certificate != nil && SSL_get_verify_result(ssl) == Int(X509_V_OK)
    }

    /// Whether a client that was let in with this session is one that a context lets in, too: the
    /// clients' authorities are the same, and its certificate has not ended.
    public func holds(under context: TLSContext) -> Bool {
        policy == context.policy && !hasClientExpired
    }

    /// Whether the client's certificate has ended, which OpenSSL asks in a full handshake alone.
    private var hasClientExpired: Bool {
        guard let certificate = unsafe SSL_get0_peer_certificate(ssl) else { return false }
        // Zero is an error, which ends nothing less than the past does.
        return unsafe X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0
    }

    /// The subject of the client's certificate, as RFC 2253 writes it: `CN=ci,O=Example`; empty
    /// without a certificate that was verified.
    ///
    /// What is no printable ASCII is escaped, so that no name can look like another.
    public var clientSubject: String {
        guard isClientVerified else { return "" }
        return unsafe Self.subject(SSL_get0_peer_certificate(ssl))
    }

    @unsafe
    private static func subject(_ certificate: OpaquePointer?) -> String {
        guard let name = unsafe X509_get_subject_name(certificate),
            let memory = unsafe BIO_new(BIO_s_mem())
        else { return "" }
        defer { unsafe BIO_free(memory) }
        guard unsafe X509_NAME_print_ex(memory, name, 0, copenssl_name_flags) > 0 else { return "" }
        var bytes = [UInt8](repeating: 0, count: Int(unsafe BIO_ctrl_pending(memory)))
        let count = unsafe BIO_read(memory, &bytes, Int32(bytes.count))
        return String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self)
    }

    /// Takes the handshake as far as it goes now: one step costs up to a millisecond.
    public func handshake() -> Outcome {
        copenssl_clear_errors()
        unsafe copenssl_allow_reads(ssl, Int32(Self.readsMin))
        let result = unsafe SSL_do_handshake(ssl)
        guard result == 1 else { return failed(result, isRead: true) }
        // A ticket outlives the certificate that it was given for.
        guard !hasClientExpired else {
            isBroken = true
            return .failed
        }
        hasGreeted = true
        return .moved(0)
    }

    /// Reads to the end of a buffer: about `room` bytes, and all that OpenSSL holds already.
    ///
    /// OpenSSL reads ahead of the record that it is asked for, up to 17 KiB. The kernel reports
    /// nothing for bytes that OpenSSL has, so none but the beginning of a record may stay there.
    /// The kernel reports again what stays in the socket, so no read is made to find it empty.
    public func receive(into buffer: inout ByteBuffer, room: Int) -> Outcome {
        var total = 0
        unsafe copenssl_allow_reads(
            ssl, Int32(clamping: room / Self.recordBytesMax + Self.readsMin))
        defer { if total >= room { unsafe SSL_set_read_ahead(ssl, 1) } }
        repeat {
            // A client that sends faster than this reads would keep the worker here for ever.
            if total >= room { unsafe SSL_set_read_ahead(ssl, 0) }
            let left = total < room ? room - total : Self.recordBytesMax
            copenssl_clear_errors()
            let result = unsafe buffer.fill(room: left) { space in
                let count = unsafe SSL_read(ssl, space.baseAddress, Int32(left))
                return (count: max(0, Int(count)), result: count)
            }
            guard result > 0 else {
                let outcome = failed(result, isRead: true)
                // The end, if it is one, is found again by the next read.
                return total > 0 && !isBroken ? .moved(total) : outcome
            }
            wantsWrite = false
            total += Int(result)
            if isBroken { return .failed }
        } while unsafe SSL_has_pending(ssl) == 1
        return .moved(total)
    }

    /// Sends what a buffer holds as far as the kernel takes it, and drops that from the buffer.
    ///
    /// After ``Outcome/wouldBlock`` the next call must begin with the same bytes: OpenSSL has
    /// encrypted them already. There may be more of them.
    public func send(from buffer: inout ByteBuffer) -> Outcome {
        var total = 0
        unsafe copenssl_allow_reads(ssl, Int32(Self.readsMin))
        for _ in 0..<Self.recordsPerWriteMax where !buffer.isEmpty {
            copenssl_clear_errors()
            let bytes = unsafe buffer.pointer
            let result = unsafe SSL_write(
                ssl, bytes.baseAddress, Int32(clamping: bytes.count))
            guard result > 0 else {
                let outcome = failed(result, isRead: false)
                return total > 0 && outcome == .wouldBlock ? .moved(total) : outcome
            }
            writeWantsRead = false
            buffer.consume(Int(result))
            total += Int(result)
        }
        return .moved(total)
    }

    /// Says that no more is coming, once; the client's own word is not waited for.
    public func finishSending() {
        guard isEstablished, !isBroken else { return }
        copenssl_clear_errors()
        unsafe SSL_shutdown(ssl)
        copenssl_clear_errors()
    }

    private func failed(_ result: Int32, isRead: Bool) -> Outcome {
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ:
            if isRead { wantsWrite = false } else { writeWantsRead = true }
            return isBroken ? .failed : .wouldBlock
        case SSL_ERROR_WANT_WRITE:
            if isRead { wantsWrite = true } else { writeWantsRead = false }
            return isBroken ? .failed : .wouldBlock
        case SSL_ERROR_ZERO_RETURN:
            return .closed
        default:
            // After such a failure OpenSSL allows no further call but the one that frees.
            isBroken = true
            copenssl_clear_errors()
            return .failed
        }
    }

    /// A client's KeyUpdate costs us two derivations and a message, and it a few bytes; so does a
    /// greeting that OpenSSL refuses, as renegotiation is off.
    fileprivate func saw(_ message: UInt8) {
        guard Int32(message) == SSL3_MT_KEY_UPDATE || hasGreeted else { return }
        let now = Instant.now()
        if now - floodSince > .seconds(1) {
            floodSince = now
            floodCount = 0
        }
        floodCount += 1
        guard floodCount > Self.floodPerSecondMax else { return }
        isFlooded = true
        isBroken = true
        // OpenSSL asks for more bytes before it returns: there are none for it.
        unsafe copenssl_allow_reads(ssl, 0)
    }
}

// OpenSSL calls this for each message of the protocol, from inside of reads and writes.
private func sawMessage(
    _ isWritten: Int32, _ version: Int32, _ kind: Int32, _ bytes: UnsafeRawPointer?, _ count: Int,
    _ ssl: OpaquePointer?, _ argument: UnsafeMutableRawPointer?
) {
    guard isWritten == 0, kind == SSL3_RT_HANDSHAKE, count > 0, let bytes = unsafe bytes,
        let argument = unsafe argument
    else { return }
    let message = unsafe bytes.load(as: UInt8.self)
    guard [SSL3_MT_KEY_UPDATE, SSL3_MT_CLIENT_HELLO].contains(Int32(message)) else { return }
    unsafe Unmanaged<TLSSession>.fromOpaque(argument).takeUnretainedValue().saw(message)
}
