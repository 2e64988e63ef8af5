import COpenSSL

/// The public key of a certificate as libcurl compares it with the one that a server shows.
///
/// It is for a program that reads the same files as the server: the key says that it is that
/// server, where the certificate has no name for the address at which this machine reaches itself.
public enum KeyPin {
    /// The pin of the first certificate in a PEM file, `sha256//` and the base64 of the digest;
    /// throws where there is none.
    public static func pin(ofFile path: String) throws(TLSContext.LoadError) -> String {
        guard TrustStore.isRegular(path), let digits = unsafe Self.digest(path) else {
            ERR_clear_error()
            throw TLSContext.LoadError(description: "cannot load a certificate from \(path)")
        }
        return "sha256//" + digits
    }

    /// The base64 of the SHA-256 of the certificate's key, as its certificate holds it in DER.
    @unsafe
    private static func digest(_ path: String) -> String? {
        guard let file = unsafe BIO_new_file(path, "r") else { return nil }
        defer { unsafe BIO_free(file) }
        guard let certificate = unsafe PEM_read_bio_X509(file, nil, refusePassphrase, nil) else {
            return nil
        }
        defer { unsafe X509_free(certificate) }
        let key = unsafe X509_get_X509_PUBKEY(certificate)
        let length = unsafe i2d_X509_PUBKEY(key, nil)
        guard length > 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(length))
        unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var end = buffer.baseAddress
            _ = unsafe i2d_X509_PUBKEY(key, &end)
        }
        var digest = Digest()
        digest.add(bytes.span)
        // 32 bytes are 44 characters, and OpenSSL ends them with a zero.
        var text = [UInt8](repeating: 0, count: 45)
        let count = unsafe EVP_EncodeBlock(&text, digest.finishBytes(), 32)
        return String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }
}
