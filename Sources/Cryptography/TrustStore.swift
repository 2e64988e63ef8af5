import COpenSSL
import Glibc

/// The certificate authorities a vendor's certificate is checked against, parsed once for the whole
/// process.
///
/// libcurl would parse the bundle again for every multi handle, 20 ms and 865 KB each time; with
/// many lanes a worker that is seconds of stall. A store is immutable once loaded, and OpenSSL
/// counts its references atomically, so that every connection of every worker can use the one.
@safe
public final class TrustStore: Sendable {
    /// Where the system's bundle stands on the distributions we know.
    private static let systemBundles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ]

    /// An `X509_STORE`.
    ///
    /// Written in `init` alone.
    private nonisolated(unsafe) let store: OpaquePointer

    /// Why a bundle could not be loaded.
    public struct LoadError: Error, CustomStringConvertible {
        /// What went wrong, with the file's name.
        public let description: String
    }

    /// Loads a PEM bundle; with an empty path, the system's.
    public init(file: String) throws(LoadError) {
        guard let store = unsafe X509_STORE_new() else {
            throw LoadError(description: "X509_STORE_new failed: out of memory")
        }
        unsafe self.store = unsafe store
        // As libcurl sets its own: an intermediate or a pinned certificate in the bundle suffices.
        unsafe X509_STORE_set_flags(
            store, UInt(X509_V_FLAG_TRUSTED_FIRST) | UInt(X509_V_FLAG_PARTIAL_CHAIN)
        )
        let candidates = file.isEmpty ? Self.systemBundles : [file]
        for path in candidates where Self.isRegular(path) {
            if unsafe copenssl_load_bundle(store, path) == 1 { return }
        }
        // The failures are in OpenSSL's queue; the next TLS call on this thread must not find them.
        ERR_clear_error()
        throw LoadError(
            description: file.isEmpty
                ? "no certificate bundle at \(Self.systemBundles.joined(separator: ", ")): "
                    + "install ca-certificates or set ca_file"
                : "cannot load certificates from \(file): not there, not readable or not PEM"
        )
    }

    /// What a bundle holds now, as a digest; with an empty path, the system's.
    ///
    /// Nil where there is no regular file: a pipe would be waited for, and be gone once read.
    public static func fingerprint(of file: String) -> String? {
        var digest = Digest()
        var isThere = false
        for path in file.isEmpty ? systemBundles : [file] {
            let descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG
            else { continue }
            isThere = true
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = unsafe read(descriptor, &piece, piece.count)
                if count <= 0 { break }
                digest.add(piece.span.extracting(0..<count))
            }
        }
        return isThere ? digest.finish() : nil
    }

    /// Whether a path leads to a regular file: OpenSSL would wait for a pipe.
    static func isRegular(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    deinit {
        unsafe X509_STORE_free(store)
    }

    /// The store's address, for ``install(_:in:)`` through a C library's user data.
    ///
    /// It is valid as long as this object lives.
    @unsafe
    public var address: UnsafeMutableRawPointer {
        unsafe UnsafeMutableRawPointer(store)
    }

    /// Makes an `SSL_CTX` check certificates against the store at an address.
    @unsafe
    public static func install(
        _ address: UnsafeMutableRawPointer, in context: UnsafeMutableRawPointer
    ) {
        unsafe SSL_CTX_set1_cert_store(OpaquePointer(context), OpaquePointer(address))
    }
}
