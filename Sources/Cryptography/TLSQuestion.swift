import COpenSSL
import Glibc

/// One question to a listener for TLS on this machine, for a probe of health.
public enum TLSQuestion {
    /// The status of the answer to a GET over a connection that is being made; nil where nothing
    /// comes for five seconds.
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
        guard isReady(descriptor, POLLOUT), unsafe SSL_set_fd(ssl, descriptor) == 1,
            unsafe waiting(ssl, descriptor, { unsafe SSL_connect(ssl) }),
            unsafe waiting(ssl, descriptor, { unsafe SSL_write(ssl, text, length) }),
            unsafe waiting(ssl, descriptor, { unsafe SSL_read(ssl, &answer, 12) })
        else { return nil }
        return Int(String(decoding: answer.suffix(3), as: UTF8.self))
    }

    /// Repeats a call until it is done; false where it fails, or the socket is not ready in time.
    @unsafe
    private static func waiting(
        _ ssl: OpaquePointer, _ descriptor: Int32, _ call: () -> Int32
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
            guard events != 0, isReady(descriptor, events) else { return false }
        }
    }

    private static func isReady(_ descriptor: Int32, _ events: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return unsafe poll(&entry, 1, 5000) > 0
    }
}
