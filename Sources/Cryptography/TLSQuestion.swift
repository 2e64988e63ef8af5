import COpenSSL
import Glibc
import Primitives

/// One question to a listener for TLS on this machine, for a probe of health.
public enum TLSQuestion {
    /// How long the whole answer may take: bytes that come one by one are no answer.
    private static let timeMax = Interval.seconds(10)

    /// The status of the answer to a GET over a connection that is being made; nil where it
    /// does not come within ten seconds.
    ///
    /// Waits, and leaves the descriptor open. The certificate is not verified: it is this machine
    /// that is asked, by an address that no certificate names.
    public static func status(over descriptor: Int32, path: String) -> Int? {
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else { return nil }
        defer { unsafe SSL_CTX_free(context) }
        guard let ssl = unsafe SSL_new(context) else { return nil }
        defer {
            unsafe SSL_free(ssl)
            ERR_clear_error()
        }
        let text = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        // "HTTP/1.1 200" is all that matters, and comes in one record.
        var answer = [UInt8](repeating: 0, count: 12)
        let length = Int32(text.utf8.count)
        let end = Instant.now() + timeMax
        guard isReady(descriptor, POLLOUT, until: end), unsafe SSL_set_fd(ssl, descriptor) == 1,
            unsafe waiting(ssl, descriptor, end, { unsafe SSL_connect(ssl) }),
            unsafe waiting(ssl, descriptor, end, { unsafe SSL_write(ssl, text, length) }),
            unsafe waiting(ssl, descriptor, end, { unsafe SSL_read(ssl, &answer, 12) })
        else { return nil }
        return Int(String(decoding: answer.suffix(3), as: UTF8.self))
    }

    /// Repeats a call until it is done; false where it fails, or the socket is not ready in time.
    @unsafe
    private static func waiting(
        _ ssl: OpaquePointer, _ descriptor: Int32, _ end: Instant, _ call: () -> Int32
    ) -> Bool {
        while true {
            ERR_clear_error()
            let result = call()
            if result > 0 { return true }
            let events =
                switch unsafe SSL_get_error(ssl, result) {
                case SSL_ERROR_WANT_READ: POLLIN
                case SSL_ERROR_WANT_WRITE: POLLOUT
                default: Int32(0)
                }
            guard events != 0, isReady(descriptor, events, until: end) else { return false }
        }
    }

    private static func isReady(
        _ descriptor: Int32, _ events: Int32, until end: Instant
    ) -> Bool {
        let left = end - Instant.now()
        guard left > .zero else { return false }
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return unsafe poll(&entry, 1, Int32(left.millisecondsRoundedUp)) > 0
    }
}
