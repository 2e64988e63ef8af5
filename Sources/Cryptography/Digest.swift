import COpenSSL
import Primitives

/// SHA-256 of bytes that come in pieces.
@safe
public struct Digest: ~Copyable {
    // Looked up in the library's tables once, and not for each digest.
    private nonisolated(unsafe) static let algorithm: OpaquePointer? = unsafe EVP_MD_fetch(
        nil, "SHA256", nil)
    private let context: OpaquePointer?

    /// A digest of no bytes.
    public init() {
        unsafe context = EVP_MD_CTX_new()
        unsafe EVP_DigestInit_ex(context, Self.algorithm, nil)
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
    }

    /// Adds bytes.
    public mutating func add(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes {
            _ = unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)
        }
    }

    /// The 32 bytes of the digest of what was added.
    ///
    /// Once.
    public mutating func finishBytes() -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        unsafe EVP_DigestFinal_ex(context, &result, &length)
        return result
    }

    /// The digest of what was added, in 64 lower-case hexadecimal digits.
    ///
    /// Once.
    public mutating func finish() -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: finishBytes().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}
